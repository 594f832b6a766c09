import Testing
import Torch

@Suite struct `A profile` {
    @Test func `has each operator, of the backward pass too, with its shapes and its caller`() throws {
        let (x, weight) = (try Tensor.zeros([3, 4]), try Tensor.zeros([5, 4]))
        x.requiresGradient = true
        let (_, times) = try profiled {
            for _ in 0..<2 { _ = try gradients(of: linear(x, weight).sum(), withRespectTo: [x]) }
        }
        let forward = try #require(times.first { $0.name == "aten::addmm" || $0.name == "aten::mm" })
        #expect(forward.caller == "aten::linear")
        #expect(forward.calls == 2 && forward.outputs == [[3, 5]])
        #expect(forward.kind == .product && forward.operations == 2 * 2 * 3 * 4 * 5)
        #expect(forward.seconds > 0)
        #expect(times.contains { $0.caller.contains("Backward") && $0.kind == .product && $0.outputs == [[3, 4]] })
    }

    @Test func `knows what convolutions and attention cost`() throws {
        let x = try Tensor.zeros([2, 8, 6, 6])
        x.requiresGradient = true
        let weight = try Tensor.zeros([4, 8, 3, 3])
        let query = try Tensor.zeros([1, 2, 10, 4])
        query.requiresGradient = true
        let (_, times) = try profiled {
            _ = try gradients(of: convolution(x, weight, padding: 1).sum(), withRespectTo: [x])
            let context = try Tensor.zeros([1, 2, 7, 4])
            _ = try gradients(of: attention(query, context, context).sum(), withRespectTo: [query])
        }
        let once = Double(2 * (2 * 4 * 6 * 6) * (8 * 3 * 3))
        #expect(times.filter { $0.kind == .convolution }.map(\.operations).reduce(0, +) == 2 * once)
        let products = times.filter { $0.kind == .attention }.map(\.operations).reduce(0, +)
        #expect(products == Double(7 * 2 * 2 * 10 * 7 * 4))
    }

    @Test func `ends with what it profiled, also when that fails`() throws {
        struct Stop: Error {}
        #expect(throws: Stop.self) { try profiled { throw Stop() } }
        let (_, times) = try profiled { try profiledTwice() }
        #expect(times.contains { $0.name == "aten::zeros" })
    }

    private func profiledTwice() throws {
        _ = try Tensor.zeros([1])
        #expect(throws: TorchError.self) { try profiled {} }
    }
}
