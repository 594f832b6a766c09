private enum Aten {
    static let empty = Operator("empty", overload: "memory_format")
    static let zeros = Operator("zeros")
    static let full = Operator("full")
    static let arange = Operator("arange", overload: "start_step")
    static let randn = Operator("randn", overload: "generator")
}

extension Tensor {
    /// Uninitialised memory.
    package static func empty(
        _ shape: [Int], type: ScalarType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Aten.empty(.ints(shape), .type(type), .none, .device(device))
    }

    package static func zeros(
        _ shape: [Int], type: ScalarType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Aten.zeros(.ints(shape), .type(type), .none, .device(device))
    }

    package static func full(
        _ shape: [Int], _ value: Double, type: ScalarType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Aten.full(.ints(shape), .double(value), .type(type), .none, .device(device))
    }

    /// `start, start + step, …` below `end`.
    package static func range(
        _ start: Double, _ end: Double, step: Double = 1, type: ScalarType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Aten.arange(.double(start), .double(end), .double(step), .type(type), .none, .device(device))
    }

    /// Standard normal values from libtorch's own generator: what `torch.randn(shape, generator=…)` gives.
    package static func normal(_ shape: [Int], generator: Generator) throws(TorchError) -> Tensor {
        try Aten.randn(.ints(shape), .generator(generator), .type(.float32))
    }
}
