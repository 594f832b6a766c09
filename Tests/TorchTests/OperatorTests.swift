import Testing
import Torch

@Suite struct `An operator` {
    @Test func `computes what it says`() throws {
        let x = try Tensor.of([1, 2, 3, 4, 5, 6], shape: [2, 3])
        let weight = try Tensor.of([1, 0, 0, 0, 1, 1], shape: [2, 3])
        #expect(try linear(x, weight).floats() == [1, 5, 4, 11])
        #expect(try (x * 2.0 + x).sum().item() == 63)
        #expect(try Tensor.concatenate([x, x], along: 1).shape == [2, 6])
        #expect(try x.chunked(3, along: 1).map(\.shape) == [[2, 1], [2, 1], [2, 1]])
        #expect(try x.permuted([1, 0]).floats() == [1, 4, 2, 5, 3, 6])
    }

    @Test func `that fails names itself and its arguments' shapes`() throws {
        let x = try Tensor.zeros([2, 7, 321])
        let weight = try Tensor.zeros([4, 320])
        let error = #expect(throws: TorchError.self) { try linear(x, weight) }
        #expect(error?.operation == "aten::linear")
        #expect(error?.shapes == [[2, 7, 321], [4, 320]])
        #expect(error?.description.contains("321") == true)
    }

    @Test func `that libtorch does not have is an error at its first use`() {
        let error = #expect(throws: TorchError.self) { try Operator("no_such_thing")(.int(1)) }
        #expect(error?.operation == "aten::no_such_thing")
    }

    @Test func `that would need more memory than there is throws`() {
        #expect(throws: TorchError.self) { try Tensor.zeros([1 << 40, 1 << 18]) }
    }

    @Test func `with too few arguments throws`() throws {
        let x = try Tensor.zeros([2])
        #expect(throws: TorchError.self) { try Operator("linear")(.tensor(x)) }
    }

    @Test func `on a device that is not there throws`() {
        #expect(throws: TorchError.self) { try Device(parsing: "cuda:99") }
        #expect(throws: TorchError.self) { try Device(parsing: "gpu") }
        #expect(throws: TorchError.self) { try Device(parsing: "cuda:-1") }
    }

    @Test func `of the random kind follows its generator's seed`() throws {
        let first = try Tensor.normal([4], generator: Generator(seed: 0)).floats()
        let second = try Tensor.normal([4], generator: Generator(seed: 0)).floats()
        #expect(first == second)
        // torch.randn(4, generator=torch.Generator().manual_seed(0))
        #expect(zip(first, [1.5410, -0.2934, -2.1788, 0.5684]).allSatisfy { abs($0 - $1) < 1e-4 })
    }
}

@Suite struct `Memory that Swift keeps` {
    final class Owner {
        let values: UnsafeMutablePointer<Float>
        let released: () -> Void
        init(_ released: @escaping () -> Void) {
            values = .allocate(capacity: 3)
            values.initialize(repeating: 7, count: 3)
            self.released = released
        }
        deinit {
            values.deallocate()
            released()
        }
    }

    @Test func `is used in place and let go with the tensor`() throws {
        nonisolated(unsafe) var released = false
        do {
            let owner = Owner { released = true }
            let tensor = try Tensor.over(owner.values, shape: [3], type: .float32, keeping: owner)
            #expect(try tensor.sum().item() == 21)
            #expect(!released)
        }
        #expect(released)
    }
}
