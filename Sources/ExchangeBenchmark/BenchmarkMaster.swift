import Coordination

/// Plain gradient descent, which sees to it that the sums are right.
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

    init(parameterCount: Int, totalSteps: Int, slots: Int, tolerance: Float) {
        self.tolerance = tolerance
        self.parameterCount = parameterCount
        self.totalSteps = totalSteps
        self.slots = slots
        weights = Array(repeating: 0, count: parameterCount)
    }

    func slotCount(of step: Int) -> Int { slots }

    func withWeights<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result {
        try weights.withUnsafeBufferPointer(body)
    }

    func apply(_ sum: UnsafeMutableBufferPointer<Float>, _ contribution: StepContribution) throws -> StepVerdict {
        let expected = Float(slots * (slots + 1) / 2)
        for index in stride(from: 0, to: sum.count, by: 997)
        where !(abs(sum[index] - expected) <= tolerance * expected) {
            throw WrongSum(step: step, index: index, got: sum[index], expected: expected)
        }
        weights.withUnsafeMutableBufferPointer { weights in
            for index in 0..<weights.count { weights[index] -= 0.001 * sum[index] }
        }
        step += 1
        return .committed
    }

    var canForesee: Bool { step + 1 < totalSteps }

    func foresee(
        _ sum: UnsafeBufferPointer<Float>, _ range: Range<Int>, into next: UnsafeMutableBufferPointer<Float>
    ) -> [Range<Int>] {
        for index in range { next[index] = weights[index] - 0.001 * sum[index] }
        return [range]
    }

    func save() {}
}
