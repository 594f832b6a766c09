import Recipe
import Wire

/// A flat buffer as it is written in a format that rounds, each chunk from a place of its own.
///
/// Like ``FlatFloats`` it goes from thread to thread; once a chunk is being sent nobody writes to it.
final class EncodedFloats: @unchecked Sendable {
    let format: GradientFormat
    /// Of the whole.
    let count: Int
    private let chunkBytes: Int
    private let memory: UnsafeMutableRawBufferPointer

    /// - Parameters:
    ///   - count: floats of the whole.
    ///   - chunkBytes: bytes of each chunk but the last, as floats.
    init(_ format: GradientFormat, count: Int, chunkBytes: Int) {
        self.format = format
        self.count = count
        self.chunkBytes = chunkBytes
        let chunks = Int(chunkCount(of: count * MemoryLayout<Float>.size, in: chunkBytes))
        memory = .allocate(
            byteCount: chunks * format.byteCount(of: chunkBytes / MemoryLayout<Float>.size), alignment: 16)
    }

    deinit { memory.deallocate() }

    /// The bytes of a chunk.
    subscript(chunk: UInt32) -> UnsafeMutableRawBufferPointer {
        let floats = chunkRange(Int(chunk), of: count * MemoryLayout<Float>.size, in: chunkBytes).count / 4
        let start = Int(chunk) * format.byteCount(of: chunkBytes / MemoryLayout<Float>.size)
        return UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + format.byteCount(of: floats)])
    }

    /// Writes a chunk of floats that have been rounded already.
    func put(_ floats: UnsafeBufferPointer<Float>, at chunk: UInt32) {
        format.encode(floats, into: self[chunk])
    }

    /// Writes a chunk that has come written; one of another length is passed over.
    func put(_ bytes: UnsafeRawBufferPointer, at chunk: UInt32) {
        guard bytes.count == self[chunk].count else { return }
        self[chunk].copyMemory(from: bytes)
    }
}
