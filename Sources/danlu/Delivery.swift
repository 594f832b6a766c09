import ContentStore
import Coordination
import Foundation

/// Contents on their way from the coordinator into the cache, some at a time.
///
/// What another process on this box is fetching already is waited for.
struct Delivery {
    private var missing: [Content]
    private let names: [Content: String]
    private let store: ContentStore
    private let line: ContentLine
    /// Contents that have arrived wrong once.
    private var suspect: Set<Content> = []

    /// - Parameter names: the files' paths, for messages.
    init(of missing: [Content], names: [Content: String], into store: ContentStore, from line: ContentLine) {
        self.missing = missing
        self.names = names
        self.store = store
        self.line = line
    }

    /// Fetches the next few.
    ///
    /// - Parameter arrived: told how many bytes are here, and whether they have come just now.
    /// - Returns: a sentence for the user, or "" when there is nothing to say; nil when all are here.
    /// - Throws: ``Failure`` when the coordinator does not hand something out, or hands it out wrong twice.
    mutating func next(_ count: Int, arrived: (_ bytes: Int, _ isFresh: Bool) -> Void) throws -> String? {
        guard !missing.isEmpty else { return nil }
        try line.checkIsNeeded()
        var partials: [PartialContent] = []
        var busy: [Content] = []
        for content in missing.prefix(count) {
            if let partial = try store.begin(content, progress: { _ in line.isAlive() }) {
                arrived(partial.count, false)
                partials.append(partial)
            } else if case .here = try store.find(content, progress: { _ in line.isAlive() }) {
                arrived(content.count, false)
            } else {
                busy.append(content)
            }
        }
        missing = Array(missing.dropFirst(count)) + busy
        if partials.isEmpty {
            guard !busy.isEmpty else { return "" }
            line.isAlive()
            Thread.sleep(forTimeInterval: 0.1)
            return ""
        }
        return try fetch(partials, arrived: arrived)
    }

    private mutating func fetch(
        _ partials: [PartialContent], arrived: (_ bytes: Int, _ isFresh: Bool) -> Void
    ) throws -> String {
        var wrong: [Content] = []
        for partial in partials where partial.isComplete {
            if try !isRight(partial) { wrong.append(partial.content) }
        }
        let open = partials.filter { !$0.isComplete && !wrong.contains($0.content) }
        do {
            try line.fetch(open.map { ContentPart($0.content, from: $0.count) }) { index, bytes, isLast in
                try open[index].append(bytes)
                arrived(bytes.count, true)
                if isLast, try !isRight(open[index]) { wrong.append(open[index].content) }
            }
        } catch ContentLine.Failure.refused(let content, let reason) {
            throw Failure("\(names[content] ?? "\(content.hash)") cannot be fetched from the coordinator: \(reason)")
        }
        for content in wrong { arrived(-content.count, false) }
        missing += wrong
        guard let first = wrong.first else { return "" }
        return "\(names[first] ?? "\(first.hash)") arrived damaged and is fetched once more"
    }

    /// Gives content its name; false when it is wrong for the first time.
    private mutating func isRight(_ partial: PartialContent) throws -> Bool {
        do {
            _ = try partial.finish()
            return true
        } catch {
            guard case .wrongHash(let found, _) = error else { throw error }
            guard suspect.insert(partial.content).inserted else { throw refusal(of: partial.content, found: found) }
            return false
        }
    }

    private func refusal(of content: Content, found: ContentHash) -> Failure {
        Failure(
            "the SHA-256 of \(names[content] ?? "a file") is \(found) as it arrives here and \(content.hash) at the "
                + "coordinator, twice: check the memory and the network of both boxes, or copy the file here yourself")
    }
}
