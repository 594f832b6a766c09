package import Logging

extension StepReport {
    /// For a log record of this step.
    package var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [
            "event": "step", "step": .stringConvertible(step), "total_steps": .stringConvertible(totalSteps),
            "epoch": .stringConvertible(epoch), "epochs": .stringConvertible(epochs),
            "loss": .stringConvertible(loss), "average_loss": .stringConvertible(averageLoss),
            "learning_rates": .dictionary(learningRates.mapValues { .stringConvertible($0) }),
            "samples": .stringConvertible(samples), "seconds": .stringConvertible(seconds),
            "workers": .stringConvertible(workers),
        ]
        metadata["gradient_norm"] = gradientNorm.map { .stringConvertible($0) }
        metadata["noise_scale"] = noiseScale.map { .stringConvertible($0) }
        metadata["effective_batch"] = effectiveBatch.map { .stringConvertible($0) }
        if let times {
            metadata["reduce_seconds"] = .stringConvertible(times.reduce)
            metadata["optimizer_seconds"] = .stringConvertible(times.optimizer)
            metadata["workers_seconds"] = .dictionary(
                Dictionary(times.workers.map { ($0.name, $0.metadata) }, uniquingKeysWith: { $1 }))
        }
        return metadata
    }
}

extension StepTimeSplit.Worker {
    /// Slots, and seconds of the step by what they went to.
    fileprivate var metadata: Logger.MetadataValue {
        .dictionary([
            "slots": .stringConvertible(slots), "broadcast": .stringConvertible(broadcast),
            "compute": .stringConvertible(compute), "send": .stringConvertible(send), "wait": .stringConvertible(wait),
        ])
    }
}
