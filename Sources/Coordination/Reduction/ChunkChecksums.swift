import Wire

/// The checksums of a buffer's chunks.
struct ChunkChecksums: Equatable {
    private(set) var each: [UInt64]

    init(count: UInt32) {
        each = Array(repeating: 0, count: Int(count))
    }

    subscript(chunk: UInt32) -> UInt64 {
        get { each[Int(chunk)] }
        set { each[Int(chunk)] = newValue }
    }
}

/// Weights on their way to everybody, with their checksums.
struct OutgoingWeights {
    let floats: FlatFloats
    let checksums: ChunkChecksums
    /// Of the whole.
    let checksum: UInt64

    /// Copies chunk by chunk, so that each is still in the processor's cache when its checksum is taken.
    init(copying source: UnsafeBufferPointer<Float>, chunkBytes: Int) {
        floats = FlatFloats(count: source.count)
        let (from, to) = (UnsafeRawBufferPointer(source), UnsafeMutableRawBufferPointer(floats.elements))
        var checksums = ChunkChecksums(count: chunkCount(of: from.count, in: chunkBytes))
        for chunk in 0..<UInt32(checksums.each.count) {
            let range = chunkRange(Int(chunk), of: from.count, in: chunkBytes)
            let target = UnsafeMutableRawBufferPointer(rebasing: to[range])
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: from[range]))
            checksums[chunk] = Wire.checksum(UnsafeRawBufferPointer(target))
        }
        self.checksums = checksums
        checksum = floats.checksum
    }
}
