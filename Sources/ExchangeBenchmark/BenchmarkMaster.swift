import Coordination

/// Gradient descent in steps no longer than AdamW's, which sees to it that the sums are right.
final class BenchmarkMaster: Master {
    struct WrongSum: Error, CustomStringConvertible {
        let step: Int
        let index: Int
        let got: Float
        let expected: Float
        var description: String { "step \(step): the sum's element \(index) is \(got), not \(expected)" }
    }

    let parameterCount: Int
    let shapeTableHash = "benchmark"
    let totalSteps: Int
    let lossScale: Float = 1
    private(set) var step = 0
    private let slots: Int
    /// How far a sum may be from what it should be, as a part of it: gradients may be rounded on their way.
    private let tolerance: Float
    private var weights: [Float]
    /// From the sum to a number of which 1 is a whole step.
    private let stretch: Float

    init(parameterCount: Int, totalSteps: Int, slots: Int, tolerance: Float) {
        self.tolerance = tolerance
        self.parameterCount = parameterCount
        self.totalSteps = totalSteps
        self.slots = slots
        weights = (0..<parameterCount).map { BenchmarkNumbers.weight($0, of: parameterCount) }
        stretch = 1 / (2 * BenchmarkNumbers.gradientScale * Float(slots).squareRoot())
    }

    func slotCount(of step: Int) -> Int { slots }

    func withWeights<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try weights.withUnsafeBufferPointer(body)
    }

    func apply(_ sum: UnsafeMutableBufferPointer<Float>, _ contribution: StepContribution) throws -> StepVerdict {
        for index in stride(from: 0, to: sum.count, by: 997) {
            let expected = BenchmarkNumbers.sum(over: 0..<slots, index)
            guard abs(sum[index] - expected) <= tolerance * 4 / stretch else {
                throw WrongSum(step: step, index: index, got: sum[index], expected: expected)
            }
        }
        weights.withUnsafeMutableBufferPointer { weights in
            for index in 0..<weights.count { weights[index] = moved(weights[index], sum[index]) }
        }
        step += 1
        return .committed
    }

    var canForesee: Bool { step + 1 < totalSteps }

    func foresee(
        _ sum: UnsafeBufferPointer<Float>, _ range: Range<Int>, into next: UnsafeMutableBufferPointer<Float>
    ) -> [Range<Int>] {
        for index in range { next[index] = moved(weights[index], sum[index]) }
        return [range]
    }

    private func moved(_ weight: Float, _ sum: Float) -> Float {
        weight - BenchmarkNumbers.learningRate * max(-1, min(1, stretch * sum))
    }

    func save() {}
}
