/// A fifth of the 1000 timesteps: the loss depends so much on how noisy a sample is that it says more by band.
package struct TimestepBand: Hashable, Comparable, Sendable {
    /// From 0, the least noisy.
    package let number: Int

    private static let width = 200
    package static let all = (0..<5).map { TimestepBand(unchecked: $0) }

    private init(unchecked number: Int) {
        self.number = number
    }

    /// - Returns: nil outside ``all``.
    package init?(number: Int) {
        guard Self.all.indices.contains(number) else { return nil }
        self.number = number
    }

    /// The band that a timestep lies in; the last one has all from 800.
    package init(of timestep: Int) {
        number = min(max(0, timestep / Self.width), Self.all.count - 1)
    }

    /// The first and last timestep, for example `200-399`.
    package var name: String { "\(number * Self.width)-\((number + 1) * Self.width - 1)" }

    package static func < (left: TimestepBand, right: TimestepBand) -> Bool { left.number < right.number }
}
