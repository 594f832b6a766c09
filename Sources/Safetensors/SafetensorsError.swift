/// What is wrong with a safetensors file, which one, and what to do about it.
package struct SafetensorsError: Error, Equatable, CustomStringConvertible {
    /// The path as the caller gave it.
    package let path: String
    /// What is wrong with it.
    package let problem: SafetensorsProblem

    package init(path: String, problem: SafetensorsProblem) {
        self.path = path
        self.problem = problem
    }

    package var description: String { "\(path): \(problem)." }
}

/// What can be wrong with a safetensors file or with what is to be written to one.
package enum SafetensorsProblem: Error, Equatable, CustomStringConvertible {
    case cannotOpen(reason: String)
    case notAFile
    case tooShort(bytes: Int)
    case headerTooLong(bytes: UInt64)
    case headerPastEnd(headerBytes: Int, fileBytes: Int)
    case malformedHeader(offset: Int, reason: String)
    case duplicateTensor(String)
    case malformedEntry(tensor: String, reason: String)
    case unknownType(tensor: String, type: String)
    case wrongSize(tensor: String, type: StoredType, shape: [Int], bytes: Int)
    case misplaced(tensor: String, begin: Int, previousEnd: Int)
    case wrongLength(expected: Int, actual: Int)
    case noSuchTensor(String)
    case notFloats(tensor: String, type: StoredType)
    case wrongByteCount(tensor: String, expected: Int, actual: Int)
    case cannotWrite(reason: String)

    package var description: String {
        switch self {
        case .cannotOpen(let reason):
            "cannot be read: \(reason)"
        case .notAFile:
            "is not a file but a folder or a device; name the .safetensors file itself"
        case .tooShort(let bytes):
            "is \(bytes) bytes long and a safetensors file has at least 8; it is empty or was cut off, get it again"
        case .headerTooLong(let bytes):
            "begins with a header length of \(bytes) bytes and at most 100,000,000 are allowed; "
                + "this does not look like a safetensors file"
        case .headerPastEnd(let headerBytes, let fileBytes):
            "announces a header of \(headerBytes) bytes but is only \(fileBytes) bytes long; "
                + "it was cut off or is no safetensors file, get it again"
        case .malformedHeader(let offset, let reason):
            "has a header that is not the JSON it should be: \(reason) at byte \(offset); get the file again"
        case .duplicateTensor(let name):
            "has two tensors named '\(name)'; write it again with names that differ"
        case .malformedEntry(let tensor, let reason):
            "has a malformed header entry for tensor '\(tensor)': \(reason)"
        case .unknownType(let tensor, let type):
            "stores tensor '\(tensor)' as '\(type)', a type that is not known; "
                + "known are \(StoredType.allCases.map(\.rawValue).joined(separator: ", "))"
        case .wrongSize(let tensor, let type, let shape, let bytes):
            "gives tensor '\(tensor)' \(bytes) bytes, which is not what \(type.rawValue) of shape \(shape) takes"
        case .misplaced(let tensor, let begin, let previousEnd):
            "places tensor '\(tensor)' at byte \(begin) of its data where byte \(previousEnd) is next; "
                + "tensors must neither overlap nor leave gaps"
        case .wrongLength(let expected, let actual):
            actual < expected
                ? "should be \(expected) bytes long but is \(actual); it was cut off, get it again"
                : "should be \(expected) bytes long but is \(actual); what follows the last tensor belongs to none"
        case .noSuchTensor(let name):
            "has no tensor named '\(name)'"
        case .notFloats(let tensor, let type):
            "stores tensor '\(tensor)' as \(type.rawValue), which is not read as numbers here; "
                + "expected F64, F32, F16 or BF16"
        case .wrongByteCount(let tensor, let expected, let actual):
            "was to hold \(expected) bytes of tensor '\(tensor)' but was given \(actual)"
        case .cannotWrite(let reason):
            "cannot be written: \(reason); what was there before is unchanged"
        }
    }
}
