import ContentStore

/// How far the fetching of something is, in sentences, now and then.
struct FetchProgress {
    private let what: String
    private let bytes: Int
    private let start: ContinuousClock.Instant
    private var said: ContinuousClock.Instant
    private var here = 0
    private var fresh = 0
    /// Between two sentences.
    private static let pause = Duration.seconds(5)

    init(of what: String, bytes: Int, at now: ContinuousClock.Instant = .now) {
        self.what = what
        self.bytes = bytes
        start = now
        // The first sentence comes soon, so that nobody wonders.
        said = now - Self.pause + .seconds(1)
    }

    /// Counts bytes; returns a sentence when it is time for one.
    ///
    /// - Parameter isFresh: whether they came over the network just now.
    mutating func add(_ count: Int, isFresh: Bool, at now: ContinuousClock.Instant) -> String? {
        here += count
        if isFresh { fresh += count }
        guard now - said >= Self.pause, here < bytes else { return nil }
        said = now
        guard fresh > 0 else { return "fetching \(what): \(amount) are here already" }
        let speed = speed(at: now)
        return "fetching \(what): \(amount), \(byteText(Int(speed)))/s, \(time(Double(bytes - here) / speed)) left"
    }

    /// What there is to say when all is here.
    func summary(at now: ContinuousClock.Instant) -> String {
        fresh == 0
            ? "\(what): \(byteText(bytes)) fetched by another worker on this box"
            : "fetched \(what): \(byteText(fresh)) in \(time((now - start) / .seconds(1))), "
                + "\(byteText(Int(speed(at: now))))/s"
    }

    private func speed(at now: ContinuousClock.Instant) -> Double {
        Double(fresh) / max(0.001, (now - start) / .seconds(1))
    }

    /// `1.2 of 4.3 GB`, or with both units where they differ.
    private var amount: String {
        let (done, all) = (byteText(here).split(separator: " "), byteText(bytes).split(separator: " "))
        return done.last == all.last ? "\(done[0]) of \(byteText(bytes))" : "\(byteText(here)) of \(byteText(bytes))"
    }

    private func time(_ seconds: Double) -> String {
        seconds < 120 ? "\(Int(seconds.rounded())) s" : "\(Int((seconds / 60).rounded())) min"
    }
}
