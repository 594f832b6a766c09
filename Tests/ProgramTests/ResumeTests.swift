import Foundation
import Journal
import ProgramSupport
import Testing

extension `The program` {
    /// One finished run, which each test takes up in its own way.
    @Suite struct `asked to train where a run already is,` {
        private let furnace: Furnace

        init() throws {
            furnace = try Furnace()
            furnace.settings["save_every_n_steps"] = "2"
            let ended = try furnace.train().end()
            try #require(ended.status == 0, "\(ended.errors)")
        }

        private var states: [String] {
            get throws {
                try FileManager.default.contentsOfDirectory(atPath: furnace.path("out/state"))
                    .filter { $0.hasSuffix(".safetensors") }.sorted()
            }
        }

        @Test func `says when it is finished, and starts over only with --fresh`() throws {
            let again = try furnace.train().end()
            #expect(again.status == 0)
            #expect(again.output.contains("This run is finished: \(furnace.path("out/horse.safetensors"))"))

            try FileManager.default.removeItem(atPath: furnace.path("out/horse.safetensors"))
            #expect(try furnace.train().end().status == 0)
            #expect(try furnace.fingerprint() == Furnace.expected())

            furnace.settings["seed"] = "8"
            let other = try furnace.train().end()
            #expect(other.status == 1)
            #expect(other.errors.contains("holds another run") && other.errors.contains("--fresh"))
            #expect(other.errors.contains("seed is 7 there and 8 here") && !other.errors.contains("rank"))
            #expect(other.errors.isOneSentence)
            #expect(try furnace.fingerprint() == Furnace.expected())

            let fresh = try furnace.train(workers: 1, "--fresh").end()
            #expect(fresh.status == 0 && !fresh.output.contains("Going on after"))
            #expect(try furnace.fingerprint() != Furnace.expected())
        }

        @Test func `goes on when nohup has its terminal's end ignored, and after a kill says how much is done again`()
            throws
        {
            let furnace = try Furnace()
            furnace.settings["max_train_steps"] = "100000"
            try furnace.write()
            let command = "trap '' HUP; exec \(try Launched.program()) train recipe.toml --workers 1"
            let run = try Launched(["-c", command], in: furnace.folder, executable: "/bin/sh")
            func isDone(_ step: Int) -> Bool {
                let run = furnace.folder.appending(path: "out")
                return ((try? JournalReader(run: run).pulse().lastStep) ?? -1) >= step
            }
            try run.wait(for: "the third step") { isDone(2) }
            run.signal(SIGHUP)
            try run.wait(for: "the fifth step") { isDone(4) }
            run.signal(SIGKILL)
            _ = try run.end()
            let second = try furnace.train()
            try second.wait(forOutput: "the steps since then are done again")
            #expect(second.output.contains("and its last state is of step 0:"))
        }

        @Test func `passes over a damaged state and goes on from the one before`() throws {
            #expect(try states == ["step-0000000004.safetensors", "step-0000000005.safetensors"])
            let newest = furnace.folder.appending(path: "out/state/step-0000000005.safetensors")
            var bytes = try Data(contentsOf: newest)
            bytes[bytes.count - 1000] ^= 1
            try bytes.write(to: newest)
            try FileManager.default.removeItem(atPath: furnace.path("out/horse.safetensors"))

            let ended = try furnace.train(workers: 2).end()
            #expect(ended.status == 0)
            #expect(ended.output.contains("passed over a state: \(newest.path) is damaged"))
            #expect(ended.output.contains("Going on after step 4 of 5."))
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `does not start over by itself when no state is whole`() throws {
            for state in try states {
                let file = furnace.folder.appending(path: "out/state/\(state)")
                try Data(contentsOf: file).dropLast(7).write(to: file)
            }
            let ended = try furnace.train().end()
            #expect(ended.status == 1)
            #expect(ended.errors.contains("no state of this run is whole") && ended.errors.isOneSentence)
            #expect(try furnace.fingerprint() == Furnace.expected())
        }
    }
}
