private enum Aten {
    static let to = Operator("to", overload: "dtype_layout")
    static let contiguous = Operator("contiguous")
    static let reshape = Operator("reshape")
    static let permute = Operator("permute")
    static let transpose = Operator("transpose", overload: "int")
    static let unsqueeze = Operator("unsqueeze")
    static let expand = Operator("expand")
    static let narrow = Operator("narrow")
    static let select = Operator("select", overload: "int")
    static let indexSelect = Operator("index_select")
    static let cat = Operator("cat")
    static let stack = Operator("stack")
    static let chunk = Operator("chunk")
    static let pad = Operator("constant_pad_nd")
    static let flip = Operator("flip")
    static let detach = Operator("detach")
    static let clone = Operator("clone")
}

extension Tensor {
    package func to(_ type: ScalarType) throws(TorchError) -> Tensor {
        try scalarType == type ? self : Aten.to(.tensor(self), .type(type))
    }

    package func to(_ device: Device) throws(TorchError) -> Tensor {
        self.device == device ? self : try Aten.to(.tensor(self), .none, .none, .device(device))
    }

    package func contiguous() throws(TorchError) -> Tensor {
        isContiguous ? self : try Aten.contiguous(.tensor(self))
    }

    /// -1 stands for the extent that is left.
    package func reshaped(_ shape: [Int]) throws(TorchError) -> Tensor {
        try Aten.reshape(.tensor(self), .ints(shape))
    }

    package func permuted(_ order: [Int]) throws(TorchError) -> Tensor {
        try Aten.permute(.tensor(self), .ints(order))
    }

    package func transposed(_ first: Int, _ second: Int) throws(TorchError) -> Tensor {
        try Aten.transpose(.tensor(self), .int(first), .int(second))
    }

    package func unsqueezed(_ dimension: Int) throws(TorchError) -> Tensor {
        try Aten.unsqueeze(.tensor(self), .int(dimension))
    }

    package func expanded(_ shape: [Int]) throws(TorchError) -> Tensor {
        try Aten.expand(.tensor(self), .ints(shape))
    }

    /// `length` entries of one dimension from `start` on; a view.
    package func narrowed(_ dimension: Int, from start: Int, length: Int) throws(TorchError) -> Tensor {
        try Aten.narrow(.tensor(self), .int(dimension), .int(start), .int(length))
    }

    /// One entry of one dimension, which is dropped; a view.
    package func selected(_ dimension: Int, _ index: Int) throws(TorchError) -> Tensor {
        try Aten.select(.tensor(self), .int(dimension), .int(index))
    }

    /// The entries of one dimension that an integer tensor names.
    package func selected(_ dimension: Int, at indices: Tensor) throws(TorchError) -> Tensor {
        try Aten.indexSelect(.tensor(self), .int(dimension), .tensor(indices))
    }

    package static func concatenate(_ tensors: [Tensor], along dimension: Int) throws(TorchError) -> Tensor {
        try Aten.cat(.tensors(tensors), .int(dimension))
    }

    package static func stack(_ tensors: [Tensor], along dimension: Int = 0) throws(TorchError) -> Tensor {
        try Aten.stack(.tensors(tensors), .int(dimension))
    }

    /// Equal parts of one dimension; views.
    package func chunked(_ count: Int, along dimension: Int) throws(TorchError) -> [Tensor] {
        try Aten.chunk.all(.tensor(self), .int(count), .int(dimension), capacity: count)
    }

    /// Zeros around: `[left, right, top, bottom, …]`, innermost dimension first.
    package func padded(_ amounts: [Int]) throws(TorchError) -> Tensor {
        try Aten.pad(.tensor(self), .ints(amounts), .int(0))
    }

    package func flipped(_ dimensions: [Int]) throws(TorchError) -> Tensor {
        try Aten.flip(.tensor(self), .ints(dimensions))
    }

    /// The same memory without a tape.
    package func detached() throws(TorchError) -> Tensor { try Aten.detach(.tensor(self)) }

    package func cloned() throws(TorchError) -> Tensor { try Aten.clone(.tensor(self)) }
}
