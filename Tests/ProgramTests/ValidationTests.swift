import Foundation
import Journal
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `measures a validation loss` {
        private let furnace: Furnace

        init() throws {
            furnace = try Furnace()
            furnace.settings["validation_split"] = "0.34"
            furnace.settings["max_train_steps"] = "12"
            furnace.settings["validate_every_n_steps"] = "2"
        }

        private func validations(_ furnace: Furnace) throws -> [JournalReader.Validation] {
            try JournalReader(run: furnace.folder.appending(path: "out")).validations(steps: 0...1000)
        }

        /// The losses by the number of their step, which must be there once each.
        private func losses(_ furnace: Furnace) throws -> [Int: Double] {
            try Dictionary(uniqueKeysWithValues: validations(furnace).map { ($0.entry.step, $0.entry.loss) })
        }

        private func other() throws -> Furnace {
            let other = try Furnace()
            other.settings = furnace.settings
            return other
        }

        @Test func `the same with one worker and three, on pictures that are never trained on, and trains the same`()
            throws
        {
            let ended = try furnace.train(workers: 1).end()
            #expect(ended.status == 0 && ended.errors.isEmpty, "\(ended.errors)")
            #expect(ended.output.contains("4 + 2 held out"))
            #expect(ended.output.contains("2 pictures held out, at timesteps 200, 400, 600, 800: 8"))
            let alone = try validations(furnace)
            #expect(alone.last?.entry.step == 11 && alone.last?.entry.isOfEpoch == true)
            #expect(alone.allSatisfy { $0.entry.samples == 8 && $0.entry.loss > 0 })
            let last = try #require(alone.last?.entry.loss)
            let shown = "validation loss after step 12: \((last * 1e5).rounded() / 1e5), measured by local-1"
            #expect(ended.output.contains(shown), "\(ended.output)")

            // The ledger names every picture that was trained on.
            let slots = try furnace.danlu("export", "out", "--jsonl", "--table", "slots").end()
            let trained = (0..<6).filter { slots.output.contains("\"\($0).png\"") }
            #expect(trained.count == 4)
            #expect(try furnace.danlu("audit", "out").end().status == 0)
            let csv = try furnace.danlu("export", "out", "--csv").end().output.split(separator: "\n")
            #expect(csv.first?.hasSuffix(",validation_loss") == true && csv.last?.hasSuffix(",\(last)") == true)
            for name in ["out/report.html", "out/report.md"] {
                #expect(try String(contentsOfFile: furnace.path(name), encoding: .utf8).contains("validation loss"))
            }
            let fingerprint = try furnace.fingerprint()

            let seldom = try other()
            seldom.settings["validate_every_n_steps"] = nil
            seldom.settings["validate_every_n_epochs"] = "1000"
            #expect(try seldom.train(workers: 1).end().status == 0)
            #expect(try losses(seldom) == [11: last])
            #expect(try seldom.fingerprint() == fingerprint)

            let three = try other()
            #expect(try three.train(workers: 3).end().status == 0)
            #expect(try three.fingerprint() == fingerprint)
            let found = try losses(three)
            // Whoever is too busy leaves one out, aloud; what there is has the same bits.
            let common = alone.filter { found[$0.entry.step] != nil }
            #expect(common.allSatisfy { found[$0.entry.step] == $0.entry.loss } && found[11] == last)
        }

        @Test func `again elsewhere when the worker that measures it is killed`() throws {
            furnace.settings["max_train_steps"] = "40"
            furnace.settings["validate_every_n_steps"] = "1"
            let undisturbed = try other()
            #expect(try undisturbed.train(workers: 1).end().status == 0)
            let run = try furnace.train(workers: 3)
            try run.wait(forOutput: "measured by local-")
            let maker = (1...3).map { "local-\($0)" }.first { run.output.contains("measured by \($0)") }
            let victim = try #require(
                run.workers.first { process in
                    (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8))?
                        .contains(maker ?? "nobody") == true
                })
            kill(victim, SIGKILL)
            #expect(try run.end().status == 0)
            #expect(try furnace.fingerprint() == undisturbed.fingerprint())
            let (found, expected) = (try losses(furnace), try losses(undisturbed))
            #expect(found[39] != nil && found[39] == expected[39])
            #expect(found.allSatisfy { expected[$0.key] ?? $0.value == $0.value })
        }

        @Test func `and goes on with it when it is resumed, without a point twice`() throws {
            let undisturbed = try other()
            #expect(try undisturbed.train(workers: 1).end().status == 0)
            let first = try furnace.train(workers: 1)
            try first.wait(forOutput: "validation loss after step 2: ")
            first.signal(SIGINT)
            _ = try first.end()
            let ended = try furnace.train(workers: 1).end()
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try furnace.fingerprint() == undisturbed.fingerprint())
            let (found, expected) = (try losses(furnace), try losses(undisturbed))
            #expect(found[1] != nil && found[11] == expected[11])
            #expect(found.allSatisfy { expected[$0.key] ?? $0.value == $0.value })
        }

        @Test(arguments: [
            ("validation_split", "0.01", "validation_split = 0.01 of 6 pictures holds none out"),
            ("validation_split", "1", "validation_split holds all 6 pictures out and leaves none to train on"),
            ("validation_split", "1.5", "must be a number in 0...1"),
            ("validate_every_n_steps", "0", "must be a whole number in 1..."),
            ("validate_every_n_steps", "\"often\"", "must be a whole number in 1..."),
        ])
        func `unless it cannot be, which it says in one sentence before anything runs`(
            key: String, value: String, sentence: String
        ) throws {
            furnace.settings[key] = value
            let ended = try furnace.train().end()
            #expect(ended.status == 1 && ended.errors.contains(sentence), "\(ended.errors)")
            #expect(ended.errors.isOneSentence, "\(ended.errors)")
            #expect(!FileManager.default.fileExists(atPath: furnace.path("out")))
        }
    }
}
