import Foundation
import Journal
import Recipe

/// A run's directory for one test.
final class Folder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "report-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func writer(from step: Int = 0, name: String = "horse", plan: String = "The plan\n  step  4 slots") throws
        -> JournalWriter
    {
        let life = JournalWriter.Life(
            run: "0123456789abcdef0123456789abcdef", recipe: "c0ffee", totalSteps: 40, version: "0.1.0", incarnation: 7,
            firstStep: step, name: name, plan: plan)
        return try JournalWriter(run: url, life: life) { _ in }
    }

    func write(_ text: String, to name: String) throws {
        let file = url.appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    static func step(_ step: Int, worker: String = "box1") -> StepEntry {
        var entry = StepEntry(
            step: step, epoch: step / 10, loss: 0.2 / Double(step + 2), averageLoss: 0.15 / Double(step + 2),
            rates: [.unet: 1e-4, .textEncoder: 5e-5], gradientNorm: 1 / Double(step + 1), noiseScale: 30, samples: 4,
            seconds: 0.5, weights: 0xABCD,
            slots: [SlotEntry(slot: step, worker: worker, loss: 0.1, samples: ["a"])],
            shares: [
                ShareEntry(worker: worker, slots: 3, samples: 3, seconds: 0.4, split: ["wait": 0.1]),
                ShareEntry(worker: "box2", slots: 1, samples: 1, seconds: 0.2, split: ["wait": 0.3]),
            ])
        entry.effectiveBatch = 4
        entry.bands = [TimestepBand(of: 300): BandLoss(samples: 4, mean: 0.1)]
        return entry
    }
}
