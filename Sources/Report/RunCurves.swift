import Journal
import Recipe

/// The curves of a report, in its order.
enum RunCurves {
    /// Points of a line: about the pixels that it is wide.
    private static let points = 360
    /// Points of a line that is too noisy otherwise.
    private static let fewPoints = 40

    static let all: [@Sendable (JournalReader) throws -> Curve] = [
        { reader in
            let validation = try reader.series(.validationLoss, limit: points)
            return Curve(
                title: "Loss",
                caption: validation.isEmpty
                    ? "each step's, and kohya's avr_loss"
                    : "each step's, kohya's avr_loss, and that of held-out pictures",
                lines: [
                    .init(name: "loss", points: try reader.series(.loss, limit: points), hasRange: true),
                    .init(name: "avr_loss", points: try reader.series(.averageLoss, limit: points)),
                    .init(name: "validation loss", points: validation),
                ], isMain: true)
        },
        { reader in
            Curve(
                title: "Loss by timestep", caption: "of the samples whose timesteps were in a band",
                lines: try TimestepBand.all.map {
                    .init(name: $0.name, points: try reader.series(.bandLoss($0), limit: fewPoints))
                })
        },
        { reader in
            Curve(
                title: "Learning rate", caption: "of each group, scaled and scheduled",
                lines: try reader.groups().map {
                    .init(name: $0.rawValue, points: try reader.series(.rate($0), limit: points))
                })
        },
        { reader in
            Curve(
                title: "Gradient norm", caption: "of the mean gradient, before clipping",
                lines: [.init(name: "norm", points: try reader.series(.gradientNorm, limit: points), hasRange: true)],
                isLogarithmic: true)
        },
        { reader in
            Curve(
                title: "Gradient noise scale", caption: "in samples",
                lines: [
                    .init(name: "noise scale", points: try reader.series(.noiseScale, limit: points)),
                    .init(name: "effective batch", points: try reader.series(.effectiveBatch, limit: points)),
                ], isLogarithmic: true)
        },
        { reader in
            let samples = try reader.series(.samples, limit: points)
            let seconds = try reader.series(.seconds, limit: points)
            let rates = zip(samples, seconds).compactMap { samples, seconds -> JournalReader.Point? in
                guard seconds.mean > 0 else { return nil }
                let rate = samples.mean / seconds.mean
                return .init(step: samples.step, mean: rate, least: rate, most: rate)
            }
            return Curve(
                title: "Throughput", caption: "samples a second, while steps were computed",
                lines: [.init(name: "samples/s", points: rates)], hasZero: true)
        },
        { reader in
            Curve(
                title: "Workers", caption: "that computed each step",
                lines: [.init(name: "workers", points: try reader.series(.workers, limit: points), hasRange: true)],
                hasZero: true)
        },
    ]
}
