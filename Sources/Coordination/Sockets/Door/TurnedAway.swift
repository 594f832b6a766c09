/// Who was turned away, counted, and said no more often than people can read.
struct TurnedAway {
    /// Why somebody was turned away.
    enum Reason: Hashable {
        /// The key is not on the list, or not any more.
        case unknownKey(String?)
        /// It does not use CURVE where this side does, or the other way round.
        case mismatched
        /// It broke off, or took too long: a stranger, or someone who expects another coordinator's key.
        case broken
        /// A message named a worker that the key is not for.
        case foreign(key: String, worker: String)
        /// At a data port: the coordinator does not vouch for this key.
        case noPeer(String?)
        /// Too many connections had not joined.
        case crowd
        /// It sent more than anybody has to say who has not joined.
        case chatter

        func sentence(isProtected: Bool) -> String {
            switch self {
            case .unknownKey(let key): "its key \(key ?? "") is not on the list of authorized keys"
            case .mismatched:
                isProtected
                    ? "it uses no key: start the worker there with --key"
                    : "it uses a key and this coordinator none: start the worker there without --key"
            case .broken: "it did not finish its greeting: it is no worker, or its key is for another coordinator"
            case .foreign(let key, let worker): "the key of '\(key)' cannot speak for worker '\(worker)'"
            case .noPeer(let key): "its key \(key ?? "") is that of no worker of this run"
            case .crowd: "it did not join, and too many connections wait"
            case .chatter: "it sent much, and did not join"
            }
        }
    }

    private struct Entry {
        var unsaid = 0
        var saidAt: Duration?
    }

    private struct Case: Hashable {
        let address: String
        let reason: Reason
    }

    /// All there ever were.
    private(set) var count = 0
    private var entries: [Case: Entry] = [:]
    private var order: [Case] = []
    private let pause: Duration
    private let limit: Int

    /// - Parameters:
    ///   - pause: between two sentences on the same address and reason.
    ///   - limit: cases told apart; further ones count as from "others".
    init(pause: Duration = .seconds(30), limit: Int = 64) {
        self.pause = pause
        self.limit = limit
    }

    mutating func add(_ reason: Reason, from address: String) {
        count += 1
        var one = Case(address: address, reason: reason)
        if entries[one] == nil, entries.count >= limit { one = Case(address: "others", reason: .broken) }
        if entries[one] == nil { order.append(one) }
        entries[one, default: Entry()].unsaid += 1
    }

    /// What is to be said now.
    mutating func takeSentences(at now: Duration, isProtected: Bool) -> [String] {
        var sentences: [String] = []
        for one in order {
            guard let entry = entries[one], entry.unsaid > 0, entry.saidAt.map({ now - $0 >= pause }) ?? true else {
                continue
            }
            let times = entry.unsaid > 1 ? " (\(entry.unsaid) times)" : ""
            sentences.append("turned away \(one.address)\(times): \(one.reason.sentence(isProtected: isProtected))")
            entries[one] = Entry(unsaid: 0, saidAt: now)
        }
        // What has been quiet for long makes room for others.
        let quiet = order.filter { one in
            entries[one].map { $0.unsaid == 0 && now - ($0.saidAt ?? now) > pause * 4 } ?? true
        }
        for one in quiet { entries[one] = nil }
        if !quiet.isEmpty { order.removeAll { entries[$0] == nil } }
        return sentences
    }
}
