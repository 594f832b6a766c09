import Coordination
import Foundation
import Wire

/// The gradient of slot k is k + 1 everywhere, since computing is not what is timed; it may be given a time that it takes.
///
/// Of that time the last two thirds are the backward pass, in which the gradient comes to be as that of a UNet does
/// (`ShapeTable`): all A lie before all B, and of each half the last layers' part is finished first.
final class BenchmarkLearner: Learner {
    let parameterCount: Int
    let shapeTableHash = "benchmark"

    private let secondsPerSlot: Double
    private let pieces = 128

    init(parameterCount: Int, secondsPerSlot: Double) {
        self.parameterCount = parameterCount
        self.secondsPerSlot = secondsPerSlot
    }

    func use(weights: UnsafeBufferPointer<Float>, step: Int) {}

    func gradient(
        of slot: Int, step: Int, lossScale: Float, into gradient: UnsafeMutableBufferPointer<Float>,
        finished: (Range<Int>) -> Void
    ) -> SlotOutcome {
        let value = Float(slot + 1)
        if secondsPerSlot > 0 {
            compute(value, gradient, finished)
        } else if gradient.first != value || gradient.last != value {
            gradient.initialize(repeating: value)
        }
        let norm = Double(value * value) * Double(parameterCount)
        return SlotOutcome(slot: slot, samples: 1, loss: 0, squaredGradientNorm: norm, sampleNames: [])
    }

    private func compute(
        _ value: Float, _ gradient: UnsafeMutableBufferPointer<Float>, _ finished: (Range<Int>) -> Void
    ) {
        let began = Date()
        let half = parameterCount / 2
        for piece in (0..<pieces).reversed() {
            let passed = Double(pieces - piece) / Double(pieces)
            let until = began.addingTimeInterval(secondsPerSlot * (1 + 2 * passed) / 3)
            Thread.sleep(forTimeInterval: max(0, until.timeIntervalSinceNow))
            for (origin, count) in [(0, half), (half, parameterCount - half)] {
                let range = origin + count * piece / pieces..<origin + count * (piece + 1) / pieces
                UnsafeMutableBufferPointer(rebasing: gradient[range]).update(repeating: value)
                finished(range)
            }
        }
    }
}
