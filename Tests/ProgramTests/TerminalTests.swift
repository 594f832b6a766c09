import Foundation
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `shows its run` {
        private let furnace: Furnace

        init() throws { furnace = try Furnace() }

        private func start(
            _ arguments: [String] = [], width: Int = 80, _ environment: [String: String]
        ) throws -> PaintedTerminal {
            try furnace.write()
            return try PaintedTerminal(
                Launched.program(), ["train", "recipe.toml", "--workers", "2"] + arguments, in: furnace.folder,
                width: width, height: 24, environment)
        }

        @Test func `on a terminal as a view that is drawn over, and tells of its end`() throws {
            let terminal = try start(
                ["--notify-command", "echo $DANLU_EVENT $DANLU_STEP/$DANLU_TOTAL_STEPS >> notices"],
                ["LANG": "C.UTF-8"])
            #expect(try terminal.end() == 0)
            let (rows, row, column) = terminal.screen
            let bars = rows.filter { $0.contains("%") && $0.contains("epoch") }
            #expect(
                bars.count == 1 && bars[0].hasPrefix(" 100% ━━━━━━━━") && bars[0].hasSuffix(" 0:00 left"), "\(rows)")
            #expect(rows.filter { $0.hasPrefix("  worker ") }.count == 1)
            #expect(rows.filter { $0.hasPrefix("  local-1 ") && $0.contains(" cpu ") }.count == 1)
            #expect(rows.contains { $0.contains("(local-1) is ready") })
            #expect(rows.contains { $0.hasPrefix("Done:") })
            #expect(column == 0 && row == rows.count - 1, "whoever comes next begins on a line of their own")
            #expect(
                terminal.bytes.contains(0x1B) && !String(decoding: terminal.bytes, as: UTF8.self).contains("\u{1B}[?"))
            let notices = try String(contentsOfFile: furnace.path("notices"), encoding: .utf8)
            #expect(notices == "done \(Furnace.steps)/\(Furnace.steps)\n")
        }

        @Test func `in ASCII and without colours where that is wanted, and leaves a clean terminal at Ctrl-C`() throws {
            furnace.settings["max_train_steps"] = "400"
            let terminal = try start(width: 40, ["LANG": "C", "NO_COLOR": "1"])
            try terminal.wait(for: "avr_loss")
            terminal.interrupt()
            #expect(try terminal.end() == 0)
            let (rows, row, column) = terminal.screen
            #expect(rows.filter { $0.hasPrefix("worker ") }.count == 1, "\(rows)")
            #expect(rows.contains { $0.contains("Stopped after step") } && column == 0 && row == rows.count - 1)
            let text = String(decoding: terminal.bytes, as: UTF8.self)
            #expect(text.utf8.allSatisfy { $0 < 0x80 } && !text.contains("m\u{1B}") && !text.contains("[0m"))
        }

        @Test func `on a terminal of 20 columns without a line that is too long`() throws {
            furnace.settings["max_train_steps"] = "400"
            let terminal = try start(width: 20, ["LANG": "C.UTF-8"])
            try terminal.wait(for: "loss")
            terminal.interrupt()
            #expect(try terminal.end() == 0)
            let (rows, row, column) = terminal.screen
            #expect(rows.filter { $0.hasPrefix("worker   state") }.count == 1, "\(rows)")
            #expect(rows.filter { $0.hasPrefix("local-") }.count == 2, "\(rows)")
            #expect(rows.filter { $0.contains("/400") && $0.contains("%") }.count == 1, "\(rows)")
            #expect(column == 0 && row == rows.count - 1)
        }

        @Test func `in a pipe as lines of JSON where that is wanted`() throws {
            let run = try furnace.train(workers: 1, "--log-format", "json")
            let ended = try run.end()
            #expect(ended.status == 0 && ended.errors.isEmpty)
            let records = try ended.output.split(separator: "\n").map { line in
                try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            }
            let events = records.compactMap { $0["event"] as? String }
            #expect(events.count == records.count && events.last == "report", "\(events)")
            for event in ["plan", "joined", "ready", "saved", "cost", "complete"] { #expect(events.contains(event)) }
            let steps = records.filter { $0["event"] as? String == "step" }
            #expect(steps.compactMap { $0["step"] as? Int } == Array(1...Furnace.steps))
            #expect(steps.allSatisfy { ($0["loss"] as? Double ?? 0) > 0 && $0["learning_rates"] is [String: Double] })
            for step in steps {
                let split = try #require((step["workers_seconds"] as? [String: [String: Double]])?["local-1"])
                #expect(
                    Set(split.keys) == ["slots", "broadcast", "compute", "send", "wait"] && split["compute"] ?? 0 > 0)
                #expect(step["optimizer_seconds"] as? Double ?? 0 > 0 && step["reduce_seconds"] is Double)
            }
        }

        @Test func `to somebody who does not watch, when a worker is lost`() throws {
            furnace.settings["max_train_steps"] = "4000"
            try furnace.write()
            let run = try furnace.danlu(
                "train", "recipe.toml", "--workers", "2", "--notify-command", "cat > fresh && mv fresh notices")
            try run.wait(forOutput: "step 1/4000")
            kill(try #require(run.workers.first), SIGKILL)
            try run.wait(for: "notice of it") { FileManager.default.fileExists(atPath: furnace.path("notices")) }
            let line = try Data(contentsOf: URL(filePath: furnace.path("notices")))
            run.signal(SIGINT)
            #expect(try run.end().status == 0)
            let notice = try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
            #expect(notice["event"] as? String == "worker_lost" && notice["run"] as? String == "horse")
            #expect((notice["worker"] as? String)?.hasPrefix("local-") == true && notice["total_steps"] as? Int == 4000)
        }

        @Test func `in no format that it does not know`() throws {
            try furnace.write()
            let format = try furnace.danlu("train", "recipe.toml", "--log-format", "xml").end()
            #expect(format.status != 0 && format.errors.contains("xml"))
        }
    }
}
