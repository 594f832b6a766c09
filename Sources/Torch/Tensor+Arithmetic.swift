private enum Aten {
    static let add = Operator("add", overload: "Tensor")
    static let addScalar = Operator("add", overload: "Scalar")
    static let sub = Operator("sub", overload: "Tensor")
    static let mul = Operator("mul", overload: "Tensor")
    static let mulScalar = Operator("mul", overload: "Scalar")
    static let div = Operator("div", overload: "Tensor")
    static let divScalar = Operator("div", overload: "Scalar")
    static let exp = Operator("exp")
    static let log = Operator("log")
    static let sqrt = Operator("sqrt")
    static let sin = Operator("sin")
    static let cos = Operator("cos")
    static let square = Operator("square")
    static let abs = Operator("abs")
    static let clamp = Operator("clamp")
    static let mean = Operator("mean")
    static let meanOver = Operator("mean", overload: "dim")
    static let sum = Operator("sum")
    static let sumOver = Operator("sum", overload: "dim_IntList")
    static let std = Operator("std")
    static let norm = Operator("linalg_vector_norm")
    static let isFinite = Operator("isfinite")
    static let all = Operator("all")
    static let max = Operator("max")
    static let addInPlace = Operator("add_", overload: "Tensor")
    static let mulInPlace = Operator("mul_", overload: "Scalar")
    static let copyInPlace = Operator("copy_")
}

extension Tensor {
    package static func + (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Aten.add(.tensor(left), .tensor(right))
    }

    package static func + (left: Tensor, right: Double) throws(TorchError) -> Tensor {
        try Aten.addScalar(.tensor(left), .double(right))
    }

    package static func - (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Aten.sub(.tensor(left), .tensor(right))
    }

    package static func - (left: Tensor, right: Double) throws(TorchError) -> Tensor {
        try Aten.addScalar(.tensor(left), .double(-right))
    }

    package static func * (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Aten.mul(.tensor(left), .tensor(right))
    }

    package static func * (left: Tensor, right: Double) throws(TorchError) -> Tensor {
        try Aten.mulScalar(.tensor(left), .double(right))
    }

    package static func * (left: Double, right: Tensor) throws(TorchError) -> Tensor { try right * left }

    package static func / (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Aten.div(.tensor(left), .tensor(right))
    }

    package static func / (left: Tensor, right: Double) throws(TorchError) -> Tensor {
        try Aten.divScalar(.tensor(left), .double(right))
    }

    package func exponential() throws(TorchError) -> Tensor { try Aten.exp(.tensor(self)) }
    package func logarithm() throws(TorchError) -> Tensor { try Aten.log(.tensor(self)) }
    package func squareRoot() throws(TorchError) -> Tensor { try Aten.sqrt(.tensor(self)) }
    package func sine() throws(TorchError) -> Tensor { try Aten.sin(.tensor(self)) }
    package func cosine() throws(TorchError) -> Tensor { try Aten.cos(.tensor(self)) }
    package func squared() throws(TorchError) -> Tensor { try Aten.square(.tensor(self)) }
    package func magnitude() throws(TorchError) -> Tensor { try Aten.abs(.tensor(self)) }

    package func clamped(_ low: Double, _ high: Double) throws(TorchError) -> Tensor {
        try Aten.clamp(.tensor(self), .double(low), .double(high))
    }

    package func mean() throws(TorchError) -> Tensor { try Aten.mean(.tensor(self)) }

    /// The mean over `dimensions`, which are dropped unless kept.
    package func mean(over dimensions: [Int], keeping: Bool = false) throws(TorchError) -> Tensor {
        try Aten.meanOver(.tensor(self), .ints(dimensions), .bool(keeping))
    }

    package func sum() throws(TorchError) -> Tensor { try Aten.sum(.tensor(self)) }

    package func sum(over dimensions: [Int], keeping: Bool = false) throws(TorchError) -> Tensor {
        try Aten.sumOver(.tensor(self), .ints(dimensions), .bool(keeping))
    }

    /// The unbiased standard deviation of all elements.
    package func standardDeviation() throws(TorchError) -> Tensor { try Aten.std(.tensor(self), .bool(true)) }

    /// The L2 norm of all elements.
    package func norm() throws(TorchError) -> Tensor { try Aten.norm(.tensor(self)) }

    package func maximum() throws(TorchError) -> Tensor { try Aten.max(.tensor(self)) }

    /// Whether no element is NaN or infinite.
    package func isFinite() throws(TorchError) -> Bool {
        try Aten.all(.tensor(Aten.isFinite(.tensor(self)))).item() != 0
    }

    /// `self += scale · other`.
    package func add(_ other: Tensor, scale: Double = 1) throws(TorchError) {
        try Aten.addInPlace.run(.tensor(self), .tensor(other), .double(scale))
    }

    /// `self *= factor`.
    package func multiply(by factor: Double) throws(TorchError) {
        try Aten.mulInPlace.run(.tensor(self), .double(factor))
    }

    /// Overwrites the elements with `other`'s, converting and broadcasting.
    package func assign(_ other: Tensor) throws(TorchError) {
        try Aten.copyInPlace.run(.tensor(self), .tensor(other))
    }
}
