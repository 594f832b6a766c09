import Foundation
import GRDB
import ProgramSupport
import Testing

@testable import Journal

extension `The program` {
    @Suite struct `keeps a journal` {
        private let furnace: Furnace

        init() throws {
            furnace = try Furnace()
            furnace.settings["save_every_n_steps"] = "2"
        }

        private func audit() throws -> Launched.Ended { try furnace.danlu("audit", "out").end() }

        @Test func `that accounts for every sample after workers and the coordinator were killed`() throws {
            let run = try furnace.train(workers: 2)
            try run.wait(forOutput: "horse-step00000002.safetensors")
            kill(try #require(run.workers.first), SIGKILL)
            let journal = furnace.folder.appending(path: "out")
            // The state is of step 2, and more steps than those are in the journal.
            try run.wait(for: "third step in the journal") {
                try JournalReader(run: journal).pulse().lastStep ?? 0 >= 2
            }
            run.signal(SIGKILL)
            _ = try run.end()
            let ended = try furnace.train(workers: 1).end()
            #expect(ended.status == 0 && !ended.output.contains("led to other weights"), "\(ended.output)")

            let audit = try audit()
            #expect(audit.status == 0, "\(audit.output)\(audit.errors)")
            #expect(audit.output == "steps 0 to 4: 27 slots, 48 samples committed once, 0 left out\n")
            let overview = try JournalReader(run: journal).overview()
            #expect(overview.lives.map(\.outcome) == [nil, "complete"])
            #expect(overview.steps == Furnace.steps)
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `whose losses by timestep add up, and whose holes are found`() throws {
            #expect(try furnace.train().end().status == 0)
            try DatabaseQueue(path: furnace.path("out/journal.sqlite")).read { database in
                let sums = try Row.fetchAll(
                    database,
                    sql: """
                        SELECT sum(bands.samples) AS count, sum(bands.samples * bands.loss) AS loss, count(*) AS bands,
                            steps.samples AS samples, steps.samples * steps.loss AS step_loss
                        FROM bands JOIN steps USING (step) GROUP BY step
                        """)
                #expect(sums.count == Furnace.steps && sums.contains { ($0["bands"] as Int) > 2 })
                for sum in sums {
                    #expect(sum["count"] as Int == sum["samples"])
                    #expect(abs((sum["loss"] as Double) / (sum["step_loss"] as Double) - 1) < 1e-6)
                }
            }
            try DatabaseQueue(path: furnace.path("out/journal.sqlite"))
                .write { try $0.execute(sql: "DELETE FROM ledger WHERE step = 1 AND place = 0") }
            let audit = try audit()
            #expect(audit.status == 1 && audit.output.contains("wrong: step 1 has 2 slots of 3"), "\(audit.output)")
            #expect(audit.errors.isOneSentence)
        }

        @Test func `and goes on with a new one when it is damaged`() throws {
            #expect(try furnace.train(workers: 1, "--max_train_steps", "4").end().status == 0)
            try Data("nothing of the kind".utf8).write(to: furnace.folder.appending(path: "out/journal.sqlite"))
            try FileManager.default.removeItem(atPath: furnace.path("out/state/step-0000000004.safetensors"))
            let ended = try furnace.train(workers: 1, "--max_train_steps", "4").end()
            #expect(
                ended.status == 0 && ended.output.contains("out/journal.sqlite.damaged-1, and a new journal begins"))
            #expect(FileManager.default.fileExists(atPath: furnace.path("out/journal.sqlite.damaged-1")))

            let audit = try audit()
            #expect(audit.status == 0, "\(audit.output)\(audit.errors)")
            #expect(
                audit.output.hasPrefix(
                    "not known: what became of steps 0 to 1, before this journal began; see "
                        + furnace.path("out/journal.sqlite.damaged-1") + "\nsteps 2 to 3: "))
        }
    }
}
