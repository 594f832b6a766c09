import Foundation
import Journal
import Recipe
import Testing

@testable import Report

@Suite struct `A report` {
    private let folder: Folder

    init() throws {
        folder = try Folder()
        try folder.write("network_dim = 16\n", to: "recipe.toml")
    }

    @Test func `says what the run was, did and made`() throws {
        let writer = try folder.writer()
        for name in ["box1", "box2"] { writer.write(.joined(worker: name, number: 1, exactnessClass: "cpu")) }
        for step in 0..<40 { writer.write(.step(Folder.step(step))) }
        writer.write(.event(kind: "late", sentence: "worker 2 is late with 3 slots"))
        writer.write(.event(kind: "late", sentence: "worker 2 is late with 4 slots"))
        try folder.write("abc", to: "horse.safetensors")
        writer.write(.saved(step: 40, path: "/elsewhere/horse.safetensors"))
        try writer.close(outcome: "complete")

        let report = try RunReport(of: folder.url)
        #expect(report.troubles.isEmpty && report.result?.step == 40)
        let (html, markdown) = (report.html, report.markdown)
        // SHA-256 of "abc", FIPS 180-2.
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        for text in [html, markdown] {
            #expect(text.contains(hash), "a file is found where the run lies now")
            #expect(text.contains("network_dim = 16") && text.contains("step  4 slots"))
            #expect(text.contains("stayed to the end"))
            #expect(text.contains("75.0") && text.contains("worker 2 is late with 4 slots"))
        }
        #expect(html.contains("<td class=\"\">a worker was late</td><td class=\"number\">2</td>"))
        #expect(html.contains("<span class=\"state good\">complete</span>"))
        for title in ["Loss", "Loss by timestep", "Learning rate", "Gradient norm", "Throughput", "Workers"] {
            #expect(html.contains("<h3>\(title)</h3>"))
        }
        #expect(markdown.contains("| Learning rate | unet | ▁▁▁"))
        #expect(
            !html.contains("http:") && !html.contains("https:") && !html.contains("<script"), "it needs nothing else")
    }

    @Test func `counts among the faults only what nobody asked for`() throws {
        let writer = try folder.writer()
        writer.write(.step(Folder.step(0)))
        for sentence in ["worker 1 (box1) is gone: it was asked to leave", "worker 2 (box2) is gone: it left"] {
            writer.write(.event(kind: "parted", sentence: sentence))
        }
        writer.write(.event(kind: "passedOn", sentence: "2 slots of worker 2, which leaves, are computed elsewhere"))
        try writer.flush()
        #expect(try Faults(RunReport(of: folder.url)).lines.isEmpty)
        writer.write(.event(kind: "left", sentence: "worker 3 (box3) is gone: silent for 5 s"))
        try writer.flush()
        let lines = try Faults(RunReport(of: folder.url)).lines
        #expect(lines.map(\.what) == ["a worker was gone"] && lines.map(\.count) == [1])
    }

    @Test func `of a run that was stopped takes no state for its LoRA`() throws {
        let writer = try folder.writer()
        for step in 0..<3 { writer.write(.step(Folder.step(step))) }
        writer.write(.saved(step: 3, path: folder.url.appending(path: "state/step-0000000003.safetensors").path))
        try folder.write("abc", to: "state/step-0000000003.safetensors")
        try writer.flush()
        let early = try RunReport(of: folder.url)
        #expect(early.result == nil && !early.html.contains("★") && early.html.contains("step-0000000003.safetensors"))
        writer.write(.saved(step: 2, path: folder.url.appending(path: "horse-step00000002.safetensors").path))
        try writer.close(outcome: "stopped: enough")
        #expect(try RunReport(of: folder.url).result?.step == 2)
    }

    @Test func `looks the same when the run was resumed, but for the mark where it was`() throws {
        let whole = try Folder()
        let one = try whole.writer()
        for step in 0..<40 { one.write(.step(Folder.step(step))) }
        try one.close(outcome: "complete")

        for begin in [0, 10, 12, 30] {
            var writer: JournalWriter? = try folder.writer(from: begin)
            for step in begin..<40 { writer?.write(.step(Folder.step(step))) }
            try writer?.flush()
            writer = nil
        }
        let (undisturbed, resumed) = (try RunReport(of: whole.url), try RunReport(of: folder.url))
        #expect(undisturbed.curves == resumed.curves && !resumed.curves.isEmpty)
        #expect(undisturbed.seconds == resumed.seconds && resumed.seconds == 20)
        #expect(WorkerShares(undisturbed).all.map(\.samples) == WorkerShares(resumed).all.map(\.samples))
        #expect(resumed.html.components(separatedBy: "class=\"resumed\"").count > 3)
        #expect(
            Faults(resumed).lines.first?.what == "the coordinator was killed" && Faults(resumed).lines[0].count == 3)
    }

    @Test func `lets nothing that others wrote become markup`() throws {
        let hostile = "<script>alert(1)</script>\" onload='x' | [a](b) ``` \u{202E}\u{7}\n# not a heading"
        let writer = try folder.writer(name: hostile, plan: hostile)
        writer.write(.joined(worker: hostile, number: 1, exactnessClass: hostile))
        writer.write(.step(Folder.step(0, worker: hostile)))
        writer.write(.left(worker: hostile, reason: hostile))
        writer.write(.event(kind: "left", sentence: hostile))
        writer.write(.saved(step: 1, path: "/out/\(hostile)"))
        try folder.write("# \(hostile)", to: "recipe.toml")
        try folder.write(hostile, to: "samples/prompts.txt")
        try folder.write("no picture", to: "samples/step-000001-00.png")
        try writer.close(outcome: hostile)
        let report = try RunReport(of: folder.url)
        let html = report.html
        #expect(!html.contains("<script") && !html.contains("alert(1)</") && !html.contains("\u{202E}"))
        #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39;"))
        #expect(html.components(separatedBy: "<img").count == 1, "what is no picture is not shown as one")
        let inBlocks = report.markdown.components(separatedBy: "````")
        for (number, part) in inBlocks.enumerated() where number % 2 == 0 {
            #expect(!part.contains("<script") && !part.contains("[a](b)") && !part.contains("\n# not"))
        }
        #expect(inBlocks.count == 5, "plan and recipe stand behind fences longer than any within")
    }

    @Test func `of a damaged journal has what can be read, and says what cannot`() throws {
        let writer = try folder.writer()
        for step in 0..<40 { writer.write(.step(Folder.step(step))) }
        try writer.close(outcome: "stopped: enough")
        let journal = folder.url.appending(path: "journal.sqlite")
        var bytes = try Data(contentsOf: journal)
        // All but the first page, which says which tables there are.
        bytes.replaceSubrange(4096..., with: Data(repeating: 0xFF, count: bytes.count - 4096))
        try bytes.write(to: journal)
        let torn = try RunReport(of: folder.url)
        #expect(torn.troubles.contains { $0.hasPrefix("a curve could not be read: ") })
        #expect(torn.html.contains("class=\"trouble\"") && torn.html.contains("network_dim = 16"))

        try Data("no journal at all".utf8).write(to: journal)
        let none = try RunReport(of: folder.url)
        #expect(none.troubles.count == 1 && none.troubles[0].contains("is damaged ("))
        #expect(none.html.contains("network_dim = 16") && none.markdown.contains("network_dim = 16"))
    }

    @Test func `of a folder that has no run is refused`() throws {
        let empty = try Folder()
        let error = try #require(throws: JournalError.self) { try RunReport(of: empty.url) }
        #expect(error.description.contains("there is no journal at "))
    }

    @Test func `names an earlier journal that was damaged`() throws {
        _ = try folder.writer()
        try folder.write("", to: "journal.sqlite.damaged-1")
        #expect(try RunReport(of: folder.url).troubles[0].contains("journal.sqlite.damaged-1"))
    }
}

@Suite struct `A scale` {
    @Test func `has round ticks around all that it shows`() {
        #expect(Scale([0.013, 0.087], length: 100).ticks == [0, 0.02, 0.04, 0.06, 0.08, 0.1])
        #expect(Scale([3.0, 3.0], length: 100).ticks.contains(3))
        #expect(Scale([], length: 100).place(.nan) == 0)
        #expect(Scale([1e-5, 1e3], length: 80, logarithmic: true).place(1e-1) == 40)
        #expect(Scale([0, 1e3], length: 80, logarithmic: true).ticks.first == 0, "nothing at 0 has a logarithm")
        #expect(Scale([-Double.infinity, 1, 2], length: 10).place(.infinity) == 0)
    }
}
