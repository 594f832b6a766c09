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

    /// Of all of these weights, whose chunks' these are; who has them as they should be need not look at the weights again.
    func whole(of weights: FlatFloats, chunkBytes: Int) -> UInt64 {
        chunkBytes == WeightsChecksum.pieceBytes && weights.count > 0
            ? WeightsChecksum.of(pieces: each) : weights.checksum
    }
}
