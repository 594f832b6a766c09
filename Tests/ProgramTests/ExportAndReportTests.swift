import Foundation
import Journal
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `exports` {
        private let furnace: Furnace

        init() throws { furnace = try Furnace() }

        @Test func `every step of a run, and writes TensorBoard files unless told not to`() throws {
            furnace.settings["logging_dir"] = "\"logs\""
            #expect(try furnace.train(workers: 1, "--max_train_steps", "2").end().status == 0)
            let logs = try FileManager.default.contentsOfDirectory(atPath: furnace.path("logs"))
            #expect(logs.count == 1 && logs[0].hasPrefix("horse-"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: furnace.path("logs/\(logs[0])")).count == 1)
            #expect(!FileManager.default.fileExists(atPath: furnace.path("out/tensorboard")))

            let csv = try furnace.danlu("export", "out", "--csv").end()
            let lines = csv.output.split(separator: "\n")
            #expect(csv.status == 0 && lines.count == 3 && lines[0].hasPrefix("step,epoch,time,seconds,loss,"))
            let losses = try JournalReader(run: furnace.folder.appending(path: "out")).series(.loss).map(\.mean)
            #expect(lines.dropFirst().map { Double($0.split(separator: ",")[4]) } == losses)
            let slots = try furnace.danlu("export", "out", "--jsonl", "--table", "slots", "-o", "slots.jsonl").end()
            #expect(slots.status == 0 && slots.output.isEmpty)
            let written = try String(contentsOfFile: furnace.path("slots.jsonl"), encoding: .utf8)
            #expect(written.split(separator: "\n").count == 10 && written.contains(#""worker":""#))
        }

        @Test func `nothing of a folder that has no run, and says what it has`() throws {
            let missing = try furnace.danlu("export", "out", "--csv", "-o", "steps.csv").end()
            #expect(missing.status == 1 && missing.errors.isOneSentence, "\(missing.errors)")
            #expect(missing.errors.contains("there is no journal at "))
            #expect(!FileManager.default.fileExists(atPath: furnace.path("steps.csv")))
            let formless = try furnace.danlu("export", "out").end()
            #expect(formless.refusal().hasSuffix("add --csv, or --jsonl for a JSON object a line"))
            let unknown = try furnace.danlu("export", "out", "--csv", "--table", "wors").end()
            #expect(
                unknown.status != 0 && unknown.errors.contains("steps, workers, slots, events, stays, files, lives"))
            let help = try furnace.danlu("export", "--help").end()
            #expect(help.output.contains("gradient_norm: of the mean gradient, before clipping"))
        }
    }
}

extension `The program` {
    @Suite struct `reports` {
        private let furnace: Furnace

        init() throws { furnace = try Furnace() }

        @Test func `at a run's end, and of any folder that has something of a run`() throws {
            let ended = try furnace.train(workers: 1, "--max_train_steps", "2").end()
            let page = furnace.path("out/report.html")
            #expect(ended.status == 0 && ended.output.contains("The report is \(page)."))
            let html = try String(contentsOfFile: page, encoding: .utf8)
            #expect(html.contains("<h3>Loss by timestep</h3>") && html.contains("The plan") && html.contains("★"))
            #expect(html.contains("network_dim = 3") && html.hasSuffix("</html>\n"))
            #expect(FileManager.default.fileExists(atPath: furnace.path("out/report.md")))

            try FileManager.default.removeItem(atPath: furnace.path("out/journal.sqlite"))
            let partly = try furnace.danlu("report", "out", "--output", "page.html").end()
            #expect(partly.status == 0 && partly.output == "page.html\n")
            #expect(partly.errors.hasPrefix("note: there is no journal at "))
            #expect(try String(contentsOfFile: furnace.path("page.html"), encoding: .utf8).contains("network_dim = 3"))
            let nothing = try furnace.danlu("report", "data").end()
            #expect(nothing.status == 1 && nothing.errors.isOneSentence && !nothing.errors.contains("note"))
            #expect(!FileManager.default.fileExists(atPath: furnace.path("data/report.html")))
        }
    }
}
