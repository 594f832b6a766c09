import Foundation
import Wire

/// Answers whoever asks before it joins.
struct InquiryDesk {
    private let software: String
    private let libtorch: String
    private let bulkPort: UInt16
    /// What strangers may have sent to them, to see how fast the way is.
    private var padding = AllowancePerSecond(4 << 20)

    init(software: String, libtorch: String, bulkPort: UInt16) {
        self.software = software
        self.libtorch = libtorch
        self.bulkPort = bulkPort
    }

    /// - Parameter exactnessClass: the only one that is let in; nil where all are.
    mutating func answer(_ inquiry: Inquiry, exactnessClass: String?, at now: Duration) -> InquiryAnswer {
        let wanted = min(max(0, inquiry.wanted), Inquiry.paddingLimit)
        let isGranted = padding.take(wanted, at: now)
        return InquiryAnswer(
            number: inquiry.number, software: software, libtorch: libtorch,
            exactnessClass: exactnessClass.flatMap { $0.isEmpty ? nil : $0 }, bulkPort: bulkPort,
            clock: Date().timeIntervalSince1970, padding: Data(count: isGranted ? wanted : 0))
    }
}
