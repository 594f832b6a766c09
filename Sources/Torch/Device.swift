import CTorch

/// Where a tensor lives.
package enum Device: Equatable, Hashable, Sendable, CustomStringConvertible {
    case cpu
    case cuda(Int)

    package var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }

    /// How many CUDA devices this libtorch can use; 0 for a CPU build.
    package static var cudaCount: Int { Int(ct_cuda_count()) }

    /// `auto` is the first CUDA device if there is one; else `cpu` or `cuda:N`.
    package init(parsing text: String) throws(TorchError) {
        switch text {
        case "auto": self = Device.cudaCount > 0 ? .cuda(0) : .cpu
        case "cpu": self = .cpu
        default:
            let index = text == "cuda" ? 0 : text.hasPrefix("cuda:") ? Int(text.dropFirst(5)) : nil
            guard let index, index >= 0 else {
                throw TorchError(
                    operation: "device", message: "there is no device '\(text)': say auto, cpu or cuda:N")
            }
            guard index < Device.cudaCount else {
                throw TorchError(
                    operation: "device",
                    message: Device.cudaCount == 0
                        ? "'\(text)' was asked for, but this libtorch finds no CUDA device: use --device cpu, or a CUDA build"
                        : "'\(text)' was asked for, but there are only \(Device.cudaCount) CUDA devices")
            }
            self = .cuda(index)
        }
    }

    /// Free and total memory in bytes; CUDA only.
    package func memory() throws(TorchError) -> (free: Int, total: Int) {
        guard case .cuda(let index) = self else {
            throw TorchError(operation: "memory", message: "only CUDA devices are asked for their memory")
        }
        var free: Int64 = 0
        var total: Int64 = 0
        var error: UnsafeMutablePointer<CChar>?
        guard ct_cuda_memory(Int32(index), &free, &total, &error) == 0 else {
            throw .taking(error, operation: "memory")
        }
        return (Int(free), Int(total))
    }

    /// Waits until the device has done all it was given.
    package func synchronize() throws(TorchError) {
        guard case .cuda(let index) = self else { return }
        var error: UnsafeMutablePointer<CChar>?
        guard ct_synchronize(Int32(index), &error) == 0 else { throw .taking(error, operation: "synchronize") }
    }
}

extension TorchError {
    /// Takes over a message that CTorch left.
    static func taking(
        _ error: UnsafeMutablePointer<CChar>?, operation: String, shapes: [[Int]] = []
    ) -> TorchError {
        defer { ct_free(error) }
        let message = error.map { String(cString: $0) } ?? "failed without a word"
        return TorchError(operation: operation, shapes: shapes, message: message)
    }
}
