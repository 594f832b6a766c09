import Journal
import Recipe

/// What a step says to TensorBoard: kohya's tags, and ours beside them.
///
/// kohya: `TN.generate_step_logs`, and `loss/epoch_average` at an epoch's end, at its count of steps.
enum TensorBoardTags {
    /// kohya counts steps from 1.
    static func step(_ step: JournalReader.Step) -> Int { step.step + 1 }

    static func event(of step: JournalReader.Step) -> TensorBoardEvent {
        var values: [(tag: String, number: Double?)] = [
            ("loss/current", step.loss), ("loss/average", step.averageLoss),
        ]
        values += ParameterGroup.allCases.map { ("lr/\($0.rawValue)", step.rates[$0]) }
        values += TimestepBand.all.map { ("loss_by_timestep/\($0.name)", step.bands[$0]?.mean) }
        values += [
            ("gradient/norm", step.gradientNorm), ("gradient/noise_scale", step.noiseScale),
            ("batch/samples", Double(step.samples)), ("batch/effective", step.effectiveBatch.map(Double.init)),
            ("cluster/workers", Double(step.workers)), ("cluster/seconds_per_step", step.seconds),
            ("cluster/samples_per_second", step.seconds > 0 ? Double(step.samples) / step.seconds : nil),
        ]
        return TensorBoardEvent(
            time: step.time, step: Self.step(step),
            contents: .summary(values.compactMap { tag, number in number.map { (tag, .scalar(Float($0))) } }))
    }

    /// kohya's averages over the held-out pictures, and how far they lie above the training loss.
    static func event(of validation: JournalReader.Validation) -> TensorBoardEvent {
        let entry = validation.entry
        let spans = [entry.isOfStep ? "step" : nil, entry.isOfEpoch ? "epoch" : nil].compactMap(\.self)
        let values = spans.flatMap { span -> [(tag: String, number: Double?)] in
            [
                ("loss/validation/\(span)_average", entry.loss),
                ("loss/validation/\(span)_divergence", validation.averageLoss.map { entry.loss - $0 }),
            ]
        }
        return TensorBoardEvent(
            time: validation.time, step: entry.step + 1,
            contents: .summary(values.compactMap { tag, number in number.map { (tag, .scalar(Float($0))) } }))
    }

    /// At the last step of an epoch.
    static func epochEvent(of step: JournalReader.Step) -> TensorBoardEvent? {
        step.averageLoss.map {
            TensorBoardEvent(
                time: step.time, step: Self.step(step),
                contents: .summary([("loss/epoch_average", .scalar(Float($0)))]))
        }
    }
}
