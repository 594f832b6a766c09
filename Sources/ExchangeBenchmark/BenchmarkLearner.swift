import Coordination
import Foundation
import Wire

/// The gradient of slot k is k + 1 everywhere, written once into each buffer, since computing is not what is timed; it may
/// be given a time that it takes.
final class BenchmarkLearner: Learner {
    let parameterCount: Int
    let shapeTableHash = "benchmark"

    private let secondsPerSlot: Double

    init(parameterCount: Int, secondsPerSlot: Double) {
        self.parameterCount = parameterCount
        self.secondsPerSlot = secondsPerSlot
    }

    func use(weights: UnsafeBufferPointer<Float>, step: Int) {}

    func gradient(
        of slot: Int, step: Int, lossScale: Float, into gradient: UnsafeMutableBufferPointer<Float>
    ) -> SlotOutcome {
        if secondsPerSlot > 0 { Thread.sleep(forTimeInterval: secondsPerSlot) }
        let value = Float(slot + 1)
        if gradient.first != value || gradient.last != value { gradient.initialize(repeating: value) }
        let norm = Double(value * value) * Double(parameterCount)
        return SlotOutcome(slot: slot, samples: 1, loss: 0, squaredGradientNorm: norm, sampleNames: [])
    }
}
