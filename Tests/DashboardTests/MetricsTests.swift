import Foundation
import Journal
import Testing

@testable import Dashboard

@Suite struct `Metrics` {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    /// In .deps, DANLU_PROMTOOL or the PATH; `Cluster/setup --clients` brings it.
    private static let promtool: String? =
        ([
            ProcessInfo.processInfo.environment["DANLU_PROMTOOL"],
            folder.appending(path: ".deps/promtool/promtool").standardizedFileURL.path,
        ].compactMap(\.self)
        + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/promtool" })
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    private let run: RunFolder
    private let text: String

    init() throws {
        run = try RunFolder()
        let coordinator = try run.coordinator(name: "a \"horse\"\\\n")
        coordinator.write(.joined(worker: "box1", number: 1, exactnessClass: "x"))
        try coordinator.write(steps: 0..<3, workers: ["box1", "box\"2\\\n"] + (0..<100).map { "many\($0)" })
        coordinator.write(
            .validation(ValidationEntry(step: 2, loss: 0.5, samples: 4, isOfStep: true, isOfEpoch: false)))
        coordinator.write(.span(step: 2, name: "optimizer", seconds: 0.25))
        try coordinator.flush()
        var reading = RunReading()
        reading.refresh(run: run.folder)
        reading.live = Steering.computing((0..<200).map { "live\($0)" })
        text = MetricsText(reading).text
    }

    @Test(.enabled("needs promtool: Cluster/setup --clients") { promtool != nil })
    func `are what promtool takes without a complaint`() throws {
        let process = Process()
        process.executableURL = URL(filePath: Self.promtool ?? "")
        process.arguments = ["check", "metrics", "--extended"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && !said.contains("error"), "\(said)")
        #expect(said.contains("danlu_loss"), "\(said)")
    }

    @Test func `name a bounded number of workers, whatever they are called`() {
        let names = text.matches(of: /worker="((?:[^"\\]|\\.)*)"/).map(\.1)
        #expect(Set(names).count <= 2 * RunReading.workerLimit && names.count > 100)
        #expect(text.split(separator: "\n").count < 1000)
        #expect(text.contains(#"name="a \"horse\"\\\n""#))
        #expect(text.contains("\ndanlu_workers 200.0\n") && text.contains("\ndanlu_steps_done 3.0\n"))
        #expect(text.contains("\ndanlu_worker_activity{activity=\"computing\",worker=\"live0\"} 1.0\n"))
        #expect(text.contains("\ndanlu_loss 0.3333333333333333\n") && text.contains("part=\"optimizer\"} "))
    }

    @Test func `are all that the Grafana dashboard asks for`() throws {
        let data = try Data(contentsOf: Self.folder.appending(path: "Cluster/grafana/danlu.json"))
        let board = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(board["panels"] as? [[String: Any]])
        #expect(panels.count >= 8 && board["uid"] as? String == "danlu" && board["schemaVersion"] is Int)
        let queries = panels.flatMap { ($0["targets"] as? [[String: Any]] ?? []).compactMap { $0["expr"] as? String } }
        let asked = Set(queries.flatMap { $0.matches(of: /danlu_[a-z_]+/).map { String($0.0) } })
        let served = Set(text.matches(of: /TYPE (danlu_[a-z_]+)/).map { String($0.1) })
        #expect(queries.count >= panels.count - 1 && asked.isSubset(of: served), "\(asked.subtracting(served))")
        // Whatever the run is worth watching for is somewhere on it.
        #expect(
            served.subtracting(asked).isSubset(of: ["danlu_run_info", "danlu_step_samples", "danlu_epoch"]),
            "\(served.subtracting(asked))")
    }
}
