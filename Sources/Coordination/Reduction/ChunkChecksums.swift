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
