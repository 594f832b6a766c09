/// Standard normal numbers from uniform bits, the same to the last bit on every machine.
///
/// The transform of Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958. It asks the C library
/// for nothing: logarithms, sines and cosines differ in their last bits from one C library to the next, and a noise
/// that differs in its last bit would make two boxes disagree. What is left are IEEE 754 operations in a fixed order.
enum StandardNormal {
    /// Two independent standard normal numbers from two words of 32 random bits.
    ///
    /// The radius is at most √(2·33·ln 2) = 6.76.
    @inline(__always)
    static func pair(_ first: UInt32, _ second: UInt32) -> (Float, Float) {
        let radius = (-2 * logarithm((Double(first) + 0.5) * 0x1p-32)).squareRoot()
        let (sine, cosine) = sineAndCosine(turns: second)
        return (Float(radius * cosine), Float(radius * sine))
    }

    /// ln x of a normal positive x, to 2 units in the last place.
    ///
    /// With x = 2ᵉ·m, √½ ≤ m < √2 and s = (m − 1)/(m + 1): ln x = e·ln 2 + 2·(s + s³/3 + s⁵/5 + …).
    @inline(__always)
    static func logarithm(_ x: Double) -> Double {
        var exponent = Int(truncatingIfNeeded: x.bitPattern >> 52) - 1023
        var significand = Double(bitPattern: (x.bitPattern & 0x000F_FFFF_FFFF_FFFF) | 0x3FF0_0000_0000_0000)
        if significand > 1.414_213_562_373_095_1 {
            significand *= 0.5
            exponent += 1
        }
        let s = (significand - 1) / (significand + 1)
        let z = s * s
        var series = 1.0 / 21
        series = series * z + 1.0 / 19
        series = series * z + 1.0 / 17
        series = series * z + 1.0 / 15
        series = series * z + 1.0 / 13
        series = series * z + 1.0 / 11
        series = series * z + 1.0 / 9
        series = series * z + 1.0 / 7
        series = series * z + 1.0 / 5
        series = series * z + 1.0 / 3
        return Double(exponent) * 0.693_147_180_559_945_3 + (2 * s + 2 * s * z * series)
    }

    /// sin and cos of 2π·`turns`/2³², by Taylor's series within an eighth of a turn of the nearest quarter.
    @inline(__always)
    static func sineAndCosine(turns: UInt32) -> (sine: Double, cosine: Double) {
        let quarter = (turns &+ 0x2000_0000) >> 30
        let rest = Int32(bitPattern: turns &- (quarter << 30))
        let x = Double(rest) * (6.283_185_307_179_586 * 0x1p-32)
        let z = x * x

        var sine = 1.0 / 355_687_428_096_000  // 17!
        sine = sine * z - 1.0 / 1_307_674_368_000
        sine = sine * z + 1.0 / 6_227_020_800
        sine = sine * z - 1.0 / 39_916_800
        sine = sine * z + 1.0 / 362_880
        sine = sine * z - 1.0 / 5040
        sine = sine * z + 1.0 / 120
        sine = sine * z - 1.0 / 6
        sine = x + x * z * sine

        var cosine = 1.0 / 20_922_789_888_000  // 16!
        cosine = cosine * z - 1.0 / 87_178_291_200
        cosine = cosine * z + 1.0 / 479_001_600
        cosine = cosine * z - 1.0 / 3_628_800
        cosine = cosine * z + 1.0 / 40320
        cosine = cosine * z - 1.0 / 720
        cosine = cosine * z + 1.0 / 24
        cosine = cosine * z - 0.5
        cosine = 1 + z * cosine

        switch quarter {
        case 0: return (sine, cosine)
        case 1: return (cosine, -sine)
        case 2: return (-sine, -cosine)
        default: return (-cosine, sine)
        }
    }
}
