import Layers
import Safetensors
package import Torch

/// One network's tensors, found in a checkpoint's files and held against its configuration.
///
/// Nothing is read before it is asked for. A tensor is then converted to the format and device the model computes in; one
/// that needs no conversion is the mapped file itself, whose pages are let go with it.
package final class CheckpointPart: TensorSource {
    /// The folder or file, for messages.
    package let name: String
    /// The format and the device of every tensor it gives.
    package let type: ScalarType
    package let device: Device
    private let tensors: [String: LocatedTensor]

    init(name: String, tensors: [String: LocatedTensor], type: ScalarType, device: Device) {
        self.name = name
        self.tensors = tensors
        self.type = type
        self.device = device
    }

    package func shape(of tensor: String) -> [Int]? { tensors[tensor]?.shape }

    package func tensor(_ name: String) throws -> Tensor {
        guard let located = tensors[name] else { throw WeightsError.missing(tensor: name, source: self.name) }
        return try located.mapped().to(type).to(device)
    }
}

/// A tensor of a model, where it lies in a file.
struct LocatedTensor: Sendable {
    let file: SafetensorsFile
    let entry: TensorEntry
    /// Which third of its rows, if it is one of three stored as one.
    let third: Int?
    /// The shape that the model wants; the stored one may have more ones in it.
    let shape: [Int]

    /// Its bytes in the mapped file; valid as long as the file is.
    var bytes: UnsafeRawBufferPointer {
        let all = file.bytes(of: entry)
        guard let third else { return all }
        let length = all.count / 3
        return UnsafeRawBufferPointer(rebasing: all[third * length..<(third + 1) * length])
    }

    /// The tensor over the file's own memory, which must not be written.
    func mapped() throws -> Tensor {
        guard let type = ScalarType(entry.type) else {
            throw ModelError(
                file.path,
                "the tensor '\(entry.name)' is stored as \(entry.type.rawValue), which no layer computes from; "
                    + "use a version of the model in fp16, bf16 or fp32")
        }
        guard let base = bytes.baseAddress else {
            throw ModelError(
                file.path, "the tensor '\(entry.name)' is empty; the file belongs to another kind of model")
        }
        guard Int(bitPattern: base) % type.size == 0 else {
            let copy = AlignedCopy(of: bytes)
            return try Tensor.over(copy.memory, shape: shape, type: type, keeping: copy)
        }
        return try Tensor.over(base, shape: shape, type: type, keeping: MappedPages(file: file, bytes: bytes))
    }
}

/// A part of a mapped file, which goes from this process's memory with its last user; the file's cache is the kernel's.
private final class MappedPages {
    private let file: SafetensorsFile
    private let bytes: UnsafeRawBufferPointer

    init(file: SafetensorsFile, bytes: UnsafeRawBufferPointer) {
        self.file = file
        self.bytes = bytes
    }

    deinit { file.forget(bytes) }
}

/// The bytes of a tensor that a file holds at an address no processor loads its elements from.
private final class AlignedCopy {
    let memory: UnsafeMutableRawPointer

    init(of bytes: UnsafeRawBufferPointer) {
        memory = .allocate(byteCount: max(1, bytes.count), alignment: 64)
        if let base = bytes.baseAddress { memory.copyMemory(from: base, byteCount: bytes.count) }
    }

    deinit { memory.deallocate() }
}

extension ScalarType {
    /// The formats that weights come in.
    fileprivate init?(_ stored: StoredType) {
        switch stored {
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        case .float32: self = .float32
        case .float64: self = .float64
        case .float8E5M2: self = .float8e5m2
        case .float8E4M3: self = .float8e4m3
        default: return nil
        }
    }
}
