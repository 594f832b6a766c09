import Foundation

/// Numbers to places on a line, with ticks that people like.
struct Scale {
    private let range: ClosedRange<Double>
    private let length: Double
    private let isLogarithmic: Bool
    let ticks: [Double]

    /// - Parameters:
    ///   - values: what must have a place; those that are not finite do not count.
    ///   - length: of the line, in the picture's units.
    ///   - logarithmic: where all values are above 0 and spread widely; otherwise the scale is an even one.
    ///   - tight: whether it ends where the values do, with ticks inside, rather than at ticks.
    init(
        _ values: some Sequence<Double>, length: Double, logarithmic: Bool = false, tight: Bool = false, count: Int = 5
    ) {
        self.length = length
        let finite = values.filter(\.isFinite)
        let (least, most) = (finite.min() ?? 0, finite.max() ?? 1)
        isLogarithmic = logarithmic && least > 0 && most / least > 20
        if isLogarithmic {
            let exponents = Int(log10(least).rounded(.down))...Int(log10(most).rounded(.up))
            let every = max(1, (exponents.count + 5) / 6)
            ticks = stride(from: exponents.lowerBound, through: exponents.upperBound, by: every).map {
                pow(10, Double($0))
            }
            range = log10(least)...max(log10(most), log10(least) + 1e-9)
        } else {
            let spread = most > least ? most - least : max(abs(most), 1e-30)
            let raw = spread / Double(max(1, count - 1))
            let power = pow(10, log10(raw).rounded(.down))
            let step = ([1, 2, 5].first { raw <= $0 * power } ?? 10) * power
            let first = (least / step).rounded(.down)
            let last = most > least ? (most / step).rounded(.up) : first + 1
            let around = (0...Int(min(max(1, last - first), 20))).map { (first + Double($0)) * step }
            if tight, most > least {
                range = least...most
                ticks = around.filter(range.contains)
            } else {
                ticks = around
                range = ticks[0]...max(ticks[ticks.count - 1], ticks[0] + step)
            }
        }
    }

    /// From 0 to the line's length, and no further.
    func place(_ value: Double) -> Double {
        let value = isLogarithmic ? log10(max(value, .leastNormalMagnitude)) : value
        let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        return length * min(max(share.isFinite ? share : 0, 0), 1)
    }
}
