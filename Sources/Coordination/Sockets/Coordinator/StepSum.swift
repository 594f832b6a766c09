/// The step's sum as it grows at the coordinator, and the time that adding up takes.
struct StepSum {
    private var tree = TreeSum(SlotTree(slotCount: 0))
    private var spent = Duration.zero

    /// Gets ready for sums over whole subtrees of so many slots.
    mutating func begin(slotCount: Int) { tree = TreeSum(SlotTree(slotCount: slotCount)) }

    mutating func take(_ floats: FlatFloats, over slots: Range<Int>) {
        let began = ContinuousClock.now
        tree.take(floats, over: slots)
        spent += ContinuousClock.now - began
    }

    /// The sum of the step's slots but those left out, and the seconds that went into it; lets go of both.
    ///
    /// - Parameters:
    ///   - reduced: the sum where workers have added it up.
    ///   - count: floats in a gradient.
    mutating func finish(
        leavingOut slots: Set<Int>, reduced: FlatFloats?, count: Int
    ) throws -> (floats: FlatFloats, seconds: Double) {
        let began = ContinuousClock.now
        let floats = try reduced ?? tree.finish(leavingOut: slots) ?? .zeros(count: count)
        let seconds = (spent + (ContinuousClock.now - began)).inSeconds
        self = StepSum()
        return (floats, seconds)
    }
}
