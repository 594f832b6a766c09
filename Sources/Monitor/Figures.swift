import Foundation

/// Numbers as the monitor writes them: in ASCII, the same in every locale.
package enum Figures {
    /// `14:32`, `1:02:03`; `--:--` for what is not known.
    package static func clock(_ seconds: Double?) -> String {
        guard let seconds, seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "--:--" }
        let whole = Int(seconds.rounded())
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, rest) : String(format: "%d:%02d", minutes, rest)
    }

    /// `1.62 it/s`, or `34.0 s/it` when a step takes longer than a second.
    package static func speed(secondsPerStep: Double?) -> String {
        guard let seconds = secondsPerStep, seconds > 0, seconds.isFinite else { return "? it/s" }
        return seconds > 1 ? significant(seconds) + " s/it" : significant(1 / seconds) + " it/s"
    }

    /// Three significant digits without an exponent: `0.0123`, `1.62`, `34.0`, `1234`.
    package static func significant(_ value: Double) -> String {
        guard value.isFinite else { return "\(value)" }
        if value == 0 { return "0" }
        let digits = min(max(2 - Int(log10(value.magnitude).rounded(.down)), 0), 12)
        return String(format: "%.\(digits)f", value)
    }

    /// `0.1234`; `nan` where a loss is none.
    package static func loss(_ value: Double) -> String {
        value.isFinite ? String(format: "%.4f", value) : "nan"
    }

    /// A learning rate: `1e-4`, `1.62e-4`, `0.01`, `0`.
    package static func rate(_ value: Double) -> String {
        guard value.isFinite, value != 0 else { return value == 0 ? "0" : "nan" }
        guard value.magnitude < 0.01 || value.magnitude >= 1000 else { return String(format: "%.3g", value) }
        let parts = String(format: "%.2e", value).split(separator: "e")
        var mantissa = parts[0]
        while mantissa.hasSuffix("0") { mantissa.removeLast() }
        if mantissa.hasSuffix(".") { mantissa.removeLast() }
        return "\(mantissa)e\(Int(parts[1]) ?? 0)"
    }

    /// `9.0 MiB`, `144.0 MiB`, `12.3 KiB`.
    package static func bytes(_ count: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (value, unit) = (Double(count), 0)
        while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        return unit == 0 ? "\(count) B" : String(format: "%.1f ", value) + units[unit]
    }

    /// `1 step`, `2 steps`.
    package static func count(_ count: Int, _ noun: String) -> String {
        count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
    }
}
