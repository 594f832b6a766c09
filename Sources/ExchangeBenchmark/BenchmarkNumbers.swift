import Coordination

/// Numbers like those of a training, the same on every box, with all their digits: in how few bytes they go depends on it.
enum BenchmarkNumbers {
    /// How long gradients are, for each of their numbers (root of the mean square).
    static let gradientScale: Float = 2.3e-5
    /// How far AdamW moves a weight at most, where the learning rate is 1e-4.
    static let learningRate: Float = 1e-4

    /// The number of a slot's gradient, about normally distributed.
    static func gradient(of slot: Int, _ index: Int) -> Float {
        gradientScale * normal(UInt64(slot + 1), UInt64(index))
    }

    /// The same of the step's sum, added up in the order of the slot tree.
    static func sum(over slots: Range<Int>, _ index: Int) -> Float {
        guard let (left, right) = SlotTree.children(of: slots) else { return gradient(of: slots.lowerBound, index) }
        return sum(over: left, index) + sum(over: right, index)
    }

    /// The weights of a LoRA some hundred steps old: A is as it was drawn, B as far as it has come.
    static func weight(_ index: Int, of count: Int) -> Float {
        index < count / 2 ? 0.03 * normal(0, UInt64(index)) : 0.001 * normal(0, UInt64(index))
    }

    /// The sum of three numbers evenly distributed, with deviation 1.
    private static func normal(_ stream: UInt64, _ index: UInt64) -> Float {
        // SplitMix64: Steele, Lea, Flood 2014, "Fast Splittable Pseudorandom Number Generators".
        var state = (stream << 40 &+ index &+ 1) &* 0x9E37_79B9_7F4A_7C15
        state = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        state = (state ^ state >> 27) &* 0x94D0_49BB_1331_11EB
        state ^= state >> 31
        let mask: UInt64 = 1 << 21 - 1
        let total = Int(state & mask) + Int(state >> 21 & mask) + Int(state >> 42 & mask)
        return (Float(total) - 3_145_726.5) / 1_048_575.7
    }
}
