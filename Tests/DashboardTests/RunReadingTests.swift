import Foundation
import Journal
import Testing

@testable import Dashboard

@Suite struct `A reading of a run` {
    private let run: RunFolder
    private var reading = RunReading()

    init() throws { run = try RunFolder() }

    @Test mutating func `has every series, and then only what is new`() throws {
        let coordinator = try run.coordinator()
        try coordinator.write(steps: 0..<20)
        reading.refresh(run: run.folder)
        #expect(reading.problems == [] && reading.pulse?.lastStep == 19)
        let columns = reading.table.columns(from: 0)
        #expect(columns.step == Array(0..<20) && columns.stride == 1)
        #expect(
            columns.series.keys.sorted() == [
                "average_loss", "band/0", "band/1", "band/2", "band/3", "band/4", "effective_batch", "gradient_norm",
                "left_out", "loss", "loss_least", "loss_most", "noise_scale", "rate/textencoder", "rate/unet",
                "samples", "seconds", "workers",
            ])
        #expect(
            columns.series["rate/unet"]?.last == 1e-4 && columns.series["band/2"]?.last == 0.3
                && columns.series["loss"]?[3] == 0.25)

        reading.refresh(run: run.folder)
        #expect(reading.table.freshStep == nil)
        try coordinator.write(steps: 20..<23)
        reading.refresh(run: run.folder)
        #expect(reading.table.freshStep == 19 && reading.table.generation == 1)
        #expect(reading.table.rows.map(\.step) == Array(0..<23))
    }

    @Test mutating func `has validation losses when they come, and without those to be measured again`() throws {
        let coordinator = try run.coordinator()
        try coordinator.write(steps: 0..<20)
        reading.refresh(run: run.folder)
        #expect(reading.validation == ValidationView())
        for (step, loss) in [(9, 0.5), (19, 0.25)] {
            coordinator.write(
                .validation(ValidationEntry(step: step, loss: loss, samples: 4, isOfStep: true, isOfEpoch: false)))
        }
        try coordinator.flush()
        reading.refresh(run: run.folder)
        #expect(reading.validation.step == [9, 19] && reading.validation.loss == [0.5, 0.25])
        #expect(MetricsText(reading).text.contains("\ndanlu_validation_loss 0.25\n"))
        _ = try run.coordinator(from: 15, incarnation: 2)
        reading.refresh(run: run.folder)
        #expect(reading.validation.step == [9])
    }

    @Test mutating func `keeps a bounded number of rows, with the extremes of what they stand for`() throws {
        let coordinator = try run.coordinator()
        try coordinator.write(steps: 0..<1500)
        reading.refresh(run: run.folder)
        #expect(reading.table.stride == 2 && reading.table.rows.count == 750)
        let second = reading.table.rows[1]
        #expect(second.step == 2 && second.last == 3)
        #expect(second.values["loss_most"] == 1.0 / 3 && second.values["loss_least"] == 0.25)
        try coordinator.write(steps: 1500..<1501)
        reading.refresh(run: run.folder)
        try coordinator.write(steps: 1501..<1504)
        reading.refresh(run: run.folder)
        #expect(reading.table.rows.map(\.step) == Array(stride(from: 0, to: 1504, by: 2)))
        #expect(reading.table.rows.last?.last == 1503 && reading.table.generation == 1)
        #expect((0...40).allSatisfy { (1 << $0) / StepTable.stride(for: 1 << $0) <= StepTable.rowLimit })
    }

    @Test mutating func `takes steps that are done again for what they are now`() throws {
        let first = try run.coordinator()
        try first.write(steps: 0..<30)
        reading.refresh(run: run.folder)
        // The first is killed, and another goes on from its last state.
        let second = try run.coordinator(from: 20, incarnation: 2)
        reading.refresh(run: run.folder)
        #expect(reading.table.rows.count == 20 && reading.table.generation == 2 && reading.pulse?.lives == 2)
        for step in 20..<40 { second.write(.step(RunFolder.step(step, loss: 7))) }
        try second.flush()
        reading.refresh(run: run.folder)
        #expect(reading.table.rows.count == 40 && reading.table.rows[25].values["loss"] == 7)
        second.write(.rolledBack(step: 35))
        for step in 35..<40 { second.write(.step(RunFolder.step(step, loss: 8))) }
        try second.flush()
        reading.refresh(run: run.folder)
        #expect(reading.table.rows[39].values["loss"] == 8 && reading.table.rows[34].values["loss"] == 7)
    }

    @Test mutating func `says where workers' time goes, and who was in`() throws {
        let coordinator = try run.coordinator()
        for (number, name) in ["box1", "box2"].enumerated() {
            coordinator.write(.joined(worker: name, number: number, exactnessClass: "x"))
            coordinator.write(.event(kind: "joined", sentence: "\(name) joined", worker: name))
        }
        try coordinator.write(steps: 0..<40)
        coordinator.write(.span(step: 39, name: "optimizer", seconds: 2))
        coordinator.write(.left(worker: "box2", reason: "gone"))
        try coordinator.flush()
        reading.refresh(run: run.folder)
        #expect(reading.work.present == ["box1"] && reading.work.firstStep == 20)
        #expect(reading.work.rows.map(\.name) == ["box1", "box2"])
        #expect(
            reading.work.rows[1].split == ["compute": 1, "send": 0.25, "wait": 0.125, "broadcast": 0.0625]
                && reading.work.rows[1].samplesPerSecond == 2)
        #expect(reading.work.coordinator == ["optimizer": 0.1])
        #expect(reading.stays.stays.map(\.reason) == [nil, "gone"])
        #expect(reading.events.map(\.sentence) == ["box1 joined", "box2 joined"])
    }

    @Test mutating func `of 10,000 workers stays small`() throws {
        let coordinator = try run.coordinator()
        let names = (0..<10_000).map { "box\($0)" }
        for (number, name) in names.enumerated() {
            coordinator.write(.joined(worker: name, number: number, exactnessClass: "x"))
            if number % 1000 == 999 { try coordinator.flush() }
        }
        try coordinator.write(steps: 0..<1, workers: names)
        reading.refresh(run: run.folder)
        #expect(reading.problems == [])
        #expect(reading.work.rows.count == 64 && reading.work.rowCount == 10_000)
        #expect(reading.work.present.count == 64 && reading.work.presentCount == 10_000)
        // Those that a step waits for longest.
        #expect(reading.work.rows.contains { $0.name == "box9999" } && reading.work.rows.allSatisfy { $0.steps == 1 })
        #expect(reading.stays.stays.count == 400)
    }

    @Test mutating func `shows what a damaged journal still has, and says what it has not`() throws {
        let coordinator = try run.coordinator()
        coordinator.write(.event(kind: "note", sentence: "it began"))
        try coordinator.write(steps: 0..<300)
        try coordinator.close(outcome: "complete")
        reading.refresh(run: run.folder)
        #expect(reading.table.rows.count == 300 && reading.problems == [])

        let path = run.folder.appending(path: "journal.sqlite").path
        let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        try file.seek(toOffset: UInt64(size / 2))
        try file.write(contentsOf: Data(repeating: 0xFF, count: size / 2))
        try file.close()
        var late = RunReading()
        late.refresh(run: run.folder)
        #expect(late.problems.contains { $0.contains("is damaged") })
        #expect(late.events.map(\.sentence) == ["it began"] || late.table.rows.count > 0)
        // What was read before stays.
        reading.refresh(run: run.folder)
        #expect(reading.table.rows.count == 300)
    }

    @Test func `knows pictures by their names, and prompts by kohya's count of them`() throws {
        try run.addSamples(
            steps: [100, 7], prompts: ["# group: trigger", "", "a horse --w 64 --d 1", "  # no prompt", "a deer"])
        let samples = SamplesView(ofRun: run.folder)
        #expect(samples.prompts == ["a horse --w 64 --d 1", "a deer"])
        #expect(samples.steps == [7, 100] && samples.numbers == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4]])
    }

    @Test mutating func `finds a picture that comes later`() throws {
        reading.refresh(run: run.folder)
        #expect(reading.samples?.steps == [])
        for step in 1...3 {
            try run.addSamples(steps: [step], prompts: ["a horse"])
            reading.refresh(run: run.folder)
            #expect(reading.samples?.steps == Array(1...step))
        }
    }

    @Test mutating func `of what is no journal, or none of ours, is one sentence`() throws {
        reading.refresh(run: run.folder)
        #expect(reading.problems.count == 1 && reading.problems[0].hasPrefix("there is no journal at"))
        try Data(repeating: 0x41, count: 10_000).write(to: run.folder.appending(path: "journal.sqlite"))
        reading.refresh(run: run.folder)
        #expect(reading.problems.count == 1 && reading.problems[0].contains("damaged"))
    }
}
