import CVectors
import Recipe
import Wire

/// Rounds gradients to what can be written, and adds what that lost to the next ones: error feedback.
///
/// So the sum of many rounded gradients is the sum of the true ones within one rounding, as long as all of them are
/// used. What a gradient brings along of earlier ones is at most a quarter of its own length in each block, and the
/// rest waits: so a rounded gradient is at most 4/3 as long as the true one, and nobody takes it for an absurd one.
struct GradientRounding {
    private struct Origin: Equatable {
        let step: Int
        let round: UInt32
        let lossScale: Float
    }

    let format: GradientFormat
    private let count: Int
    /// What rounding has lost so far and is still owed; nil is nothing.
    private var owed: FlatFloats?
    private var last: Origin?

    /// - Parameter count: floats of a gradient.
    init(_ format: GradientFormat, count: Int) {
        self.format = format
        self.count = count
    }

    /// Says what is rounded from now on; nothing is owed any more where a step is done again, the weights were rolled
    /// back, or the loss scale is another.
    mutating func begin(step: Int, round: UInt32, lossScale: Float) {
        let origin = Origin(step: step, round: round, lossScale: lossScale)
        if let last, last != origin, step <= last.step || lossScale != last.lossScale { owed = nil }
        last = origin
    }

    /// Owes nothing any more.
    mutating func forget() { owed = nil }

    /// Rounds a whole gradient where it is.
    ///
    /// - Parameter chunkBytes: bytes of a chunk of it, as floats; blocks begin anew in each chunk.
    mutating func round(_ gradient: FlatFloats, chunkBytes: Int) {
        guard format != .fp32 else { return }
        let bytes = gradient.count * MemoryLayout<Float>.size
        for chunk in 0..<Int(chunkCount(of: bytes, in: chunkBytes)) {
            let range = chunkRange(chunk, of: bytes, in: chunkBytes)
            round(
                range.lowerBound / 4..<range.upperBound / 4, from: UnsafeBufferPointer(gradient.elements),
                to: gradient.elements)
        }
    }

    /// Rounds a chunk, perhaps where it is.
    ///
    /// - Parameters:
    ///   - range: of the gradient's floats.
    ///   - source: the whole gradient.
    ///   - target: as much memory.
    mutating func round(
        _ range: Range<Int>, from source: UnsafeBufferPointer<Float>, to target: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(source.count == count && target.count == count)
        let owed = self.owed ?? .zeros(count: count)
        self.owed = owed
        for first in stride(from: range.lowerBound, to: range.upperBound, by: GradientFormat.blockCount) {
            let block = first..<min(range.upperBound, first + GradientFormat.blockCount)
            roundBlock(
                UnsafeBufferPointer(rebasing: source[block]), UnsafeMutableBufferPointer(rebasing: target[block]),
                owed: UnsafeMutableBufferPointer(rebasing: owed.elements[block]))
        }
    }

    private func roundBlock(
        _ source: UnsafeBufferPointer<Float>, _ target: UnsafeMutableBufferPointer<Float>,
        owed: UnsafeMutableBufferPointer<Float>
    ) {
        let (length, debt) = (squares(source), squares(UnsafeBufferPointer(owed)))
        // A sum that overflows is refused; what it leaves is not to spoil the next one.
        if !debt.isFinite { owed.update(repeating: 0) }
        let share = debt.isFinite && debt > 0 ? Float(min(1, (length / debt).squareRoot() / 4)) : 1
        vectors_take_owed(source.baseAddress, share, owed.baseAddress, target.baseAddress, source.count)
        format.round(target)
        vectors_owe(target.baseAddress, owed.baseAddress, target.count)
    }
}

/// An owner's rounding of its shard of each step's sum, chunk by chunk as they are added up.
struct ShardRounding {
    private let format: GradientFormat
    private let chunkBytes: Int
    private var chunks: Range<UInt32> = 0..<0
    private var round: UInt32?
    private var number: UInt32 = 0
    private var rounding: GradientRounding
    private var rounded = FlatFloats(count: 0)
    private var done = 0

    /// - Parameter chunkBytes: bytes of each chunk but the last, as floats.
    init(_ format: GradientFormat, chunkBytes: Int) {
        self.format = format
        self.chunkBytes = chunkBytes
        rounding = GradientRounding(format, count: 0)
    }

    /// Owes nothing any more, and begins anew.
    mutating func forget() {
        rounding.forget()
        round = nil
    }

    /// - Parameters:
    ///   - shard: its floats.
    ///   - ready: those of `chunks` that are added up, in the order in which they were.
    ///   - reduction: what it is the sum of; another one of the same round takes back what was rounded of the one before.
    /// - Returns: as much, rounded as far; the same memory throughout a reduction.
    mutating func round(
        _ shard: UnsafeBufferPointer<Float>, _ ready: [UInt32], of chunks: Range<UInt32>, in reduction: Reduction
    ) -> FlatFloats {
        if chunks != self.chunks {
            self.chunks = chunks
            rounding = GradientRounding(format, count: shard.count)
            round = nil
        }
        if round == reduction.round, number != reduction.number { forget() }
        if round != reduction.round {
            (round, number) = (reduction.round, reduction.number)
            rounding.begin(step: reduction.step, round: reduction.round, lossScale: reduction.lossScale)
            rounded = FlatFloats(count: shard.count)
            done = 0
        }
        let bytes = shard.count * MemoryLayout<Float>.size
        for chunk in ready[done...] {
            let range = chunkRange(Int(chunk - chunks.lowerBound), of: bytes, in: chunkBytes)
            rounding.round(range.lowerBound / 4..<range.upperBound / 4, from: shard, to: rounded.elements)
        }
        done = ready.count
        return rounded
    }
}
