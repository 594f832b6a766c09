/// What the gradient noise scale says of the batch, in words, now and then.
///
/// McCandlish et al. 2018, <https://arxiv.org/abs/1812.06162>, section 2.3: a run at batch B takes S_min·(1 + B_noise/B)
/// steps, so twice the batch saves the share x/(2 + 2x) of them, with x = B_noise/B.
package struct NoiseAdvice: Sendable {
    /// What more boxes would buy.
    package enum Verdict: Equatable, Sendable {
        /// Twice the batch saves a third of the steps or more (x ≥ 2).
        case much
        case some
        /// Twice the batch saves a tenth of the steps or less (x ≤ 0.25).
        case little
    }

    /// Measured steps before the first word: the averages are young before.
    static let settling = 50
    /// Steps for which a new verdict must stand before it is said.
    static let steadiness = 20
    /// Steps after which the same is said again.
    static let interval = 1000

    private var measured = 0
    private var said: (verdict: Verdict, measured: Int)?
    private var candidate: (verdict: Verdict, since: Int)?

    package init() {}

    /// The share of steps that twice the batch would save, 0 to 1/2.
    package static func saving(noiseScale: Double, batch: Int) -> Double {
        let x = noiseScale / Double(max(1, batch))
        return x / (2 + 2 * x)
    }

    static func verdict(saving: Double) -> Verdict {
        saving >= 1.0 / 3 ? .much : saving > 0.1 ? .some : .little
    }

    /// Takes in a step; what is to be said now, if anything.
    ///
    /// - Parameters:
    ///   - noiseScale: in samples; nil while it is not known.
    ///   - batch: the effective batch.
    package mutating func heed(noiseScale: Double?, batch: Int) -> String? {
        guard let noiseScale, noiseScale > 0, noiseScale.isFinite else { return nil }
        measured += 1
        let saving = Self.saving(noiseScale: noiseScale, batch: batch)
        let verdict = Self.verdict(saving: saving)
        if candidate?.verdict != verdict { candidate = (verdict, measured) }
        guard measured >= Self.settling, let candidate else { return nil }
        let isNews = verdict != said?.verdict && measured - candidate.since + 1 >= Self.steadiness
        let isDue = said.map { verdict == $0.verdict && measured - $0.measured >= Self.interval } ?? false
        guard isNews || isDue else { return nil }
        said = (verdict, measured)
        let scale = Figures.significant(noiseScale)
        let percent = "\(Int((saving * 100).rounded())) %"
        let consequence =
            switch verdict {
            case .much: "more boxes would still buy fewer steps"
            case .some: "more boxes would buy some fewer steps, each box less"
            case .little: "more boxes would hardly buy fewer steps; they only make each step faster"
            }
        return
            "gradient noise scale \(scale), effective batch \(batch): twice the batch would save about \(percent) of the "
            + "steps; \(consequence)"
    }
}
