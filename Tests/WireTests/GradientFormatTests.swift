import Recipe
import TestSupport
import Testing
import Wire

@Suite struct `Gradients on their way` {
    private static let counts = [0, 1, 2, 255, 256, 257, 700]

    private func numbers(_ count: Int, seed: UInt64) -> [Float] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { index in
            // Whole blocks of zeros, and sizes from 1e-30 to 1e30 side by side.
            if index / 256 == 1 { return 0 }
            return .random(in: -1...1, using: &random) * [1, 1e-3, 1e3, 1e-30, index > 512 ? 1e30 : 1][index % 5]
        }
    }

    private func encoded(_ numbers: [Float], _ format: GradientFormat) -> [UInt8] {
        numbers.withUnsafeBufferPointer { format.encode($0) }
    }

    private func decoded(_ bytes: [UInt8], _ count: Int, _ format: GradientFormat) throws(WireError) -> [Float] {
        var numbers = [Float](repeating: .nan, count: count)
        var failure: WireError?
        numbers.withUnsafeMutableBufferPointer { floats in
            bytes.withUnsafeBytes { bytes in
                do throws(WireError) { try format.decode(bytes, into: floats) } catch { failure = error }
            }
        }
        if let failure { throw failure }
        return numbers
    }

    @Test(arguments: counts) func `are themselves in fp32`(count: Int) throws {
        let numbers = numbers(count, seed: 1)
        let bytes = encoded(numbers, .fp32)
        #expect(
            bytes == numbers.withUnsafeBytes { Array($0) } && bytes.count == GradientFormat.fp32.byteCount(of: count))
        #expect(try decoded(bytes, count, .fp32) == numbers)
    }

    @Test(arguments: counts) func `are the nearest of eight significant bits in bf16`(count: Int) throws {
        let numbers = numbers(count, seed: 2)
        let bytes = encoded(numbers, .bf16)
        #expect(bytes.count == 2 * count)
        let nearest = numbers.map { number in
            guard number != 0 else { return Float(0) }
            let unit = Float(sign: .plus, exponent: number.exponent - 7, significand: 1)
            return (number / unit).rounded(.toNearestOrEven) * unit
        }
        #expect(try decoded(bytes, count, .bf16) == nearest)
    }

    @Test func `go to the even one of two as near in bf16, and never to infinity`() throws {
        let numbers: [Float] = [1 + 0x1p-8, 1 + 0x3p-8, -1 - 0x1p-8, .greatestFiniteMagnitude, -.infinity, -0.0]
        let most = Float(bitPattern: 0x7F7F_0000)
        #expect(
            try decoded(encoded(numbers, .bf16), 6, .bf16) == [1, 1 + 0x1p-6, -1, most, -most, 0])
    }

    @Test(arguments: counts) func `are within half a scale in int8, and the scale is a 127th of the largest`(
        count: Int
    ) throws {
        let numbers = numbers(count, seed: 3)
        let bytes = encoded(numbers, .int8)
        #expect(bytes.count == count + 4 * ((count + 255) / 256))
        let back = try decoded(bytes, count, .int8)
        for first in stride(from: 0, to: count, by: 256) {
            let block = first..<min(count, first + 256)
            let largest = numbers[block].map(abs).max() ?? 0
            let scale = largest / 127 * (1 + 0x1p-15)
            #expect(block.allSatisfy { abs(back[$0] - numbers[$0]) <= 0.5001 * scale })
            #expect(abs((back[block].map(abs).max() ?? 0) - largest) <= largest * 0x1p-15)
        }
    }

    @Test(
        arguments: [GradientFormat.bf16, .int8],
        [7 * .leastNonzeroMagnitude, .leastNormalMagnitude, 1e-36, 1, 3e38] as [Float])
    func `are finite and no farther off than their format's, however small or large`(
        format: GradientFormat, size: Float
    ) throws {
        var random = SeededGenerator(seed: 4)
        let numbers = (0..<300).map { _ in Float.random(in: -1...1, using: &random) * size } + [size, -size]
        let back = try decoded(encoded(numbers, format), numbers.count, format)
        let unit = max(size * 0x1p-7, 127 * Float.leastNormalMagnitude)
        #expect(zip(numbers, back).allSatisfy { $1.isFinite && abs($0 - $1) <= unit })
    }

    @Test(arguments: GradientFormat.allCases, [UInt64(1), 2, 3]) func `are not rounded twice`(
        format: GradientFormat, seed: UInt64
    ) throws {
        let bytes = encoded(numbers(700, seed: seed) + [.greatestFiniteMagnitude, 7 * .leastNonzeroMagnitude], format)
        let once = try decoded(bytes, 702, format)
        #expect(encoded(once, format) == bytes)
        var again = once
        again.withUnsafeMutableBufferPointer { floats in
            for first in stride(from: 0, to: 702, by: 256) {
                format.round(UnsafeMutableBufferPointer(rebasing: floats[first..<min(702, first + 256)]))
            }
        }
        #expect(again == once)
    }

    @Test func `are refused with a scale or a number that nobody writes, and with a byte too many or too few`() throws {
        let bytes = encoded([Float](repeating: 1, count: 300), .int8)
        for scale in [Float.nan, .infinity, -1, -0.0, .greatestFiniteMagnitude] {
            var bad = bytes
            bad.replaceSubrange(260..<264, with: withUnsafeBytes(of: scale.bitPattern.littleEndian) { Array($0) })
            #expect(throws: WireError.numberBlock(1)) { try decoded(bad, 300, .int8) }
        }
        var bad = bytes
        bad[7] = 0x80
        #expect(throws: WireError.numberBlock(0)) { try decoded(bad, 300, .int8) }
        for format in GradientFormat.allCases {
            let bytes = encoded([Float](repeating: 1, count: 300), format)
            for wrong in [bytes + [0], Array(bytes.dropLast()), []] {
                #expect(throws: WireError.payloadLength(said: bytes.count, got: wrong.count)) {
                    try decoded(wrong, 300, format)
                }
            }
        }
    }
}
