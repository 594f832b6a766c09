import Testing
import Torch

@Suite struct `Gradients` {
    private func leaf(_ values: [Float], _ shape: [Int]) throws -> Tensor {
        let tensor = try Tensor.of(values, shape: shape)
        tensor.requiresGradient = true
        return tensor
    }

    @Test func `of a square are twice its root`() throws {
        let x = try leaf([1, -2, 3], [3])
        let found = try gradients(of: x.squared().sum(), withRespectTo: [x])
        #expect(try found[0]?.floats() == [2, -4, 6])
    }

    @Test func `are nil where nothing depends`() throws {
        let x = try leaf([1], [1])
        let y = try leaf([1], [1])
        let found = try gradients(of: x.squared().sum(), withRespectTo: [x, y])
        #expect(found[1] == nil)
    }

    @Test func `cannot be asked of what was computed without a tape`() throws {
        let x = try leaf([1, 2], [2])
        let loss = try withoutGradients { try x.squared().sum() }
        #expect(throws: TorchError.self) { try gradients(of: loss, withRespectTo: [x]) }
    }

    /// Rows, inputs, outputs and the rank of a low-rank layer.
    struct Layer: Sendable, CustomTestStringConvertible {
        let rows, inputs, outputs, rank: Int
        var testDescription: String { "\(rows)×\(inputs)→\(rank)→\(outputs)" }

        static let all = [
            Layer(rows: 5, inputs: 7, outputs: 11, rank: 3),
            // The frozen matrix lies in blocks.
            Layer(rows: 5, inputs: 64, outputs: 128, rank: 3),
            Layer(rows: 16, inputs: 128, outputs: 64, rank: 16),
            Layer(rows: 153, inputs: 192, outputs: 64, rank: 33),
        ]
    }

    @Test(arguments: Layer.all, [ScalarType.float32, .bfloat16])
    func `of the fused low-rank layer are those of its parts`(layer: Layer, type: ScalarType) throws {
        for hasBias in [true, false] { try expectThoseOfItsParts(layer, type, hasBias: hasBias) }
    }

    private func expectThoseOfItsParts(_ layer: Layer, _ type: ScalarType, hasBias: Bool) throws {
        let generator = try Generator(seed: 1)
        func normal(_ shape: [Int]) throws -> Tensor {
            let tensor = try Tensor.normal(shape, generator: generator)
            return tensor
        }
        let x = try normal([2, layer.rows, layer.inputs]).to(type)
        let weight = try normal([layer.outputs, layer.inputs]).to(type)
        let bias = hasBias ? try normal([layer.outputs]).to(type) : nil
        let down = try normal([layer.rank, layer.inputs])
        let up = try normal([layer.outputs, layer.rank])
        for each in [x, down, up] { each.requiresGradient = true }

        let fused = try lowRankLinear(x, FrozenWeight(weight), bias, down: down, up: up, scale: 0.5)
        let change = try linear(linear(x, down.to(type)), up.to(type)) * 0.5
        let plain = try linear(x, weight, bias) + change
        let leaves = [x, down, up]
        let seed = try normal([2, layer.rows, layer.outputs]).to(type)
        let mine = try gradients(of: fused, seed: seed, withRespectTo: leaves)
        let theirs = try gradients(of: plain, seed: seed, withRespectTo: leaves)
        let tolerance = type == .float32 ? 1e-5 : 2e-2
        #expect(try relativeError(fused, plain) < tolerance)
        for (mine, theirs) in zip(mine, theirs) {
            let mine = try #require(mine)
            #expect(try relativeError(mine, #require(theirs)) < tolerance)
        }
        #expect(try mine[1]?.scalarType == .float32)
    }

    @Test func `through a checkpoint are the same`() throws {
        let x = try leaf([0.1, -0.7, 2], [3])
        let weight = try leaf([1, 2, 3, -1, 0.5, 0.25, 3, 1, 2], [3, 3])
        let body: ([Tensor]) throws -> Tensor = { inputs in try silu(linear(inputs[0], weight)) }
        let direct = try gradients(of: body([x]).sum(), withRespectTo: [x, weight])
        let recomputed = try gradients(
            of: checkpoint([x], parameters: [weight], body).sum(), withRespectTo: [x, weight])
        for (direct, recomputed) in zip(direct, recomputed) {
            #expect(try direct?.floats() == recomputed?.floats())
            #expect(direct != nil)
        }
    }

    @Test(arguments: [false, true]) func `are told leaf by leaf, each once and whole, the last used first`(
        isComputedAgain: Bool
    ) throws {
        let x = try leaf([1, 2, 3, 4], [2, 2])
        let (first, second, none) = (
            try leaf([0.5, -1, 2, 0.25], [2, 2]), try leaf([1, 2, -3, 0.5], [2, 2]), try leaf([1], [1])
        )
        // The first weight is used twice, each time where intermediate results may be computed again.
        let body: ([Tensor]) throws -> Tensor = { try linear($0[0], first).squared() }
        func loss() throws -> Tensor {
            func layer(_ x: Tensor) throws -> Tensor {
                isComputedAgain ? try checkpoint([x], parameters: [first], body) : try body([x])
            }
            return try linear(layer(layer(x)), second).squared().sum()
        }
        let expected = try gradients(of: loss(), withRespectTo: [first, second, none])
        for _ in 0..<2 {
            var found: [(Int, [Float])] = []
            try gradients(of: loss(), withRespectTo: [first, second, none]) { found.append(($0, try $1.floats())) }
            #expect(found.map(\.0) == [1, 0])
            #expect(try found.map(\.1) == [expected[1]?.floats(), expected[0]?.floats()])
        }
        struct Enough: Error {}
        var calls = 0
        #expect(throws: Enough.self) {
            try gradients(of: loss(), withRespectTo: [first, second]) { _, _ in
                calls += 1
                throw Enough()
            }
        }
        #expect(calls == 1)
        // Nobody listens any more.
        #expect(try gradients(of: loss(), withRespectTo: [first])[0]?.floats() == expected[0]?.floats())
    }

    @Test func `say what failed inside a checkpoint`() throws {
        let x = try leaf([1, 2], [2])
        let error = #expect(throws: TorchError.self) {
            try checkpoint([x], parameters: []) { inputs in try linear(inputs[0], Tensor.zeros([2, 3])) }
        }
        #expect(error?.message.contains("linear") == true)
    }
}

/// ‖a − b‖ / ‖b‖.
func relativeError(_ a: Tensor, _ b: Tensor) throws -> Double {
    let reference = try b.to(.float32)
    return try (a.to(.float32) - reference).norm().item() / reference.norm().item()
}
