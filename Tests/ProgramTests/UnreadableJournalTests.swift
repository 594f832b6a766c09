import Foundation
import GRDB
import Journal
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `of a journal that cannot be read` {
        private let furnace: Furnace
        private let out: URL

        init() throws {
            furnace = try Furnace()
            out = furnace.folder.appending(path: "out")
            let ended = try furnace.train(workers: 1, "--max_train_steps", "2").end()
            try #require(ended.status == 0)
            try FileManager.default.removeItem(at: out.appending(path: "report.html"))
        }

        /// Both commands at once, since each waits for a locked journal.
        private func exportAndReport() throws -> (exported: Launched.Ended, reported: Launched.Ended) {
            let export = try furnace.danlu("export", "out", "--csv", "-o", "steps.csv")
            let report = try furnace.danlu("report", "out")
            return try (export.end(), report.end())
        }

        private func check(_ what: String, sentence: String) throws {
            let (exported, reported) = try exportAndReport()
            #expect(exported.refusal().contains(sentence), "\(what)")
            #expect(!FileManager.default.fileExists(atPath: furnace.path("steps.csv")), "\(what)")
            #expect(reported.status == 0 && reported.errors.hasPrefix("note: "), "\(what): \(reported.errors)")
            #expect(reported.errors.contains(sentence), "\(what): \(reported.errors)")
            let page = try String(contentsOf: out.appending(path: "report.html"), encoding: .utf8)
            #expect(page.contains("class=\"trouble\"") && page.contains("network_dim = 3"), "\(what)")
        }

        @Test func `since somebody has locked it, says so and writes what else there is`() throws {
            let lock = try LockedJournal(of: out)
            try check("locked", sentence: "journal.sqlite is locked by another program: close whatever has it open")
            withExtendedLifetime(lock) {}
        }

        @Test func `since a later Danlu wrote it, says so and writes what else there is`() throws {
            try ageJournal(of: out, to: 99)
            try check("later", sentence: "journal.sqlite has version 99 and this Danlu knows ")
            let shown = try furnace.danlu("dashboard", "out", "--listen", "0")
            try shown.wait(forOutput: "#token=")
            #expect(shown.errors.contains("has version 99 and this Danlu knows "))
            shown.signal(SIGTERM)
            #expect(try shown.end().status == 0)
        }

        @Test func `since it is no journal any more, says so and writes what else there is`() throws {
            try Data(repeating: 0x41, count: 50_000).write(to: out.appending(path: "journal.sqlite"))
            try check("overwritten", sentence: "journal.sqlite is damaged (")
        }

        @Test func `beyond some steps, writes those before, and says that there is no more`() throws {
            try lengthenJournal(of: out, to: 2..<5000)
            let journal = out.appending(path: "journal.sqlite")
            var bytes = try Data(contentsOf: journal)
            for page in stride(from: bytes.count * 7 / 8 / 4096 * 4096, to: bytes.count - 4096, by: 4096) {
                bytes.replaceSubrange(page..<page + 4096, with: Data(repeating: 0xFF, count: 4096))
            }
            try bytes.write(to: journal)
            let (exported, reported) = try exportAndReport()
            #expect(exported.refusal().hasSuffix("steps.csv has the rows before that"))
            let rows = try String(contentsOfFile: furnace.path("steps.csv"), encoding: .utf8).split(separator: "\n")
            #expect(rows.count > 1 && rows.count < 5001 && Set(rows.map { $0.count { $0 == "," } }).count == 1)
            #expect(reported.status == 0 && reported.errors.contains("could not be read: "))
            #expect(
                try String(contentsOf: out.appending(path: "report.html"), encoding: .utf8).contains(
                    "class=\"trouble\""))
        }
    }
}
