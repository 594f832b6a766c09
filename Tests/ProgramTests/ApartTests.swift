import Coordination
import Foundation
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `coordinates workers that are started apart,` {
        /// What `danlu coordinate` says of where it is.
        private func address(of coordinator: Launched) throws -> String {
            let words = "Workers join with: danlu work "
            try coordinator.wait(forOutput: words)
            let line = coordinator.output.split(separator: "\n").first { $0.hasPrefix(words) }
            return String(try #require(line).dropFirst(words.count))
        }

        @Test func `who find it, and may come late or stand still for a while`() throws {
            let furnace = try Furnace()
            furnace.settings["save_every_n_steps"] = "1"
            try furnace.write()
            let coordinator = try furnace.danlu("coordinate", "recipe.toml", "--listen", "tcp://127.0.0.1:0")
            let address = try address(of: coordinator)
            let early = try furnace.danlu("work", address, "--name", "early", "--device", "cpu")
            try coordinator.wait(forOutput: "horse-step00000001.safetensors")
            early.signal(SIGSTOP)
            let late = try furnace.danlu("work", address, "--name", "late", "--device", "cpu")
            try coordinator.wait(forOutput: "(late) is ready")
            early.signal(SIGCONT)

            let ended = try coordinator.end()
            #expect(ended.status == 0 && ended.errors.isEmpty)
            #expect(ended.output.contains("(early) joined") && ended.output.contains("(late) joined"))
            for worker in [early, late] {
                let ended = try worker.end(within: 30)
                #expect(ended.status == 0)
                #expect(ended.errors.contains("dismissed: the run is complete"))
            }
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test(.enabled(if: NetworkInterfaces.all().contains { $0.host == "[::1]" }, "no IPv6 loopback here"))
        func `who find it by IPv6 too`() throws {
            let furnace = try Furnace()
            try furnace.write()
            let coordinator = try furnace.danlu(
                "coordinate", "recipe.toml", "--listen", "tcp://[::1]:0", "--min-workers", "2")
            let address = try address(of: coordinator)
            #expect(address.hasPrefix("tcp://[::1]:"))
            let workers = try ["one", "two"].map { try furnace.danlu("work", address, "--name", $0, "--device", "cpu") }
            #expect(try coordinator.end().status == 0)
            for worker in workers { #expect(try worker.end(within: 30).status == 0) }
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `who may be there before it and wait`() throws {
            let furnace = try Furnace()
            try furnace.write()
            let address = "tcp://127.0.0.1:\(try TakenPort.free())"
            let workers = try ["one", "two"].map {
                try furnace.danlu("work", address, "--name", $0, "--device", "cpu")
            }
            Thread.sleep(forTimeInterval: 1.5)
            for worker in workers { #expect(worker.isRunning) }
            let coordinator = try furnace.danlu(
                "coordinate", "recipe.toml", "--listen", address, "--min-workers", "2")
            let ended = try coordinator.end()
            #expect(ended.status == 0)
            #expect(ended.output.contains("2 workers"))
            for worker in workers { #expect(try worker.end(within: 30).status == 0) }
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `and one of them may leave when it is asked to`() throws {
            let furnace = try Furnace()
            furnace.settings["save_every_n_steps"] = "1"
            try furnace.write()
            let coordinator = try furnace.danlu(
                "coordinate", "recipe.toml", "--listen", "tcp://127.0.0.1:0", "--min-workers", "2")
            let address = try address(of: coordinator)
            let workers = try ["stays", "leaves"].map {
                try furnace.danlu("work", address, "--name", $0, "--device", "cpu")
            }
            try coordinator.wait(forOutput: "horse-step00000001.safetensors")
            // Meanwhile no step can be completed: on a fast machine the run would be over first.
            workers[0].signal(SIGSTOP)
            workers[1].signal(SIGTERM)
            let left = try workers[1].end(within: 10)
            #expect(left.status == 0 && left.errors.contains("left the run"), "\(left.errors)")
            try coordinator.wait(forOutput: "(leaves) is gone: it ", within: 5)
            workers[0].signal(SIGCONT)
            #expect(try coordinator.end().status == 0)
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `and notices within five seconds that the only one is dead, and goes on with the next`() throws {
            let furnace = try Furnace()
            furnace.settings["save_every_n_steps"] = "1"
            try furnace.write()
            let coordinator = try furnace.danlu("coordinate", "recipe.toml", "--listen", "tcp://127.0.0.1:0")
            let address = try address(of: coordinator)
            let first = try furnace.danlu("work", address, "--name", "first", "--device", "cpu")
            try coordinator.wait(forOutput: "horse-step00000001.safetensors")
            first.signal(SIGKILL)
            let noticed = try coordinator.wait(forOutput: "(first) is gone: ", within: 20)
            // Five seconds of silence, and half a one for a busy machine.
            #expect(noticed <= .seconds(5))
            print("a killed worker was noticed after \(noticed)")
            let second = try furnace.danlu("work", address, "--name", "second", "--device", "cpu")
            let ended = try coordinator.end()
            #expect(ended.status == 0 && ended.output.contains("of worker 1 are computed elsewhere"))
            #expect(try second.end(within: 30).status == 0)
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `and goes on with them after its own death`() throws {
            let furnace = try Furnace()
            furnace.settings["save_every_n_steps"] = "2"
            try furnace.write()
            let address = "tcp://127.0.0.1:\(try TakenPort.free())"
            let worker = try furnace.danlu("work", address, "--name", "loyal", "--device", "cpu")
            let first = try furnace.danlu("coordinate", "recipe.toml", "--listen", address)
            try first.wait(forOutput: "horse-step00000002.safetensors")
            first.signal(SIGKILL)
            #expect(try first.end().status == 128 + SIGKILL)
            #expect(worker.isRunning)
            let second = try furnace.danlu("coordinate", "recipe.toml", "--listen", address).end()
            #expect(second.status == 0)
            #expect(second.output.contains("Going on after step 2 of 5"))
            #expect(try worker.end(within: 30).status == 0)
            #expect(try furnace.fingerprint() == Furnace.expected())
        }
    }
}
