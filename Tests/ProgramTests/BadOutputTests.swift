import Foundation
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `keeps what it has and says in one sentence when` {
        private let furnace: Furnace

        init() throws { furnace = try Furnace() }

        @Test func `the output folder cannot be made`() throws {
            // Below a file and in /proc not even root makes folders.
            for (folder, reason) in [
                ("recipe.toml/out", "Not a directory"), ("/proc/out", "No such file or directory"),
            ] {
                furnace.settings["output_dir"] = "\"\(folder)\""
                let path = folder.hasPrefix("/") ? folder : furnace.path(folder)
                #expect(try furnace.refusal().hasPrefix("output_dir: \(path) cannot be written (\(reason)): choose"))
                let ended = try furnace.danlu(
                    "sample", "--model", Furnace.model.path, "--prompt", "a horse", "--output", folder
                ).end()
                #expect(ended.refusal().hasPrefix("--output \(folder): the folder cannot be made (\(reason))"))
            }
        }

        @Test func `another coordinator is at work in the output folder`() throws {
            try furnace.write()
            let first = try furnace.danlu("coordinate", "recipe.toml", "--listen", "tcp://127.0.0.1:0")
            try first.wait(forOutput: "Workers join with")
            #expect(try furnace.refusal().hasPrefix("output_dir: another Danlu is training in \(furnace.path("out"))"))
            first.signal(SIGINT)
            #expect(try first.end(within: 20).status == 0)
        }

        @Test func `the output's name is a path`() throws {
            for name in ["a/b", "../up", "..", ""] {
                furnace.settings["output_name"] = "\"\(name)\""
                #expect(try furnace.refusal().contains("output_name"))
            }
            #expect(!FileManager.default.fileExists(atPath: furnace.path("up.safetensors")))
        }

        @Test func `a port cannot be had, and leaves no run behind`() throws {
            try furnace.write()
            let taken = try TakenPort()
            for (listen, reason) in [
                ("tcp://127.0.0.1:65535", "has the last port there is"), ("tcp://127.0.0.1:\(taken.number)", "taken"),
                ("tcp://::1:5570", "an IPv6 address in brackets"),
            ] {
                let ended = try furnace.danlu("coordinate", "recipe.toml", "--listen", listen).end(within: 60)
                #expect(ended.errors.contains(reason))
                #expect(ended.status != 0 && !ended.output.contains("report"))
                let left = (try? FileManager.default.contentsOfDirectory(atPath: furnace.path("out"))) ?? []
                #expect(left.allSatisfy { $0.hasPrefix(".") })
            }
        }

        @Test func `no worker of its own can do its work`() throws {
            let run = try furnace.train()
            try run.wait(for: "worker") { !run.workers.isEmpty }
            let worker = try #require(run.workers.first)
            // It reads pictures when it first needs them; until then they go away.
            kill(worker, SIGSTOP)
            try run.wait(forOutput: "waits for a worker")
            try FileManager.default.removeItem(atPath: furnace.path("data"))
            kill(worker, SIGCONT)
            let refusal = try run.end().refusal()
            #expect(refusal.contains("data/3_a horse/") && refusal.contains("No such file or directory"))
            #expect(furnace.leftovers.isEmpty)
        }
    }
}
