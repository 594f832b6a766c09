import Recipe
import Wire

/// Weights on their way to everybody, with their checksums.
struct OutgoingWeights {
    /// What leads from the weights before to these.
    struct Update {
        /// The checksum of the weights that it is added to.
        let base: UInt64
        let encoded: EncodedFloats
        let checksums: ChunkChecksums
    }

    /// What every worker holds once they have come.
    let floats: FlatFloats
    let checksums: ChunkChecksums
    /// Of the whole.
    let checksum: UInt64
    /// nil where there is no way from the weights before that is shorter than the weights themselves.
    let update: Update?
    /// As they go in fewer bytes.
    let packed = PackedChunks(since: nil)

    /// Copies chunk by chunk, so that each is still in the processor's cache when its checksum is taken.
    init(copying source: UnsafeBufferPointer<Float>, chunkBytes: Int) {
        self.init(source.count, chunkBytes: chunkBytes) { range, target, _ in
            _ = target.update(fromContentsOf: source[range])
        }
    }

    /// Takes those weights that a rounded update of earlier ones leads to, and that are next to `source`.
    ///
    /// What rounding loses is part of the next update, since that again begins at what everybody holds: so it never
    /// piles up, and what everybody holds is never further from `source` than one rounding of its last change (error
    /// feedback on what goes out, as in Tang et al. 2019, "DoubleSqueeze").
    ///
    /// - Parameter format: `fp32` takes `source` as it is.
    init(
        nearest source: UnsafeBufferPointer<Float>, after earlier: OutgoingWeights, format: GradientFormat,
        chunkBytes: Int
    ) {
        guard format != .fp32, earlier.floats.count == source.count else {
            self.init(copying: source, chunkBytes: chunkBytes)
            return
        }
        let held = UnsafeBufferPointer(earlier.floats.elements)
        let encoded = EncodedFloats(format, count: source.count, chunkBytes: chunkBytes)
        var checksums = ChunkChecksums(count: chunkCount(of: source.count * MemoryLayout<Float>.size, in: chunkBytes))
        self.init(
            source.count, chunkBytes: chunkBytes,
            write: { range, target, chunk in
                for first in stride(from: 0, to: range.count, by: GradientFormat.blockCount) {
                    let block = first..<min(range.count, first + GradientFormat.blockCount)
                    for index in block {
                        target[index] = source[range.lowerBound + index] - held[range.lowerBound + index]
                    }
                    format.round(UnsafeMutableBufferPointer(rebasing: target[block]))
                }
                encoded.put(UnsafeBufferPointer(target), at: chunk)
                checksums[chunk] = Wire.checksum(UnsafeRawBufferPointer(encoded[chunk]))
                for index in target.indices { target[index] = held[range.lowerBound + index] + target[index] }
            },
            update: { Update(base: earlier.checksum, encoded: encoded, checksums: checksums) })
    }

    /// Takes weights that have been sent already, all of which are known.
    init(_ foreseen: ForeseenWeights) {
        floats = foreseen.floats
        checksums = foreseen.checksums
        checksum = checksums.whole(of: floats, chunkBytes: foreseen.chunkBytes)
        update = nil
    }

    /// - Parameters:
    ///   - write: fills a chunk: its place among the floats, its memory, its number.
    ///   - update: asked for when all is written.
    private init(
        _ count: Int, chunkBytes: Int, write: (Range<Int>, UnsafeMutableBufferPointer<Float>, UInt32) -> Void,
        update: () -> Update? = { nil }
    ) {
        floats = FlatFloats(count: count)
        let bytes = count * MemoryLayout<Float>.size
        var checksums = ChunkChecksums(count: chunkCount(of: bytes, in: chunkBytes))
        for chunk in 0..<UInt32(checksums.each.count) {
            let range = chunkRange(Int(chunk), of: bytes, in: chunkBytes)
            let floats = range.lowerBound / 4..<range.upperBound / 4
            let target = UnsafeMutableBufferPointer(rebasing: self.floats.elements[floats])
            write(floats, target, chunk)
            checksums[chunk] = Wire.checksum(UnsafeRawBufferPointer(target))
        }
        self.checksums = checksums
        checksum = checksums.whole(of: floats, chunkBytes: chunkBytes)
        self.update = update()
    }
}
