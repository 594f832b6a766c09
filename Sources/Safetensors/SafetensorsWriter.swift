/// A tensor that is to be written: what it is, and a way to get its bytes when their turn comes.
package struct OutgoingTensor {
    package let name: String
    package let type: StoredType
    package let shape: [Int]
    /// Calls its argument with the tensor's bytes, little-endian and row-major, in as many pieces as it likes.
    ///
    /// It may be asked more than once (for a hash, then for the file) and must give the same bytes each time.
    package let produce: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

    package init(
        name: String, type: StoredType, shape: [Int],
        produce: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
        self.name = name
        self.type = type
        self.shape = shape
        self.produce = produce
    }

    /// A tensor whose bytes are at hand.
    package init(name: String, type: StoredType, shape: [Int], bytes: [UInt8]) {
        self.init(name: name, type: type, shape: shape) { piece in try bytes.withUnsafeBytes(piece) }
    }

    /// A tensor of floats, rounded to nearest even where `type` is narrower.
    package init(name: String, shape: [Int], floats: [Float], as type: StoredType = .float32) {
        self.init(name: name, type: type, shape: shape) { piece in
            try floats.withUnsafeBufferPointer { try encode($0, as: type) }.withUnsafeBytes(piece)
        }
    }
}

/// A safetensors file that is to be written.
package struct SafetensorsWriter {
    /// What will stand before the tensors, which it also puts in order.
    package let header: SafetensorsHeader
    private let tensors: [String: OutgoingTensor]

    /// - Throws: two tensors with one name, a shape without a size, a header that is too long.
    package init(_ tensors: [OutgoingTensor], metadata: [String: String] = [:]) throws(SafetensorsProblem) {
        header = try SafetensorsHeader(tensors: tensors.map { ($0.name, $0.type, $0.shape) }, metadata: metadata)
        self.tensors = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Writes the file at `path`, whole or not at all, holding one tensor at a time.
    ///
    /// See `writeAtomically(to:_:)`.
    package func write(to path: String) throws {
        do {
            try writeAtomically(to: path) { write in
                try header.bytes.withUnsafeBytes(write)
                try produceData(write)
            }
        } catch let problem as SafetensorsProblem {
            throw SafetensorsError(path: path, problem: problem)
        }
    }

    /// Hands out all bytes behind the header, in the order of the file.
    func produceData(_ write: (UnsafeRawBufferPointer) throws -> Void) throws {
        for entry in header.tensors {
            var count = 0
            try tensors[entry.name]?.produce { bytes in
                count += bytes.count
                try write(bytes)
            }
            guard count == entry.range.count else {
                throw SafetensorsProblem.wrongByteCount(tensor: entry.name, expected: entry.range.count, actual: count)
            }
        }
    }
}
