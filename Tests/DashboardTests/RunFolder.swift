import Foundation
import Journal
import Recipe

/// A run's folder for one test, with a journal that is written as a coordinator writes it.
final class RunFolder: Sendable {
    let folder: URL
    static let totalSteps = 5000

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "dashboard-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("output_name = \"a horse\"\n".utf8).write(to: folder.appending(path: "recipe.toml"))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Begins a life of the coordinator.
    func coordinator(from step: Int = 0, run: String = "run", name: String = "a horse", incarnation: UInt64 = 1) throws
        -> JournalWriter
    {
        let life = JournalWriter.Life(
            run: run, recipe: "0123456789abcdef", totalSteps: Self.totalSteps, version: "0.1.0",
            incarnation: incarnation, firstStep: step, name: name, plan: "two horses, 10 steps")
        return try JournalWriter(run: folder, life: life) { _ in }
    }

    static func step(_ step: Int, workers: [String] = ["box1", "box2"], loss: Double? = nil) -> StepEntry {
        var entry = StepEntry(
            step: step, epoch: step / 10, loss: loss ?? 1 / Double(step + 1), averageLoss: 0.5,
            rates: [.unet: 1e-4, .textEncoder: 5e-5], gradientNorm: 2, noiseScale: 80, samples: 2 * workers.count,
            seconds: 1.5, weights: UInt64(step),
            slots: workers.enumerated().map { SlotEntry(slot: $0, worker: $1, loss: 0.5, samples: ["a", "b"]) },
            shares: workers.enumerated().map { index, name in
                ShareEntry(
                    worker: name, slots: 1, samples: 2, seconds: Double(index + 1) * 0.5,
                    split: ["send": 0.25, "wait": 0.125, "broadcast": 0.0625])
            })
        entry.effectiveBatch = 2 * workers.count
        for number in 0..<5 {
            guard let band = TimestepBand(number: number) else { continue }
            entry.bands[band] = BandLoss(samples: 1 + number, mean: Double(number + 1) / 10)
        }
        return entry
    }
}

extension JournalWriter {
    func write(steps: Range<Int>, workers: [String] = ["box1", "box2"]) throws {
        for step in steps { write(.step(RunFolder.step(step, workers: workers))) }
        try flush()
    }
}

extension RunFolder {
    /// Sample pictures of one pixel.
    func addSamples(steps: [Int], prompts: [String]) throws {
        let samples = folder.appending(path: "samples")
        try FileManager.default.createDirectory(at: samples, withIntermediateDirectories: true)
        try Data(prompts.joined(separator: "\n").utf8).write(to: samples.appending(path: "prompts.txt"))
        let picture = Data(
            base64Encoded:
                "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
        for step in steps {
            for number in prompts.indices {
                let name = "step-\(String(format: "%06d", step))-\(String(format: "%02d", number)).png"
                try picture?.write(to: samples.appending(path: name))
            }
        }
    }
}
