package import Torch

/// A frozen weight that is read when it is first used, so that a model is ready as soon as its shapes are checked.
package final class FrozenTensor {
    private let make: () throws -> Tensor
    private var made: Tensor?

    init(_ make: @escaping () throws -> Tensor) {
        self.make = make
    }

    package func callAsFunction() throws -> Tensor {
        if let made { return made }
        let tensor = try make()
        made = tensor
        return tensor
    }
}
