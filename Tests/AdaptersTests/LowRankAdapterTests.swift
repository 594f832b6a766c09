import Adapters
import Layers
import Testing
import Torch

@Suite struct `A low-rank adapter` {
    private func adapter(inputs: Int, outputs: Int, kernel: Int = 1, rank: Int = 3, fresh: Bool = false) throws
        -> LowRankAdapter
    {
        LowRankAdapter(
            down: try noise("down", [rank, inputs * kernel * kernel]),
            up: fresh ? try .zeros([outputs, rank]) : try noise("up", [outputs, rank]), scale: 0.5)
    }

    @Test func `changes nothing before its first step`() throws {
        let adapter = try adapter(inputs: 20, outputs: 30, fresh: true)
        let (x, weight, bias) = (
            try noise("x", [2, 7, 20]), FrozenWeight(try noise("weight", [30, 20])), try noise("bias", [30])
        )
        let frozen = try linear(x, weight, bias)
        #expect(try adapter.linear(x, weight: weight, bias: bias).floats() == frozen.floats())
    }

    @Test func `that is switched off changes not a bit`() throws {
        let adapter = try adapter(inputs: 20, outputs: 30)
        adapter.multiplier = 0
        let (x, weight) = (try noise("x", [2, 7, 20]), FrozenWeight(try noise("weight", [30, 20])))
        #expect(try adapter.linear(x, weight: weight, bias: nil).floats() == linear(x, weight).floats())
    }

    @Test(arguments: [1.0, 0.6, -1])
    func `does to a linear layer what the layer does with it merged in`(multiplier: Double) throws {
        let adapter = try adapter(inputs: 20, outputs: 30)
        adapter.multiplier = multiplier
        let (x, weight, bias) = (
            try noise("x", [2, 7, 20]), FrozenWeight(try noise("weight", [30, 20])), try noise("bias", [30])
        )
        let merged = try linear(x, adapter.merged(into: weight.plain()), bias)
        #expect(try relativeError(adapter.linear(x, weight: weight, bias: bias), merged) <= 1e-5)
        #expect(try relativeError(linear(x, weight, bias), merged) > 1e-2)
    }

    @Test(arguments: [(1, 1, 0), (3, 1, 1), (3, 2, 1)])
    func `does to a convolution what the convolution does with it merged in`(
        kernel: Int, stride: Int, padding: Int
    ) throws {
        let adapter = try adapter(inputs: 6, outputs: 5, kernel: kernel)
        let (x, bias) = (try noise("x", [2, 6, 9, 7]), try noise("bias", [5]))
        let weight = FrozenWeight(try noise("weight", [5, 6, kernel, kernel]))
        let on = try adapter.convolution(x, weight: weight, bias: bias, stride: stride, padding: padding)
        let merged = try convolution(x, adapter.merged(into: weight.plain()), bias, stride: stride, padding: padding)
        #expect(try relativeError(on, merged) <= 1e-5)
    }

    @Test func `has the gradients that plain products have`() throws {
        let adapter = try adapter(inputs: 20, outputs: 30)
        let (x, weight) = (try noise("x", [2, 7, 20]), FrozenWeight(try noise("weight", [30, 20])))
        let leaves = [adapter.down, adapter.up, x]
        for leaf in leaves { leaf.requiresGradient = true }
        let target = try noise("target", [2, 7, 30])
        let fused = try meanSquaredError(adapter.linear(x, weight: weight, bias: nil), target)
        let plain = try meanSquaredError(
            linear(x, weight.plain()) + linear(linear(x, adapter.down), adapter.up) * 0.5, target)
        let expected = try gradients(of: plain, withRespectTo: leaves)
        for (actual, expected) in zip(try gradients(of: fused, withRespectTo: leaves), expected) {
            #expect(try relativeError(#require(actual), #require(expected)) <= 1e-5)
        }
    }

    /// Single rows, odd numbers of everything, and more rows and columns than are taken at a time.
    @Test(
        arguments: [[1, 2, 2, 1], [7, 11, 5, 3], [77, 64, 96, 4], [700, 70, 34, 2], [65, 300, 330, 16]],
        [ScalarType.float32, .bfloat16])
    func `does what plain products do, forth and back`(sizes: [Int], type: ScalarType) throws {
        let adapter = try adapter(inputs: sizes[1], outputs: sizes[2], rank: sizes[3])
        let x = try noise("x", [2, sizes[0], sizes[1]]).to(type)
        let (weight, bias) = (
            try noise("weight", [sizes[2], sizes[1]]).to(type), try noise("bias", [sizes[2]]).to(type)
        )
        let leaves = [x, adapter.down, adapter.up]
        for leaf in leaves { leaf.requiresGradient = true }
        let mine = try adapter.linear(x, weight: FrozenWeight(weight), bias: bias)
        let wide = try x.to(.float32)
        let theirs =
            try linear(wide, weight.to(.float32), bias.to(.float32))
            + linear(linear(wide, adapter.down), adapter.up) * 0.5
        let tolerance = type == .float32 ? 1e-5 : 2e-2
        #expect(try mine.scalarType == type)
        #expect(try relativeError(mine.to(.float32), theirs) <= tolerance)
        let seed = try noise("seed", mine.shape)
        let found = try gradients(of: mine, seed: seed.to(type), withRespectTo: leaves)
        let expected = try gradients(of: theirs, seed: seed, withRespectTo: leaves)
        #expect(try found.map { try $0?.scalarType } == [type, .float32, .float32])
        for (found, expected) in zip(found, expected) {
            let (found, expected) = (try #require(found).to(.float32), try #require(expected).to(.float32))
            #expect(try relativeError(found, expected) <= tolerance)
        }
    }

    @Test func `stacked on another is the sum of both, each at its weight`() throws {
        let one = try adapter(inputs: 20, outputs: 30)
        let other = LowRankAdapter(down: try noise("d", [5, 20]), up: try noise("u", [30, 5]), scale: 2)
        one.multiplier = 0.5
        let stacked = try LowRankAdapter.stacked([(one, 0.8), (other, -0.3)])
        #expect(stacked.down.shape == [8, 20])
        let expected = try one.change(shape: [30, 20]) * 0.8 + other.change(shape: [30, 20]) * -0.3
        #expect(try relativeError(stacked.change(shape: [30, 20]), expected) <= 1e-6)
        let alone = try LowRankAdapter.stacked([(one, 0.8)])
        #expect(try relativeError(alone.change(shape: [30, 20]), one.change(shape: [30, 20]) * 0.8) <= 1e-6)
    }

    @Test func `leaves the frozen weight's format as it is when it is merged`() throws {
        let adapter = try adapter(inputs: 20, outputs: 30)
        let merged = try adapter.merged(into: noise("weight", [30, 20]).to(.bfloat16))
        #expect(try merged.scalarType == .bfloat16)
    }
}
