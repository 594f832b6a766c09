package import Recipe

/// What a loss is multiplied by so that fp16 gradients do not vanish (`torch.amp.GradScaler`'s defaults).
///
/// A power of two at all times, so that dividing by it loses nothing.
package struct LossScale: Codable, Equatable, Sendable {
    /// Good steps after which it doubles.
    package static let growthInterval = 2000

    package private(set) var value: Float
    private var goodSteps = 0

    /// 65,536 for fp16; 1, for ever, otherwise.
    package init(_ precision: Precision.Mixed) {
        value = precision == .fp16 ? 65_536 : 1
    }

    /// A step went well.
    package mutating func succeeded() {
        guard value > 1 else { return }
        goodSteps += 1
        if goodSteps == Self.growthInterval {
            goodSteps = 0
            value = min(value * 2, 0x1p24)
        }
    }

    /// Gradients overflowed.
    ///
    /// - Returns: false when there is nothing left to halve: then it was no overflow.
    package mutating func overflowed() -> Bool {
        guard value > 1 else { return false }
        value /= 2
        goodSteps = 0
        return true
    }
}
