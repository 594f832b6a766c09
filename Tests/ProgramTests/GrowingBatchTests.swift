import Foundation
import Journal
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `whose batch grows with its workers` {
        private let furnace: Furnace

        init() throws {
            furnace = try Furnace()
            furnace.settings["batch_policy"] = "\"per_worker\""
        }

        @Test func `makes, with one, the bits of the fixed policy`() throws {
            let ended = try furnace.train().end()
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.output.contains("it is never exact"))
            #expect(ended.output.contains("from step 0 a step has 7 slots, 7 for each of 1 worker\n"))
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `sees every sample once when all is killed and others go on`() throws {
            furnace.settings["gradient_accumulation_steps"] = "2"
            furnace.settings["max_train_steps"] = "14"
            furnace.settings["save_every_n_steps"] = "5"
            let run = try furnace.train(workers: 2)
            // Ten slots are an epoch, five steps of one worker, three of two.
            try run.wait(forOutput: "horse-step00000005.safetensors")
            let journal = furnace.folder.appending(path: "out")
            try run.wait(for: "fourth step in the journal") { try JournalReader(run: journal).overview().steps >= 4 }
            run.signal(SIGKILL)
            _ = try run.end()
            let ended = try furnace.train(workers: 3).end()
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.output.contains("Going on after step 3 of 7.\n"), "\(ended.output)")
            #expect(ended.output.contains("from step 3 a step has 6 slots, 2 for each of 3 workers\n"))
            #expect(ended.output.contains("the effective batch is 12 now; learning rates follow over 20 steps\n"))
            let audit = try furnace.danlu("audit", "out").end()
            #expect(audit.status == 0, "\(audit.output)")
            #expect(audit.output.hasPrefix("steps 0 to 6: 28 slots, ") && audit.output.hasSuffix(" once, 0 left out\n"))
        }

        @Test func `cannot be exact`() throws {
            let ended = try furnace.train(workers: 1, "--exact").end()
            #expect(ended.status == 1 && ended.errors.contains("never exact") && ended.errors.isOneSentence)
        }
    }
}
