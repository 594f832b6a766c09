/// The κ that learning rates follow when the world, and the batch with it, changes: evenly over some steps, so that no
/// rate jumps.
///
/// Lin et al., "Dynamic Mini-batch SGD for Elastic Distributed Training", 2019, <https://arxiv.org/abs/1904.12043>.
package struct BatchRamp: Codable, Equatable, Sendable {
    private var start: Double?
    private var target = 0.0
    private var taken = 0

    package init() {}

    /// Takes one step towards `target`.
    ///
    /// The first one is there at once: there is nothing to come from.
    ///
    /// - Parameters:
    ///   - target: κ of the world that this step is planned for.
    ///   - steps: that a change takes; 0 is at once.
    /// - Returns: the κ to follow in this step.
    package mutating func advance(towards target: Double, over steps: Int) -> Double {
        let current = ratio(over: steps)
        if current == nil || target != self.target {
            start = current ?? target
            self.target = target
            taken = 0
        }
        taken = min(taken + 1, steps)
        return ratio(over: steps) ?? target
    }

    private func ratio(over steps: Int) -> Double? {
        guard let start else { return nil }
        return taken >= steps ? target : start + (target - start) * Double(taken) / Double(steps)
    }
}
