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

    @Test func `is exact where every square is what it is on average, whatever the slots' sizes`() throws {
        // E|g_i|² = |G|² + S/b_i and E|ḡ|² = |G|² + S/B, with |G|² = 0.3 and S = 7.
        for sizes in [[1, 1], [4, 4, 2, 6], [1, 2, 3, 4, 5, 6, 7], [16, 1]] {
            let batch = Double(sizes.reduce(0, +))
            var scale = NoiseScale()
            for _ in 0..<3 {
                scale.add(slots: sizes.map { ($0, 0.3 + 7 / Double($0)) }, mean: 0.3 + 7 / batch)
            }
            let value = try #require(scale.value)
            #expect(abs(value * 0.3 / 7 - 1) < 1e-12)
        }
    }

    @Test func `is found again from gradients of unequal slots that vary from step to step`() throws {
        // |g|² = 2 and E|n|² = 64 for one sample, in slots of 1, 3 and 12 and now and then without the last: B = 32.
        let dimensions = 500
        var random = CounterRandom(seed: 2, purpose: .noise)
        var scale = NoiseScale()
        let signal = (2.0 / Double(dimensions)).squareRoot()
        for step in 0..<600 {
            let sizes = step % 5 == 0 ? [1, 3] : [1, 3, 12]
            let batch = Double(sizes.reduce(0, +))
            var mean = [Double](repeating: 0, count: dimensions)
            let slots = sizes.map { size in
                let spread = (64.0 / Double(dimensions * size)).squareRoot()
                let gradient = random.normals(dimensions).map { signal + Double($0) * spread }
                for index in mean.indices { mean[index] += gradient[index] * Double(size) / batch }
                return (size, gradient.reduce(0) { $0 + $1 * $1 })
            }
            scale.add(slots: slots, mean: mean.reduce(0) { $0 + $1 * $1 })
        }
        let value = try #require(scale.value)
        #expect(abs(value / 32 - 1) < 0.15, "\(value)")
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
