import Foundation
import Journal
import Recipe
import Testing

@testable import Export

@Suite struct `A table of a run` {
    private let ledge: Ledge

    init() throws { ledge = try Ledge() }

    private func text(_ table: Table, _ format: TableFormat) throws -> String {
        var data = Data()
        try format.write(table, of: ledge.reader()) { data += $0 }
        return String(decoding: data, as: UTF8.self)
    }

    private func objects(_ table: Table) throws -> [[String: Any]] {
        try text(table, .jsonl).split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func `has numbers that read back to the same bits, in CSV and in JSON`() throws {
        let writer = try ledge.writer()
        for step in 0..<5 { writer.write(.step(Ledge.step(step))) }
        for step in [0, 3] {
            let loss = 1 / Double(step + 7)
            writer.write(
                .validation(ValidationEntry(step: step, loss: loss, samples: 8, isOfStep: true, isOfEpoch: false)))
        }
        try writer.flush()
        let lines = try text(.steps, .csv).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        #expect(lines[0] == Table.steps.columns.map(\.name) && lines.count == 6)
        // JSONSerialization rounds; JSONDecoder does not.
        let objects = try text(.steps, .jsonl).split(separator: "\n").map {
            try JSONDecoder().decode([String: Field].self, from: Data($0.utf8))
        }
        for (number, (line, object)) in zip(lines.dropFirst(), objects).enumerated() {
            let row = Dictionary(uniqueKeysWithValues: zip(lines[0], line))
            let step = Ledge.step(number)
            let expected: [String: Double?] = [
                "loss": step.loss, "average_loss": step.averageLoss, "gradient_norm": step.gradientNorm,
                "noise_scale": step.noiseScale, "seconds": step.seconds, "lr/unet": step.rates[.unet],
                "lr/textencoder": step.rates[.textEncoder], "lr/unet plus": nil, "optimizer_seconds": 0.3 / 7,
                "loss/800-999": step.loss, "loss/0-199": nil,
                "validation_loss": [0, 3].contains(number) ? 1 / Double(number + 7) : nil,
            ]
            for (name, value) in expected {
                #expect(row[name].map(Double.init) == value, "\(name)")
                #expect(object[name]?.number == value, "\(name)")
            }
            #expect(row["weights"] == "fffffffffffffff\(String(15 - number, radix: 16))")
            #expect(row["effective_batch"] == "5" && row["samples/800-999"] == "4" && row["samples/0-199"] == "0")
            #expect(Set(object.keys) == Set(lines[0]), "every column is in every object")
        }
    }

    @Test func `keeps names apart, whatever is in them`() throws {
        let writer = try ledge.writer()
        let hostile = "=box\"1\",\r\n\u{1}\u{2028}</script>"
        writer.write(.step(Ledge.step(0, worker: hostile)))
        writer.write(.joined(worker: hostile, number: 1, exactnessClass: ""))
        writer.write(.event(kind: "journal", sentence: "a, \"b\"\nc", worker: hostile))
        writer.write(.saved(step: 1, path: "/out/a,b.safetensors"))
        try writer.close(outcome: "stopped: \"never\" mind")
        #expect(try objects(.workers).map { $0["worker"] as? String } == [hostile])
        #expect(try objects(.stays).map { $0["worker"] as? String } == [hostile])
        #expect(try objects(.events).map { $0["sentence"] as? String } == ["a, \"b\"\nc"])
        #expect(try objects(.files).map { $0["path"] as? String } == ["/out/a,b.safetensors"])
        #expect(try objects(.lives).map { $0["outcome"] as? String } == ["stopped: \"never\" mind"])
        let slots = try objects(.slots)
        #expect(slots.map { $0["samples"] as? [String] } == [["a \"b\"", "c,\nd"], ["e"]])
        #expect(slots.map { $0["not_finite"] as? String } == [nil, "UNet"])
        let csv = try text(.workers, .csv)
        #expect(csv.contains("0,\"=box\"\"1\"\",\r\n\u{1}\u{2028}</script>\",1,4,0.1,,"))
    }

    @Test func `has a step that was done again once, as it was done last`() throws {
        var writer: JournalWriter? = try ledge.writer()
        for step in 0..<4 { writer?.write(.step(Ledge.step(step))) }
        try writer?.flush()
        writer = nil
        writer = try ledge.writer(from: 2)
        #expect(try objects(.steps).map { $0["step"] as? Int } == [0, 1])
        #expect(try objects(.slots).count == 4 && objects(.workers).count == 2)
        writer?.write(.step(Ledge.step(2, loss: 9)))
        try writer?.flush()
        #expect(try objects(.steps).map { $0["loss"] as? Double } == [1.0 / 3, 0.25, 9])
        #expect(try objects(.steps).map { $0["life"] as? Int } == [1, 1, 2])
    }

    @Test func `has all rows of a run that takes several pages, and none of one that has no step`() throws {
        let writer = try ledge.writer()
        for table in Table.all { #expect(try objects(table).count == (table.name == "lives" ? 1 : 0)) }
        for step in 0..<2345 { writer.write(.step(Ledge.step(step))) }
        try writer.flush(within: .seconds(60))
        #expect(try objects(.steps).map { $0["step"] as? Int } == Array(0..<2345))
        #expect(try objects(.slots).count == 2 * 2345)
    }

    @Test func `of a damaged journal has the rows before the damage, and says so`() throws {
        let writer = try ledge.writer()
        for step in 0..<2000 { writer.write(.step(Ledge.step(step))) }
        try writer.flush(within: .seconds(60))
        try writer.close(outcome: "stopped")
        let file = ledge.folder.appending(path: "journal.sqlite")
        var bytes = try Data(contentsOf: file)
        for page in stride(from: bytes.count * 3 / 4 / 4096 * 4096, to: bytes.count - 4096, by: 4096) {
            bytes.replaceSubrange(page..<page + 4096, with: Data(repeating: 0xFF, count: 4096))
        }
        try bytes.write(to: file)
        var data = Data()
        let error = try #require(throws: JournalError.self) {
            try TableFormat.jsonl.write(.slots, of: ledge.reader()) { data += $0 }
        }
        #expect(error.description.contains("is damaged ("))
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        #expect(lines.count >= 2000 && lines.allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") })
    }

    @Test func `explains each of its columns, whose names are its own`() {
        for table in Table.all {
            #expect(Set(table.columns.map(\.name)).count == table.columns.count)
            #expect(table.columns.allSatisfy { !$0.meaning.isEmpty })
        }
    }
}

/// A number of a JSON object, if it is one.
private struct Field: Decodable {
    let number: Double?

    init(from decoder: any Decoder) throws {
        number = try? decoder.singleValueContainer().decode(Double.self)
    }
}
