import Recipe
import Testing
import Torch
import Training

@Suite struct `The noise of a sample` {
    private static let first = SampleAddress(picture: 4, repetition: 1)
    private static let second = SampleAddress(picture: 0, repetition: 0)

    private func draws(
        _ samples: [SampleAddress], epoch: Int = 2, seed: UInt64 = 9, _ change: (inout Objective) -> Void = { _ in }
    ) -> NoiseDraws {
        var objective = Objective()
        change(&objective)
        return NoiseDraws(objective, seed: seed, slot: Slot(epoch: epoch, bucket: 0, samples: samples))
    }

    private func noise(_ draws: NoiseDraws) throws -> [Float] {
        try draws.noise(channels: 4, height: 6, width: 5).floats()
    }

    @Test(arguments: [0, 0.3]) func `is the same in whatever slot, at whatever place in it`(offset: Double) throws {
        let change = { (objective: inout Objective) in
            objective.noiseOffset = offset
            objective.ipNoiseGamma = 0.1
        }
        let pair = draws([Self.first, Self.second], change)
        let turned = draws([Self.second, Self.first, Self.second], change)
        let alone = draws([Self.first], change)
        let each = 4 * 6 * 5
        #expect(try Array(noise(pair)[..<each]) == noise(alone))
        #expect(try Array(noise(turned)[each..<(2 * each)]) == noise(alone))
        #expect(try Array(noise(turned)[..<each]) == Array(noise(pair)[each...]))
        #expect(pair.timesteps()[0] == alone.timesteps()[0] && turned.timesteps()[1] == alone.timesteps()[0])
        let extra = try #require(try alone.inputPerturbation(channels: 4, height: 6, width: 5)).floats()
        let both = try #require(try pair.inputPerturbation(channels: 4, height: 6, width: 5)).floats()
        #expect(Array(both[..<each]) == extra)
        #expect(try extra != noise(alone).map { $0 * 0.1 })
    }

    @Test func `is another in every epoch, repetition and run, and for every purpose`() throws {
        let other = SampleAddress(picture: 4, repetition: 0)
        let all = try [
            noise(draws([Self.first])), noise(draws([Self.first], epoch: 3)), noise(draws([other])),
            noise(draws([Self.first], seed: 10)),
            draws([Self.first]).normals(.vaeSample, shape: [4, 6, 5]).floats(),
        ]
        #expect(Set(all).count == all.count)
    }

    @Test func `is standard normal`() throws {
        let values = try draws([Self.first]).noise(channels: 4, height: 100, width: 100).floats()
        let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        let square = values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)
        #expect(abs(mean) < 0.02 && abs(square - 1) < 0.03)
    }

    @Test func `has each channel shifted as a whole by the noise offset`() throws {
        let plain = try noise(draws([Self.first, Self.second]))
        let shifted = try noise(draws([Self.first, Self.second]) { $0.noiseOffset = 0.5 })
        let shifts = zip(shifted, plain).map { $0 - $1 }
        for channel in 0..<8 {
            let own = shifts[(channel * 30)..<(channel * 30 + 30)]
            #expect(own.allSatisfy { abs($0 - own[channel * 30]) < 1e-5 })
        }
        #expect(Set((0..<8).map { (shifts[$0 * 30] * 1000).rounded() }).count == 8)
    }

    @Test func `has coarser layers with multires noise, and the same spread`() throws {
        let change = { (objective: inout Objective) in
            objective.multiresNoiseIterations = 6
            objective.multiresNoiseDiscount = 0.8
        }
        func make(_ samples: [SampleAddress], _ change: (inout Objective) -> Void = { _ in }) throws -> [Float] {
            try draws(samples, change).noise(channels: 4, height: 32, width: 32).floats()
        }
        let coarse = try make([Self.first], change)
        let fine = try make([Self.first])
        #expect(try coarse == make([Self.first], change) && coarse != fine)
        let mean = coarse.reduce(0.0) { $0 + Double($1) } / Double(coarse.count)
        let square = coarse.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(coarse.count)
        #expect(abs(square - mean * mean - 1) < 1e-3)
        #expect(neighbours(coarse) > neighbours(fine) + 0.1)
    }

    /// How alike values beside each other are, on average of all.
    private func neighbours(_ values: [Float]) -> Double {
        zip(values, values.dropFirst()).reduce(0.0) { $0 + Double($1.0 * $1.1) } / Double(values.count)
    }

    @Test func `is put at timesteps that lie in the recipe's range, all of it`() {
        let samples = (0..<4000).map { SampleAddress(picture: $0, repetition: 0) }
        let all = draws(samples).timesteps()
        #expect(all.allSatisfy { (0..<1000).contains($0) })
        #expect((all.min() ?? 0) < 5 && (all.max() ?? 0) > 994)
        let some = Set(
            draws(samples) {
                $0.minTimestep = 100
                $0.maxTimestep = 110
            }.timesteps())
        #expect(some == Set(100..<110))
        let one = draws(samples) {
            $0.minTimestep = 500
            $0.maxTimestep = 500
        }
        #expect(Set(one.timesteps()) == [500])
    }
}
