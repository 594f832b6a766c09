/// One tensor as a header describes it.
package struct TensorEntry: Sendable, Hashable {
    package let name: String
    package let type: StoredType
    package let shape: [Int]
    /// Where its bytes lie, counted from the end of the header.
    package let range: Range<Int>

    package init(name: String, type: StoredType, shape: [Int], range: Range<Int>) {
        self.name = name
        self.type = type
        self.shape = shape
        self.range = range
    }

    /// The number of elements.
    package var elementCount: Int { shape.reduce(1, *) }
}

/// What stands before the tensors in a safetensors file: their names, types, shapes and places, and free metadata.
///
/// The format: eight bytes of little-endian length, so many bytes of JSON, then the tensors one after the other without
/// gaps. See <https://github.com/huggingface/safetensors#format>.
package struct SafetensorsHeader: Sendable, Equatable {
    /// Free text beside the tensors; empty when there is none.
    package let metadata: [String: String]
    /// The tensors in the order of their bytes.
    package let tensors: [TensorEntry]
    /// The bytes before the first tensor, the eight of the length included.
    package let byteCount: Int

    /// The length of a header that the reference implementation, and so this one, still reads.
    package static let longest = 100_000_000

    /// Reads and checks the header of a file.
    ///
    /// - Parameters:
    ///   - file: all bytes of the file; what lies behind the header is not looked at.
    package init(parsing file: UnsafeRawBufferPointer) throws(SafetensorsProblem) {
        guard file.count >= 8 else { throw .tooShort(bytes: file.count) }
        let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard length <= Self.longest else { throw .headerTooLong(bytes: length) }
        byteCount = 8 + Int(length)
        guard byteCount <= file.count else { throw .headerPastEnd(headerBytes: Int(length), fileBytes: file.count) }

        var scanner = HeaderScanner(Array(file[8..<byteCount]))
        var metadata: [String: String] = [:]
        var tensors: [TensorEntry] = []
        var names: Set<String> = []
        try scanner.object { (scanner, name) throws(SafetensorsProblem) in
            guard names.insert(name).inserted else { throw .duplicateTensor(name) }
            if name == Self.metadataKey {
                try scanner.object { (scanner, key) throws(SafetensorsProblem) in metadata[key] = try scanner.string() }
            } else {
                tensors.append(try Self.entry(name, &scanner))
            }
        }
        try scanner.end()

        tensors.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        var end = 0
        for tensor in tensors {
            guard tensor.range.lowerBound == end else {
                throw .misplaced(tensor: tensor.name, begin: tensor.range.lowerBound, previousEnd: end)
            }
            end = tensor.range.upperBound
        }
        let (expected, overflow) = byteCount.addingReportingOverflow(end)
        guard !overflow, expected == file.count else {
            throw .wrongLength(expected: overflow ? .max : expected, actual: file.count)
        }
        self.metadata = metadata
        self.tensors = tensors
    }

    private static let metadataKey = "__metadata__"

    private static func entry(
        _ name: String, _ scanner: inout HeaderScanner
    ) throws(SafetensorsProblem) -> TensorEntry {
        var typeName: String?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object { (scanner, field) throws(SafetensorsProblem) in
            switch field {
            case "dtype": typeName = try scanner.string()
            case "shape": shape = try scanner.wholeNumbers()
            case "data_offsets": offsets = try scanner.wholeNumbers()
            default: try scanner.skipValue()
            }
        }
        guard let typeName else { throw .malformedEntry(tensor: name, reason: "it has no 'dtype'") }
        guard let type = StoredType(rawValue: typeName) else { throw .unknownType(tensor: name, type: typeName) }
        guard let shape else { throw .malformedEntry(tensor: name, reason: "it has no 'shape'") }
        guard let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .malformedEntry(tensor: name, reason: "its 'data_offsets' are not two numbers, begin and end")
        }
        guard type.byteCount(shape: shape) == offsets[1] - offsets[0] else {
            throw .wrongSize(tensor: name, type: type, shape: shape, bytes: offsets[1] - offsets[0])
        }
        return TensorEntry(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1])
    }
}

extension SafetensorsHeader {
    /// The header of a file that is to be written.
    ///
    /// Tensors are put in the reference implementation's order: descending rank of type, then name bytewise. So the
    /// bytes behind the header, and every hash over them, are those that the reference implementation writes.
    package init(
        tensors: [(name: String, type: StoredType, shape: [Int])], metadata: [String: String]
    ) throws(SafetensorsProblem) {
        let ordered = tensors.sorted {
            $0.type.rank != $1.type.rank
                ? $0.type.rank > $1.type.rank : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        var entries: [TensorEntry] = []
        var names: Set<String> = [Self.metadataKey]
        var end = 0
        for (name, type, shape) in ordered {
            guard names.insert(name).inserted else { throw .duplicateTensor(name) }
            guard let size = type.byteCount(shape: shape), size <= Int.max - end else {
                throw .malformedEntry(tensor: name, reason: "\(type.rawValue) of shape \(shape) has no size in bytes")
            }
            entries.append(TensorEntry(name: name, type: type, shape: shape, range: end..<end + size))
            end += size
        }
        self.tensors = entries
        self.metadata = metadata
        byteCount = 8 + Self.json(entries, metadata).count
        guard byteCount - 8 <= Self.longest else { throw .headerTooLong(bytes: UInt64(byteCount - 8)) }
    }

    /// The header's own bytes: its length, its JSON without spaces, and spaces to a multiple of eight.
    ///
    /// The reference implementation writes the metadata's keys in an order that changes from run to run (it keeps them
    /// in a Rust `HashMap`); here they are sorted, so that one file has one sequence of bytes.
    package var bytes: [UInt8] {
        let json = Self.json(tensors, metadata)
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
    }

    private static func json(_ tensors: [TensorEntry], _ metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            let text = pairs.map { "\(quoted($0.key)):\(quoted($0.value))" }.joined(separator: ",")
            members.append("\(quoted(metadataKey)):{\(text)}")
        }
        for tensor in tensors {
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(tensor.name)):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(tensor.range.lowerBound),\(tensor.range.upperBound)]}")
        }
        var json = Array("{\(members.joined(separator: ","))}".utf8)
        json.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
        return json
    }

    /// A JSON string with the escapes that Rust's serde_json chooses.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{08}": quoted += "\\b"
            case "\u{0C}": quoted += "\\f"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
