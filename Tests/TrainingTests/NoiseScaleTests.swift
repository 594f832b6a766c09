import Recipe
import Testing
import Training

@Suite struct `The gradient noise scale` {
    @Test func `is found again from slots of unequal sizes`() throws {
        // Gradients g + n with |g|² = 2 and E|n|² = 1800 for one sample: B = 900.
        let dimensions = 200
        let sizes = [4, 4, 2, 6]
        var random = CounterRandom(seed: 5, purpose: .noise)
        var scale = NoiseScale()
        let signal = (2.0 / Double(dimensions)).squareRoot()
        let spread = (1800.0 / Double(dimensions)).squareRoot()
        for _ in 0..<3000 {
            var mean = [Double](repeating: 0, count: dimensions)
            var slots: [(samples: Int, squaredNorm: Double)] = []
            for size in sizes {
                let gradient = random.normals(dimensions).map {
                    signal + Double($0) * spread / Double(size).squareRoot()
                }
                slots.append((size, gradient.reduce(0) { $0 + $1 * $1 }))
                for index in mean.indices { mean[index] += gradient[index] * Double(size) / 16 }
            }
            scale.add(slots: slots, mean: mean.reduce(0) { $0 + $1 * $1 })
        }
        let value = try #require(scale.value)
        #expect(abs(value / 900 - 1) < 0.6)
    }

    @Test func `is unknown from one slot alone`() {
        var scale = NoiseScale()
        scale.add(slots: [(4, 3)], mean: 3)
        #expect(scale.value == nil)
    }
}

@Suite struct `The loss scale` {
    @Test func `is one, for ever, without fp16`() {
        var scale = LossScale(.bf16)
        for _ in 0..<5000 { scale.succeeded() }
        #expect(scale.value == 1)
        let isHalved = scale.overflowed()
        #expect(!isHalved)
    }

    @Test func `halves at an overflow and doubles after two thousand good steps`() {
        var scale = LossScale(.fp16)
        let isHalved = scale.overflowed()
        #expect(isHalved)
        #expect(scale.value == 32_768)
        for _ in 0..<1999 { scale.succeeded() }
        #expect(scale.value == 32_768)
        scale.succeeded()
        #expect(scale.value == 65_536)
    }

    @Test func `says when there is nothing left to halve`() {
        var scale = LossScale(.fp16)
        var halvings = 0
        while scale.overflowed() { halvings += 1 }
        #expect(halvings == 16)
        #expect(scale.value == 1)
    }
}
