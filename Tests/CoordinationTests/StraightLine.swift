import Coordination
import Foundation
import Synchronization
import Wire

/// What the fake learner and master agree on: samples of y = 3x − 2, with noise so that sums depend on their order.
///
/// Weights are `[w, b]` many times over, so that a gradient is several chunks long.
enum StraightLine {
    static let copies = 500
    static let parameterCount = 2 * copies
    static let hash = "straight line"
    static let slots = 7

    static func random(_ seed: UInt64) -> Float {
        var bits = (seed &+ 1) &* 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return Float(bits >> 40) / Float(1 << 24)
    }

    /// Two samples make a slot.
    static func samples(step: Int, slot: Int) -> [(x: Float, y: Float)] {
        (0..<2).map { index in
            let seed = UInt64(step * 1000 + slot * 10 + index)
            let x = random(seed)
            return (x, 3 * x - 2 + 0.1 * random(seed &+ 77))
        }
    }
}

/// Gradients of ½(w·x + b − y)² over a slot's samples.
final class StraightLineLearner: Learner {
    let parameterCount = StraightLine.parameterCount
    var shapeTableHash = StraightLine.hash
    var weights: [Float] = []
    /// What happens before a slot's gradient; may throw.
    var before: (_ step: Int, _ slot: Int) throws -> Void = { _, _ in }
    /// Hears which slots come next.
    var expects: ([Int]) -> Void = { _ in }
    /// Slots that come out as NaN.
    var poisoned: (_ step: Int, _ slot: Int) -> Bool = { _, _ in false }
    /// What befalls a slot's gradient.
    var alter: (_ step: Int, _ slot: Int, UnsafeMutableBufferPointer<Float>) -> Void = { _, _, _ in }
    /// What befalls the weights in memory after a slot.
    var afterwards: (_ step: Int, _ slot: Int, inout [Float]) -> Void = { _, _, _ in }

    func expect(_ slots: [Int]) { expects(slots) }

    func checksumOfWeights() -> UInt64? { weights.withUnsafeBytes { WeightsChecksum.of($0) } }

    func use(weights: UnsafeBufferPointer<Float>, step: Int) { self.weights = Array(weights) }

    func gradient(
        of slot: Int, step: Int, lossScale: Float, into gradient: UnsafeMutableBufferPointer<Float>,
        finished: (Range<Int>) -> Void
    ) throws -> SlotOutcome {
        try before(step, slot)
        defer { afterwards(step, slot, &weights) }
        var loss = 0.0
        gradient.update(repeating: 0)
        for (x, y) in StraightLine.samples(step: step, slot: slot) {
            for copy in 0..<StraightLine.copies {
                let scale = 1 + Float(copy) / 100
                let error = weights[2 * copy] * x + weights[2 * copy + 1] - y * scale
                gradient[2 * copy] += error * x
                gradient[2 * copy + 1] += error
                if copy == 0 { loss += Double(error * error) / 2 }
            }
        }
        if poisoned(step, slot) { gradient[parameterCount / 2] = .nan }
        alter(step, slot, gradient)
        // In pieces, the later ones first, as a backward pass has them; one of them is never told of.
        for end in stride(from: parameterCount, to: 150, by: -150) { finished(end - 150..<end) }
        let squares = gradient.reduce(0) { $0 + Double($1) * Double($1) }
        return SlotOutcome(
            slot: slot, samples: 2, loss: loss, squaredGradientNorm: squares / 4,
            sampleNames: ["\(step)/\(slot)/0", "\(step)/\(slot)/1"])
    }
}

/// Plain gradient descent.
final class StraightLineMaster: Master {
    let parameterCount = StraightLine.parameterCount
    let shapeTableHash = StraightLine.hash
    var step = 0
    let totalSteps: Int
    var lossScale: Float = 1
    var weights = [Float](repeating: 0, count: StraightLine.parameterCount)
    var contributions: [StepContribution] = []
    var saves = 0
    var afterStep: (Int) throws -> Void = { _ in }

    init(totalSteps: Int) {
        self.totalSteps = totalSteps
    }

    func slotCount(of step: Int) -> Int { StraightLine.slots }

    func withWeights<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try weights.withUnsafeBufferPointer(body)
    }

    func apply(_ sum: UnsafeMutableBufferPointer<Float>, _ contribution: StepContribution) throws -> StepVerdict {
        contributions.append(contribution)
        if clips(step) { for index in sum.indices { sum[index] /= 2 } }
        for index in weights.indices { weights[index] -= 0.3 * sum[index] / Float(max(1, contribution.samples)) }
        step += 1
        try afterStep(step)
        return .committed
    }

    /// Whether weights are told before their step is decided; `clips` has it come out otherwise.
    var foresees = true
    var clips: (_ step: Int) -> Bool = { _ in false }
    var canForesee: Bool { foresees && step + 1 < totalSteps }

    func foresee(
        _ sum: UnsafeBufferPointer<Float>, _ range: Range<Int>, into next: UnsafeMutableBufferPointer<Float>
    ) -> [Range<Int>] {
        let samples = 2 * StraightLine.slots
        for index in range { next[index] = weights[index] - 0.3 * sum[index] / Float(samples) }
        return [range]
    }

    func save() { saves += 1 }
}
