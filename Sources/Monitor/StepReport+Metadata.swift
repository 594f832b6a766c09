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
        return metadata
    }
}
