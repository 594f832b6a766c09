import Coordination
import Foundation
import Wire

/// The gradient of a slot is made up once, since computing is not what is timed; it may be given a time that it takes.
///
/// Of that time the last two thirds are the backward pass, in which the gradient comes to be as that of a UNet does
/// (`ShapeTable`): all A lie before all B, and of each half the last layers' part is finished first.
final class BenchmarkLearner: Learner {
    let parameterCount: Int
    let shapeTableHash = "benchmark"

    private let secondsPerSlot: Double
    private let pieces = 128
    private var known: [Int: Known] = [:]

    private struct Known {
        let numbers: [Float]
        let squaredNorm: Double
    }

    init(parameterCount: Int, secondsPerSlot: Double) {
        self.parameterCount = parameterCount
        self.secondsPerSlot = secondsPerSlot
    }

    func use(weights: UnsafeBufferPointer<Float>, step: Int) {}

    func gradient(
        of slot: Int, step: Int, lossScale: Float, into gradient: UnsafeMutableBufferPointer<Float>,
        finished: (Range<Int>) -> Void
    ) -> SlotOutcome {
        let known = known(slot)
        if secondsPerSlot > 0 {
            compute(known.numbers, gradient, finished)
        } else if gradient.first != known.numbers.first || gradient.last != known.numbers.last {
            // Memory comes back from earlier steps, mostly with these very numbers.
            _ = gradient.update(fromContentsOf: known.numbers)
        }
        return SlotOutcome(
            slot: slot, samples: 1, loss: 0, squaredGradientNorm: known.squaredNorm, sampleNames: [])
    }

    private func known(_ slot: Int) -> Known {
        if let known = known[slot] { return known }
        let numbers = (0..<parameterCount).map { BenchmarkNumbers.gradient(of: slot, $0) }
        let made = Known(numbers: numbers, squaredNorm: numbers.reduce(0) { $0 + Double($1) * Double($1) })
        known[slot] = made
        return made
    }

    private func compute(
        _ numbers: [Float], _ gradient: UnsafeMutableBufferPointer<Float>, _ finished: (Range<Int>) -> Void
    ) {
        let began = Date()
        let half = parameterCount / 2
        for piece in (0..<pieces).reversed() {
            let passed = Double(pieces - piece) / Double(pieces)
            let until = began.addingTimeInterval(secondsPerSlot * (1 + 2 * passed) / 3)
            Thread.sleep(forTimeInterval: max(0, until.timeIntervalSinceNow))
            for (origin, count) in [(0, half), (half, parameterCount - half)] {
                let range = origin + count * piece / pieces..<origin + count * (piece + 1) / pieces
                _ = UnsafeMutableBufferPointer(rebasing: gradient[range]).update(fromContentsOf: numbers[range])
                finished(range)
            }
        }
    }
}
