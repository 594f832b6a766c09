import Recipe
import Wire

/// Sums that leave chunk by chunk while they are being made.
struct SumsUnderWay {
    /// One of them.
    struct Growing {
        let slots: Range<Int>
        let round: UInt32
        /// What is sent: the sum, or what it is rounded to.
        let floats: FlatFloats
        fileprivate var ranges = RangeSet<Int>()
        fileprivate var done: Set<UInt32> = []
    }

    private let chunkBytes: Int
    private var growing: [Growing] = []

    init(chunkBytes: Int) { self.chunkBytes = chunkBytes }

    /// Takes in that a range of a sum is as it will stay.
    ///
    /// - Parameter rounding: rounds each chunk once.
    /// - Returns: what is sent, and the chunks that may go out now for the first time.
    mutating func grow(
        _ sum: FlatFloats, over slots: Range<Int>, round: UInt32, by range: Range<Int>, rounding: inout GradientRounding
    ) -> (floats: FlatFloats, done: [UInt32]) {
        let index =
            growing.firstIndex { $0.slots == slots && $0.round == round }
            ?? {
                let floats = rounding.format == .fp32 ? sum : FlatFloats(count: sum.count)
                growing.append(Growing(slots: slots, round: round, floats: floats))
                return growing.count - 1
            }()
        growing[index].ranges.insert(contentsOf: range)
        var done: [UInt32] = []
        for chunk in touched(by: range, of: sum.count) where !growing[index].done.contains(chunk) {
            let bytes = chunkRange(Int(chunk), of: sum.count * 4, in: chunkBytes)
            let floats = bytes.lowerBound / 4..<bytes.upperBound / 4
            guard RangeSet(floats).isSubset(of: growing[index].ranges) else { continue }
            if rounding.format != .fp32 {
                rounding.round(
                    floats, from: UnsafeBufferPointer(sum.elements), to: growing[index].floats.elements)
            }
            growing[index].done.insert(chunk)
            done.append(chunk)
        }
        return (growing[index].floats, done)
    }

    /// Lets go of a sum that is finished, or will not be.
    ///
    /// - Returns: whether any of it has gone out.
    mutating func end(_ slots: Range<Int>, round: UInt32) -> Bool {
        let had = growing.contains { $0.slots == slots && $0.round == round && !$0.done.isEmpty }
        growing.removeAll { $0.slots == slots && $0.round == round }
        return had
    }

    /// Sums over this slot that will not be finished.
    func sums(with slot: Int, round: UInt32) -> [Range<Int>] {
        growing.filter { $0.round == round && $0.slots.contains(slot) }.map(\.slots)
    }

    /// Lets go of what belongs to rounds before this one, or of all when nil.
    mutating func abandon(before round: UInt32?) {
        growing.removeAll { sum in round.map { sum.round < $0 } ?? true }
    }

    /// The chunks that a range of floats touches.
    private func touched(by range: Range<Int>, of count: Int) -> Range<UInt32> {
        guard !range.isEmpty else { return 0..<0 }
        let floats = chunkBytes / 4
        return UInt32(range.lowerBound / floats)..<UInt32((range.upperBound - 1) / floats + 1)
    }
}
