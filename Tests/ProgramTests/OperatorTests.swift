import Foundation
import Journal
import Monitor
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `obeys its operator,` {
        private let furnace: Furnace

        init() throws {
            furnace = try Furnace()
            furnace.settings["max_train_steps"] = "400"
            furnace.settings["save_every_n_steps"] = "400"
        }

        private func ask(_ words: String...) throws -> Launched.Ended {
            try Launched(words, in: furnace.folder).end(within: 60)
        }

        @Test func `who names the run's folder, and sees what becomes of it`() throws {
            let run = try furnace.train(workers: 2)
            try run.wait(forOutput: "step 1/400")
            let paused = try ask("pause", "out")
            #expect(paused.status == 0 && paused.output.hasPrefix("paused before step"), "\(paused.errors)")
            let shown = try ask("status", "out")
            #expect(shown.status == 0 && shown.output.contains("/400  epoch") && shown.output.contains("paused"))
            #expect(shown.output.contains("local-1") && shown.output.contains("local-2"))
            #expect(shown.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(shown.output)")
            let json = try Standing(json: Data(ask("status", "out", "--json").output.utf8))
            #expect(json.state == "paused" && json.totalSteps == 400 && json.workers.map(\.device) == ["cpu", "cpu"])
            #expect(json.workers.allSatisfy { ($0.memory ?? 0) > 1 << 20 } && json.averageLoss ?? 0 > 0)
            #expect(json.optimizerSeconds ?? 0 > 0 && json.reduceSeconds != nil)
            #expect(
                json.workers.compactMap(\.split).allSatisfy { split in
                    split.compute > 0
                        && split.broadcast.map { abs($0 + (split.send ?? .nan) - split.communicate) < 1e-9 } == true
                })
            #expect(json.events.contains { $0.sentence.contains("(local-1) is ready") })

            let state = furnace.path("out/state/step-" + padded(json.step) + ".safetensors")
            #expect(!FileManager.default.fileExists(atPath: state))
            #expect(try ask("save", "out").status == 0)
            #expect(FileManager.default.fileExists(atPath: state))
            #expect(try ask("resume", "out").status == 0)
            let twice = try ask("resume", "out")
            #expect(twice.refusal() == "nobody has paused the run, so it cannot be resumed")
            #expect(try ask("drain", "local-2", "out").output == "local-2 has left\n")
            #expect(
                try ask("drain", "local-2", "out").refusal().hasPrefix("no worker is called local-2; there are local-1")
            )
            let stopped = try ask("stop", "out")
            #expect(stopped.status == 0 && stopped.output.hasPrefix("stopped after"))
            #expect(try run.end().status == 0)
            let reader = try JournalReader(run: furnace.folder.appending(path: "out"))
            #expect(try reader.events().filter { $0.sentence.contains("asked to leave") }.map(\.kind) == ["parted"])
            #expect(
                try !String(contentsOfFile: furnace.path("out/report.md"), encoding: .utf8)
                    .contains("a worker was gone"))
            #expect(try ask("status", "out").refusal().contains("goes on from its last state"))
        }

        @Test func `and notices a coordinator that was killed`() throws {
            let run = try furnace.train()
            try run.wait(forOutput: "step 1/400")
            run.signal(SIGKILL)
            _ = try run.end()
            let refusal = try ask("status", "out").refusal()
            #expect(
                refusal.contains("(process \(run.identifier)) was killed: ")
                    && refusal.contains("of 400 steps are done"))
            #expect(try ask("pause", "elsewhere").refusal().contains("no coordinator runs in"))
            #expect(try ask("pause", "tcp://127.0.0.1").refusal().contains("is not an address"))
        }

        private func padded(_ step: Int) -> String {
            String(repeating: "0", count: 10 - "\(step)".count) + "\(step)"
        }
    }
}
