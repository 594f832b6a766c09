import CVectors

/// A sum that a slot's gradient completes, while that gradient is still being made.
///
/// Used from the learner's thread; whoever is told of a range may read it from then on.
final class GrowingSum {
    /// Of the slot being computed.
    let gradient: FlatFloats
    /// Over all of the subtree; the gradient itself where that is a single slot.
    let sum: FlatFloats
    /// Floats that are looked at before the next word of them.
    private static let pieceCount = 1 << 18
    private let lefts: [FlatFloats]
    private let told: (FlatFloats, Range<Int>) -> Void
    private var finished = RangeSet<Int>()
    private var gradientSquares = 0.0
    private var sumSquares = 0.0

    /// - Parameters:
    ///   - count: floats of a gradient.
    ///   - lefts: see ``PartialSums/completion(by:)``.
    ///   - told: of each range of ``sum`` that is as it will stay, once, until a number in one is not finite.
    init(count: Int, adding lefts: [FlatFloats], told: @escaping (FlatFloats, Range<Int>) -> Void) {
        gradient = FlatFloats(count: count)
        sum = lefts.isEmpty ? gradient : FlatFloats(count: count)
        self.lefts = lefts
        self.told = told
    }

    /// √Σ x² of what is finished; not finite when something in it is not.
    var gradientNorm: Double { gradientSquares.squareRoot() }
    var sumNorm: Double { sumSquares.squareRoot() }

    /// A range of the gradient is as it will stay; what has been said before is passed over.
    func finish(_ range: Range<Int>) {
        let range = range.clamped(to: 0..<gradient.count)
        let fresh = RangeSet(range).subtracting(finished)
        for part in fresh.ranges { add(part) }
        finished.insert(contentsOf: range)
    }

    /// All of the gradient is as it will stay; what is told first can go while the rest is looked at.
    func finish() {
        for first in stride(from: 0, to: gradient.count, by: Self.pieceCount) {
            finish(first..<min(gradient.count, first + Self.pieceCount))
        }
    }

    private func add(_ range: Range<Int>) {
        let own = UnsafeBufferPointer(rebasing: gradient.elements[range])
        let ownSquares = squares(own)
        gradientSquares += ownSquares
        var total = ownSquares
        if !lefts.isEmpty {
            let into = UnsafeMutableBufferPointer(rebasing: sum.elements[range])
            var right = own
            for left in lefts {
                let addend = UnsafeBufferPointer(rebasing: left.elements[range])
                vectors_add(into.baseAddress, addend.baseAddress, right.baseAddress, into.count)
                right = UnsafeBufferPointer(into)
            }
            total = squares(right)
        }
        sumSquares += total
        if sumSquares.isFinite && gradientSquares.isFinite { told(sum, range) }
    }
}
