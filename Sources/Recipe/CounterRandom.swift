/// Random numbers with an address: the stream of (seed, purpose, epoch, picture, repetition).
///
/// Whoever computes a sample draws the same numbers for it, whatever was drawn elsewhere, before or in another order.
/// Two addresses of one seed never share a stream: the address is turned into a stream by one ``Philox`` block, which
/// is a bijection.
///
/// It is no `RandomNumberGenerator` on purpose: how the standard library spends random bits (in `shuffled()`, say) may
/// change between its versions, and with it the result of a run.
package struct CounterRandom: Sendable {
    /// What a number is drawn for; raw values are part of what a seed means: never change or reuse one.
    package enum Purpose: UInt32, CaseIterable, Sendable {
        case noise = 1
        case timestep = 2
        case vaeSample = 3
        case flip = 4
        case crop = 5
        case captionShuffle = 6
        case captionDropout = 7
        case tagDropout = 8
        case noiseOffset = 9
        case multires = 10
        case inputPerturbation = 11
        case adapterInit = 12
        case epochOrder = 13
        case samplePicture = 14
        case evaluation = 15
        case validation = 16
    }

    private let generator: Philox
    private let stream: SIMD2<UInt32>
    private var nextBlock: UInt64 = 0
    private var block = Philox.Block()
    private var used = 4

    /// The stream at an address.
    ///
    /// - Parameters:
    ///   - seed: the run's `seed`.
    ///   - purpose: what the numbers are for.
    ///   - epoch: from 0.
    ///   - picture: the picture's index in the run, or of whatever else `purpose` counts.
    ///   - repetition: which of the picture's repeats in this epoch, from 0.
    ///
    /// Of `epoch`, `picture` and `repetition` the low 32 bits count; ``TrainingPlan`` admits no more.
    package init(seed: UInt64, purpose: Purpose, epoch: Int = 0, picture: Int = 0, repetition: Int = 0) {
        let root = Philox(
            key: Philox.Key(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
        let address = root.block(
            Philox.Block(
                purpose.rawValue, UInt32(truncatingIfNeeded: epoch), UInt32(truncatingIfNeeded: picture),
                UInt32(truncatingIfNeeded: repetition)))
        generator = Philox(key: Philox.Key(address.x, address.y))
        stream = SIMD2(address.z, address.w)
    }

    /// The next 32 random bits.
    package mutating func uint32() -> UInt32 {
        if used == 4 {
            block = takeBlock()
            used = 0
        }
        defer { used += 1 }
        return block[used]
    }

    /// The next 64 random bits, from two words, the first one high.
    package mutating func uint64() -> UInt64 {
        let high = UInt64(uint32())
        return high << 32 | UInt64(uint32())
    }

    /// Uniform in [0, 1), 24 random bits.
    package mutating func float() -> Float {
        Float(uint32() >> 8) * 0x1p-24
    }

    /// Uniform in [0, 1), 53 random bits.
    package mutating func double() -> Double {
        Double(uint64() >> 11) * 0x1p-53
    }

    /// True with probability `probability`; never for 0, always for 1.
    package mutating func chance(_ probability: Double) -> Bool {
        double() < probability
    }

    /// Uniform in `range`, which must not be empty, without modulo bias.
    ///
    /// Lemire, "Fast Random Integer Generation in an Interval", 2019, <https://doi.org/10.1145/3230636>.
    package mutating func integer(in range: Range<Int>) -> Int {
        precondition(!range.isEmpty, "a number cannot be drawn from an empty range")
        let width = UInt64(bitPattern: Int64(range.upperBound) &- Int64(range.lowerBound))
        var product = uint64().multipliedFullWidth(by: width)
        if product.low < width {
            let threshold = (0 &- width) % width
            while product.low < threshold {
                product = uint64().multipliedFullWidth(by: width)
            }
        }
        return range.lowerBound &+ Int(truncatingIfNeeded: product.high)
    }

    /// `elements` in random order (Fisher and Yates).
    package mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var elements = elements
        for last in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(last, integer(in: 0..<(last + 1)))
        }
        return elements
    }

    /// One standard normal number, from two words.
    package mutating func normal() -> Float {
        StandardNormal.pair(uint32(), uint32()).0
    }

    /// `count` standard normal numbers; the first n of them are the same for every count ≥ n.
    package mutating func normals(_ count: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            fillNormal(UnsafeMutableBufferPointer(start: buffer.baseAddress, count: count))
            initialized = count
        }
    }

    /// Fills `buffer` with standard normal numbers, two for two words of the stream.
    package mutating func fillNormal(_ buffer: UnsafeMutableBufferPointer<Float>) {
        var index = 0
        while index < buffer.count {
            if used == 4, buffer.count - index >= 4 {
                let words = takeBlock()
                (buffer[index], buffer[index + 1]) = StandardNormal.pair(words.x, words.y)
                (buffer[index + 2], buffer[index + 3]) = StandardNormal.pair(words.z, words.w)
                index += 4
            } else {
                let (first, second) = StandardNormal.pair(uint32(), uint32())
                buffer[index] = first
                if index + 1 < buffer.count { buffer[index + 1] = second }
                index += 2
            }
        }
    }

    private mutating func takeBlock() -> Philox.Block {
        defer { nextBlock &+= 1 }
        return generator.block(
            Philox.Block(
                UInt32(truncatingIfNeeded: nextBlock), UInt32(truncatingIfNeeded: nextBlock >> 32), stream.x, stream.y))
    }
}
