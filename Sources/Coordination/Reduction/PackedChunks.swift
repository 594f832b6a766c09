import Wire

/// A chunk in fewer bytes.
final class PackedChunk: Sendable {
    /// Nobody writes to it once it is made.
    nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    /// nil where it would not be shorter.
    init?(_ floats: UnsafeRawBufferPointer, since base: UnsafeRawBufferPointer? = nil) {
        let place = UnsafeMutableRawBufferPointer.allocate(byteCount: floats.count, alignment: 16)
        guard let count = PackedFloats.pack(floats, since: base, into: place) else {
            place.deallocate()
            return nil
        }
        bytes = UnsafeRawBufferPointer(rebasing: place[..<count])
    }

    deinit { bytes.deallocate() }
}

/// Chunks of weights as they are packed: once, to however many they go.
final class PackedChunks {
    /// What every receiver holds; nil packs the weights by themselves.
    let base: FlatFloats?
    private var each: [UInt32: PackedChunk?] = [:]

    init(since base: FlatFloats?) { self.base = base }

    /// - Parameters:
    ///   - floats: of the chunk.
    ///   - range: its bytes in the whole.
    func chunk(_ index: UInt32, _ floats: UnsafeRawBufferPointer, at range: Range<Int>) -> PackedChunk? {
        if let known = each[index] { return known }
        let packed = PackedChunk(floats, since: base.map { UnsafeRawBufferPointer(rebasing: $0.bytes[range]) })
        each[index] = .some(packed)
        return packed
    }
}
