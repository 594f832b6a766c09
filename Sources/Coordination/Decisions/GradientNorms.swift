/// Which norms slots' gradients have had of late, and which would be beyond belief.
///
/// Gradients differ widely from slot to slot: timesteps do that. So only what is a hundred times the median is doubted,
/// and doubting costs one slot's time: a second worker that says the same is believed.
struct GradientNorms: Sendable {
    private var recent: [Double] = []
    private var oldest = 0
    /// Of the last few hundred slots; nil while there are too few.
    private(set) var median: Double?
    private static let most = 256
    private static let least = 8
    private static let generous = 100.0

    /// Takes in the norms of a step that is done.
    mutating func add(_ norms: [Double]) {
        for norm in norms {
            if recent.count < Self.most {
                recent.append(norm)
            } else {
                recent[oldest] = norm
                oldest = (oldest + 1) % Self.most
            }
        }
        median = recent.count < Self.least ? nil : recent.sorted()[recent.count / 2]
    }

    func isAbsurd(_ norm: Double) -> Bool {
        guard let median, median > 0 else { return false }
        return norm > Self.generous * median
    }

    /// Whether two workers mean the same gradient: rounding differs between classes of machines.
    static func agree(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 0.02 * max(a, b) }
}
