import Foundation

extension Double {
    /// Up to four significant digits, as a person would write them: `0.0001`, `1.5e-05`, `12`; whole numbers whole.
    package var short: String {
        self == rounded() && magnitude < 1e9 ? String(Int(self)) : String(format: "%.4g", self)
    }
}
