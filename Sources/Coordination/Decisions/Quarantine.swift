import Wire

/// Who may not come back yet, because it comes and goes or has done harm.
///
/// A stay is short when it lasted less than ``Patience/calm`` and did not end on purpose. The third short stay in a row
/// costs ``Patience/quarantine``, and each one after it twice as much as the last, up to
/// ``Patience/longestQuarantine``; a calm stay forgives all of it.
struct Quarantine: Sendable {
    /// What is remembered of one name.
    struct Record: Equatable, Sendable {
        var shortStays = 0
        var sentences = 0
        /// When it may come back.
        var until = Duration.zero
        var reason = ""
    }

    private let patience: Patience
    /// Of names that have given cause.
    private(set) var records: [String: Record] = [:]
    private static let tolerated = 2
    /// Names are the workers' own; what is remembered of them is bounded.
    private static let most = 10_000

    init(_ patience: Patience) {
        self.patience = patience
    }

    /// Those who may not come back yet.
    func active(at now: Duration) -> [String: Record] { records.filter { now < $0.value.until } }

    /// Notes that a worker left without meaning to.
    ///
    /// - Returns: for how long it may not come back, if it may not.
    mutating func left(_ name: String, after stay: Duration, reason: String, at now: Duration) -> Duration? {
        guard stay < patience.calm else {
            records[name] = nil
            return nil
        }
        var record = records[name] ?? Record()
        record.shortStays += 1
        keep(record, of: name)
        return record.shortStays > Self.tolerated ? sentence(name, reason: reason, at: now) : nil
    }

    /// Keeps out a worker that did harm.
    mutating func sentence(_ name: String, reason: String, at now: Duration) -> Duration {
        var record = records[name] ?? Record()
        let longest = patience.longestQuarantine
        let length = min(longest, patience.quarantine * (1 << min(record.sentences, 20)))
        record.sentences += 1
        record.until = now + length
        record.reason = reason
        keep(record, of: name)
        return length
    }

    /// Lets workers of this name, or of this box, back in at once.
    ///
    /// - Returns: the names that were kept out.
    mutating func pardon(_ name: String, at now: Duration) -> [String] {
        let pardoned = active(at: now).keys.filter { $0 == name || $0.hasPrefix(name + "/") }.sorted()
        for name in pardoned { records[name] = nil }
        return pardoned
    }

    func refusal(of name: String, at now: Duration) -> Refusal? {
        guard let record = records[name], now < record.until else { return nil }
        let seconds = (record.until - now).inSeconds
        return Refusal(
            field: "quarantine", yours: "not over (\(record.reason))",
            mine: "\(Int(seconds.rounded(.up))) s longer",
            fix: "this worker comes back by itself then; danlu admit \(name) lets it in at once", mayPass: true,
            retryAfter: seconds)
    }

    private mutating func keep(_ record: Record, of name: String) {
        if records[name] != nil || records.count < Self.most { records[name] = record }
    }
}
