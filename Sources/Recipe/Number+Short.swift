import Foundation

extension Double {
    /// Up to four significant digits, as a person would write them: `0.0001`, `1.5e-05`, `12`.
    package var short: String { String(format: "%.4g", self) }
}
