import Journal

/// The validation losses of a run, in at most ``limit`` points.
struct ValidationView: Codable, Equatable, Sendable {
    private static let limit = 1000

    /// The steps after which they were measured, and the losses.
    var step: [Int] = []
    var loss: [Double] = []

    init() {}

    init(_ reader: JournalReader) throws(JournalError) {
        for point in try reader.series(.validationLoss, limit: Self.limit) where point.mean.isFinite {
            step.append(point.step)
            loss.append(point.mean)
        }
    }
}
