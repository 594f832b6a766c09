import CVectors
import TestSupport
import Testing

/// The same bits on every processor: what these loops compute is what one number after the other gives.
@Suite struct `What is done to every number` {
    private static let counts = [0, 1, 7, 15, 16, 17, 31, 255, 1000]

    private func numbers(_ count: Int, seed: UInt64) -> [Float] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            Float.random(in: -1...1, using: &random) * Float.random(in: 0...1e3, using: &random)
        }
    }

    @Test(arguments: counts)
    func `squares are added up in sixteen lanes, in fp64`(count: Int) {
        let floats = numbers(count, seed: 1)
        var lanes = Array(repeating: 0.0, count: 16)
        for index in 0..<count / 16 * 16 { lanes[index % 16] += Double(floats[index]) * Double(floats[index]) }
        var sum = lanes[0] + lanes[8]
        for lane in 1..<8 { sum += lanes[lane] + lanes[lane + 8] }
        for float in floats[(count / 16 * 16)...] { sum += Double(float) * Double(float) }
        #expect(vectors_squares(floats, count) == sum)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity], [0, 20, 36])
    func `squares tell of what is not finite, and of nothing else`(value: Float, index: Int) {
        var floats = Array(repeating: Float.greatestFiniteMagnitude, count: 37)
        #expect(vectors_squares(floats, 37).isFinite)
        floats[index] = value
        #expect(!vectors_squares(floats, 37).isFinite)
    }

    @Test(arguments: counts)
    func `sums are added element by element, also in place`(count: Int) {
        let (left, right) = (numbers(count, seed: 2), numbers(count, seed: 3))
        var apart = Array(repeating: Float(0), count: count)
        vectors_add(&apart, left, right, count)
        #expect(apart == zip(left, right).map { $0 + $1 })
        var inPlace = left
        inPlace.withUnsafeMutableBufferPointer { vectors_add($0.baseAddress, $0.baseAddress, right, count) }
        #expect(inPlace == apart)
    }

    @Test(arguments: counts)
    func `what rounding owes is taken along without a fused product`(count: Int) {
        let (source, before) = (numbers(count, seed: 4), numbers(count, seed: 5))
        let part: Float = 0.3
        var (owed, target) = (before, source)
        target.withUnsafeMutableBufferPointer { vectors_take_owed($0.baseAddress, part, &owed, $0.baseAddress, count) }
        for index in 0..<count {
            let (taken, kept) = (part * before[index], (1 - part) * before[index])
            #expect(target[index] == source[index] + taken)
            #expect(owed[index] == kept + target[index])
        }
        vectors_owe(source, &owed, count)
        for index in 0..<count { #expect(owed[index] == (1 - part) * before[index] + target[index] - source[index]) }
    }
}
