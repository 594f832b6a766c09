/// A sum that a slot's gradient completes, while that gradient is still being made.
///
/// Used from the learner's thread; whoever is told of a range may read it from then on.
final class GrowingSum {
    /// Of the slot being computed.
    let gradient: FlatFloats
    /// Over all of the subtree; the gradient itself where that is a single slot.
    let sum: FlatFloats
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

    /// All of the gradient is as it will stay.
    func finish() { finish(0..<gradient.count) }

    private func add(_ range: Range<Int>) {
        let own = UnsafeBufferPointer(rebasing: gradient.elements[range])
        let ownSquares = squares(own)
        gradientSquares += ownSquares
        var total = ownSquares
        if !lefts.isEmpty, let into = sum.elements.baseAddress, let from = gradient.elements.baseAddress {
            for index in range { into[index] = from[index] }
            for left in lefts {
                guard let addend = left.elements.baseAddress else { continue }
                for index in range { into[index] = addend[index] + into[index] }
            }
            total = squares(UnsafeBufferPointer(rebasing: sum.elements[range]))
        }
        sumSquares += total
        if sumSquares.isFinite && gradientSquares.isFinite { told(sum, range) }
    }
}
