import Foundation
import Wire

/// The weights that a step will most likely lead to, as they come to be known, chunk by chunk.
struct ForeseenWeights {
    let step: Int
    let delivery: UInt32
    let floats: FlatFloats
    private(set) var checksums: ChunkChecksums
    /// Chunks that are known, in the order in which they came to be.
    private(set) var ready: [UInt32] = []
    let chunkBytes: Int
    private var known = RangeSet<Int>()

    /// - Parameter count: floats of the whole.
    init(step: Int, delivery: UInt32, count: Int, chunkBytes: Int) {
        self.step = step
        self.delivery = delivery
        self.chunkBytes = chunkBytes
        floats = FlatFloats(count: count)
        checksums = ChunkChecksums(count: chunkCount(of: count * MemoryLayout<Float>.size, in: chunkBytes))
    }

    /// Whether all of them are known.
    var isComplete: Bool { ready.count == checksums.each.count }

    /// Which floats a chunk is.
    func range(of chunk: UInt32) -> Range<Int> {
        let bytes = chunkRange(Int(chunk), of: floats.count * MemoryLayout<Float>.size, in: chunkBytes)
        return bytes.lowerBound / 4..<bytes.upperBound / 4
    }

    /// Takes note that these of ``floats`` are written.
    mutating func wrote(_ ranges: [Range<Int>]) {
        for range in ranges where !range.isEmpty {
            known.insert(contentsOf: range)
            let size = chunkBytes / MemoryLayout<Float>.size
            for chunk in UInt32(range.lowerBound / size)...UInt32((range.upperBound - 1) / size) {
                let whole = self.range(of: chunk)
                guard RangeSet(whole).isSubset(of: known), !ready.contains(chunk) else { continue }
                checksums[chunk] = checksum(
                    UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: floats.elements[whole])))
                ready.append(chunk)
            }
        }
    }

    /// Whether they are these very weights, bit for bit.
    func areEqual(to weights: UnsafeBufferPointer<Float>) -> Bool {
        guard isComplete, weights.count == floats.count else { return false }
        guard let mine = floats.bytes.baseAddress, let theirs = weights.baseAddress else { return true }
        return memcmp(mine, theirs, floats.bytes.count) == 0
    }
}
