package import Foundation

/// A question of somebody who does not join.
///
/// "Who are you, and how fast is the way to you?"
package struct Inquiry: Codable, Equatable, Sendable {
    /// The most bytes of padding, each way.
    package static let paddingLimit = 64 << 10

    /// The answer carries it back.
    package var number: UInt64
    /// Bytes that only take up room.
    package var padding: Data
    /// Bytes that the answer shall carry.
    package var wanted: Int

    package init(number: UInt64, padding: Data = Data(), wanted: Int = 0) {
        self.number = number
        self.padding = padding
        self.wanted = wanted
    }
}

/// What a coordinator says to an ``Inquiry``.
package struct InquiryAnswer: Codable, Equatable, Sendable {
    package var number: UInt64
    package var software: String
    package var libtorch: String
    /// The only class that may join; nil when all may.
    package var exactnessClass: String?
    package var bulkPort: UInt16
    /// Seconds since 1970, by the coordinator's clock.
    package var clock: Double
    /// As much as was wanted, or nothing when the coordinator is too busy.
    package var padding: Data

    package init(
        number: UInt64, software: String, libtorch: String, exactnessClass: String?, bulkPort: UInt16, clock: Double,
        padding: Data
    ) {
        self.number = number
        self.software = software
        self.libtorch = libtorch
        self.exactnessClass = exactnessClass
        self.bulkPort = bulkPort
        self.clock = clock
        self.padding = padding
    }
}
