import Foundation
import ProgramSupport
import Testing

/// All tests with processes, one after the other: they share a machine that may have two cores.
@Suite(.serialized) struct `The program` {}

extension `The program` {
    @Suite struct `makes the same LoRA, bit for bit,` {
        @Test(arguments: [1, 2, 3, 5]) func `with any number of workers`(workers: Int) throws {
            let furnace = try Furnace()
            let ended = try furnace.train(workers: workers).end()
            #expect(ended.status == 0 && ended.errors.isEmpty)
            for number in 1...workers { #expect(ended.output.contains("(local-\(number)) is ready")) }
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `and another one with another seed`() throws {
            let furnace = try Furnace()
            furnace.settings["seed"] = "8"
            #expect(try furnace.train(workers: 2).end().status == 0)
            #expect(try furnace.fingerprint() != Furnace.expected())
        }

        @Test func `when one of three workers is killed in the middle of a step`() throws {
            let furnace = try Furnace()
            furnace.settings["save_every_n_steps"] = "1"
            let run = try furnace.train(workers: 3)
            try run.wait(forOutput: "horse-step00000001.safetensors")
            let victim = try #require(run.workers.last)
            kill(victim, SIGKILL)
            let ended = try run.end()
            #expect(ended.status == 0)
            #expect(ended.output.contains("computed elsewhere") || ended.output.contains("is late with"))
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func `when it is asked to stop and goes on later`(signal: Int32)
            throws
        {
            let furnace = try Furnace()
            furnace.settings["save_every_n_steps"] = "1"
            let run = try furnace.train(workers: 2)
            try run.wait(forOutput: "horse-step00000001.safetensors")
            let workers = run.workers
            run.signal(signal)
            let stopped = try run.end(within: 30)
            #expect(stopped.status == 0 && stopped.errors.isEmpty)
            #expect(stopped.output.contains("the same command goes on from there"))
            #expect(!FileManager.default.fileExists(atPath: furnace.path("out/horse.safetensors")))
            for worker in workers { #expect(!Launched.isAlive(worker)) }

            let second = try furnace.train(workers: 2).end()
            #expect(second.status == 0)
            #expect(second.output.contains("Going on after step"))
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `when the coordinator is killed and started again`() throws {
            let furnace = try Furnace()
            furnace.settings["save_every_n_steps"] = "1"
            let run = try furnace.train(workers: 2)
            try run.wait(forOutput: "horse-step00000001.safetensors")
            let workers = run.workers
            #expect(workers.count == 2)
            run.signal(SIGKILL)
            let gone = try run.wait(for: "end of its workers", within: 20) {
                !workers.contains(where: Launched.isAlive)
            }
            #expect(gone <= .seconds(3))
            print("the workers of a killed coordinator were gone after \(gone)")
            #expect(try run.end().status == 128 + SIGKILL)
            #expect(!FileManager.default.fileExists(atPath: furnace.path("out/horse.safetensors")))

            let second = try furnace.train(workers: 3).end()
            #expect(second.status == 0)
            #expect(second.output.contains("Going on after step"))
            #expect(try furnace.fingerprint() == Furnace.expected())
        }
    }
}
