import ContentStore
import Coordination
import Foundation
import Wire

/// What a run is made of, brought to this box: files of its own where they are the right ones, the cache, and what the
/// coordinator hands out.
final class Provisions {
    private let options: CacheOptions
    private let say: @Sendable (String) -> Void
    /// Open as long as the run is, so that nobody evicts what it uses.
    private var store: ContentStore?
    /// What is still to be fetched while the run goes on; nil where all is here.
    private(set) var pictures: PictureSupply?
    /// Files that are fetched in one go, so that many small ones do not wait for each other's answers.
    private static let batch = 64

    /// - Parameter say: told a sentence now and then.
    init(_ options: CacheOptions, say: @escaping @Sendable (String) -> Void) {
        self.options = options
        self.say = say
    }

    /// The run as it is on this box: every path in it leads to the right bytes, those of pictures once ``pictures`` has
    /// brought them.
    ///
    /// - Throws: one sentence when something cannot be had or does not fit.
    func run(of welcome: Welcome, from line: ContentLine) throws -> RunDescription {
        pictures = nil
        let run = try description(RunTicket(welcome.run), from: line)
        guard !run.files.isEmpty else { return run }
        let hashes = KnownHashes(file: options.folder + "/hashes.json")
        defer { hashes.save() }
        var places: [String: String] = [:]
        for file in run.files where try isHere(file, hashes, line) { places[file.path] = file.path }
        if places.count == run.files.count {
            return run.located(latentFolder: try run.latentFolder.map(latentFolder)) { $0 }
        }

        let store = try self.store ?? options.store()
        self.store = store
        defer { store.hashes.save() }
        let needed = run.files.filter { places[$0.path] == nil }
        try store.hold(needed.map(\.content))
        for role in ListedFile.Role.allCases where role != .picture {
            let files = needed.filter { $0.role == role }
            try fetch(missing(of: files, in: store, line), of: files, as: role, into: store, from: line)
        }
        for file in needed { places[file.path] = store.path(of: file.content) }
        let root = try store.view(of: run.files.map { ($0.path, places[$0.path] ?? $0.path) })
        let pictures = needed.filter { $0.role == .picture }
        let absent = Set(try missing(of: pictures, in: store, line))
        let waiting = pictures.filter { absent.contains($0.content) }.map { (root + $0.path, $0) }
        if !waiting.isEmpty {
            self.pictures = PictureSupply(
                Dictionary(waiting, uniquingKeysWith: { first, _ in first }), into: store, from: line, say: say)
        }
        return run.located(latentFolder: run.latentFolder.map { _ in store.latentFolder }) { root + $0 }
    }

    private func description(_ ticket: RunTicket, from line: ContentLine) throws -> RunDescription {
        let content = ticket.description
        guard content.count <= RunDescription.limit else {
            throw Failure(
                "the coordinator's description of the run has \(byteText(content.count)), which is too much: "
                    + "install the same Danlu on both")
        }
        var bytes: [UInt8] = []
        try line.fetch([ContentPart(content)]) { _, piece, _ in bytes.append(contentsOf: piece) }
        let found = Content(of: bytes)
        guard found == content else { throw ContentError.wrongHash(found: found.hash, wanted: content.hash) }
        return try JSONDecoder().decode(RunDescription.self, from: Data(bytes))
    }

    /// Whether this box has the right bytes at the very same path.
    private func isHere(_ file: ListedFile, _ hashes: KnownHashes, _ line: ContentLine) throws -> Bool {
        let size = (try? FileManager.default.attributesOfItem(atPath: file.path))?[.size] as? Int
        guard size == file.content.count else { return false }
        try line.checkIsNeeded()
        return (try? hashes.content(ofFile: file.path) { _ in line.isAlive() }) == file.content
    }

    /// The coordinator's own folder for latents where this box shares it, else one in the cache.
    private func latentFolder(_ shared: String) throws -> String {
        let parent = URL(filePath: shared).deletingLastPathComponent().path
        if access(shared, W_OK) == 0 || access(shared, F_OK) != 0 && access(parent, W_OK) == 0 { return shared }
        let store = try self.store ?? options.store()
        self.store = store
        return store.latentFolder
    }

    /// Contents that the cache lacks, in the order of their names.
    private func missing(
        of files: [ListedFile], in store: ContentStore, _ line: ContentLine
    ) throws -> [Content] {
        let names = Self.names(files)
        var missing: [Content] = []
        for content in names.keys.sorted(by: { (names[$0] ?? "") < (names[$1] ?? "") }) {
            try line.checkIsNeeded()
            switch try store.find(content, progress: { _ in line.isAlive() }) {
            case .here: continue
            case .damaged: say("\(names[content] ?? "a file") in the cache is damaged and is fetched again")
            case .missing: break
            }
            missing.append(content)
        }
        return missing
    }

    private static func names(_ files: [ListedFile]) -> [Content: String] {
        Dictionary(files.map { ($0.content, $0.path) }, uniquingKeysWith: { $1 })
    }

    private func fetch(
        _ missing: [Content], of files: [ListedFile], as role: ListedFile.Role, into store: ContentStore,
        from line: ContentLine
    ) throws {
        guard !missing.isEmpty else { return }
        var delivery = Delivery(of: missing, names: Self.names(files), into: store, from: line)
        var progress = FetchProgress(of: role.rawValue, bytes: missing.reduce(0) { $0 + $1.count })
        func arrived(_ count: Int, _ isFresh: Bool) {
            if let sentence = progress.add(count, isFresh: isFresh, at: .now) { say(sentence) }
        }
        while let sentence = try delivery.next(Self.batch, arrived: arrived) {
            if !sentence.isEmpty { say(sentence) }
        }
        say(progress.summary(at: .now))
    }
}
