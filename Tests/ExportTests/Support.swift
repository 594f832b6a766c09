import Foundation
import Journal
import Recipe

/// A run's directory for one test, with a journal that can be written in several lives.
final class Ledge {
    let folder: URL

    /// Steps in an epoch, and in the run.
    static let stepsPerEpoch = 3
    static let totalSteps = 6

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "export-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func writer(from step: Int = 0) throws -> JournalWriter {
        let life = JournalWriter.Life(
            run: "run", recipe: "recipe", totalSteps: Self.totalSteps, version: "1", incarnation: 7, firstStep: step)
        return try JournalWriter(run: folder, life: life) { _ in }
    }

    func reader() throws -> JournalReader { try JournalReader(run: folder) }

    /// A step whose numbers have digits that only whole doubles keep.
    static func step(_ step: Int, loss: Double? = nil, worker: String = "box") -> StepEntry {
        var entry = StepEntry(
            step: step, epoch: step / stepsPerEpoch, loss: loss ?? 1 / Double(step + 3),
            averageLoss: 0.1 + 0.2 * Double(step), rates: [.unet: 1e-4 / 3, .textEncoder: .leastNonzeroMagnitude],
            gradientNorm: Double(step).squareRoot() * 1e30, noiseScale: step == 0 ? nil : 8, samples: 4,
            seconds: 0.7, weights: UInt64.max - UInt64(step),
            slots: [
                SlotEntry(slot: 2 * (step % stepsPerEpoch), worker: worker, loss: 0.3, samples: ["a \"b\"", "c,\nd"]),
                SlotEntry(
                    slot: 2 * (step % stepsPerEpoch) + 1, worker: nil, loss: 0, samples: ["e"], notFinite: "UNet"),
            ],
            shares: [
                ShareEntry(worker: worker, slots: 1, samples: 4, seconds: 0.1, split: ["send": 1.0 / 7, "wait": 0])
            ])
        entry.split = ["optimizer": 0.3 / 7]
        entry.effectiveBatch = 5
        entry.bands = [TimestepBand(of: 900): BandLoss(samples: 4, mean: 1 / Double(step + 3))]
        return entry
    }

    /// A picture as a run makes them: a PNG of one pixel; see ``SamplePicture``.
    @discardableResult
    func picture(step: String, prompt: String) throws -> Data {
        let samples = folder.appending(path: "samples")
        try FileManager.default.createDirectory(at: samples, withIntermediateDirectories: true)
        let data = Data(base64Encoded: Self.pixel) ?? Data()
        try data.write(to: samples.appending(path: "step-\(step)-\(prompt).png"))
        return data
    }

    private static let pixel =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC"
}
