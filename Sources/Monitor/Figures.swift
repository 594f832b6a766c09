import Foundation
import Glibc

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

    /// `1.2 GiB`, `812 MiB`: no more than eight characters.
    package static func size(_ count: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var (value, unit) = (Double(max(0, count)), 0)
        while value >= 1023.5, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        return String(format: unit == 0 || value >= 99.95 ? "%.0f " : "%.1f ", value) + units[unit]
    }

    /// `0.1 s`, `12 s`, `4 min`, `3 h`, `5 d`.
    package static func age(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "?" }
        if seconds < 9.95 { return String(format: "%.1f s", seconds) }
        if seconds < 99.5 { return String(format: "%.0f s", seconds) }
        if seconds < 5940 { return String(format: "%.0f min", seconds / 60) }
        if seconds < 172_800 { return String(format: "%.0f h", seconds / 3600) }
        return String(format: "%.0f d", min(seconds / 86_400, 9999))
    }

    /// `82%`; nothing of nothing is `0%`.
    package static func percent(_ part: Double, of whole: Double) -> String {
        guard part.isFinite, whole.isFinite, whole > 0 else { return "0%" }
        return "\(Int((min(max(part / whole, 0), 1) * 100).rounded()))%"
    }

    /// `10,000`.
    package static func grouped(_ count: Int) -> String {
        var text = ""
        for (place, digit) in "\(count)".reversed().enumerated() {
            if place > 0, place % 3 == 0, digit != "-" { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    /// `07:05:09`, by the clock and in the place of this box.
    ///
    /// - Parameter time: seconds since 1970.
    package static func timeOfDay(_ time: Double) -> String {
        guard time.isFinite, abs(time) < 1e11 else { return "--:--:--" }
        var (seconds, parts) = (time_t(time), tm())
        localtime_r(&seconds, &parts)
        return String(format: "%02d:%02d:%02d", parts.tm_hour, parts.tm_min, parts.tm_sec)
    }
}
