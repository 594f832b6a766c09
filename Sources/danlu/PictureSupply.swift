import ContentStore
import Coordination
import Foundation
import Synchronization

/// Pictures that this box lacks: each is fetched from the coordinator when a slot that is coming needs it, and those whose
/// latents are cached never are.
///
/// May be asked from any thread; one fetches at a time.
final class PictureSupply: Sendable {
    private struct State {
        var missing: [String: ListedFile]
        var progress: FetchProgress
    }

    private let store: ContentStore
    private let line: ContentLine
    private let say: @Sendable (String) -> Void
    private let state: Mutex<State>

    /// - Parameters:
    ///   - missing: by the paths at which they are looked for here.
    ///   - store: where they come to lie.
    ///   - say: told a sentence now and then.
    init(
        _ missing: [String: ListedFile], into store: ContentStore, from line: ContentLine,
        say: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.line = line
        self.say = say
        let bytes = Set(missing.values.map(\.content)).reduce(0) { $0 + $1.count }
        state = Mutex(State(missing: missing, progress: FetchProgress(of: "pictures", bytes: bytes)))
    }

    /// Sees to it that a picture is here; returns at once where it is.
    ///
    /// - Throws: ``Failure`` when the coordinator does not hand it out, or hands it out wrong twice.
    func bring(_ path: String) throws {
        try state.withLock { state in
            guard let file = state.missing[path] else { return }
            var sentences: [String?] = []
            var delivery = Delivery(
                of: [file.content], names: [file.content: file.path], into: store, from: line)
            while let sentence = try delivery.next(
                1,
                arrived: { count, isFresh in
                    sentences.append(state.progress.add(count, isFresh: isFresh, at: .now))
                })
            {
                sentences.append(sentence)
            }
            state.missing = state.missing.filter { $0.value.content != file.content }
            if state.missing.isEmpty { sentences.append(state.progress.summary(at: .now)) }
            for sentence in sentences.compactMap(\.self) where !sentence.isEmpty { say(sentence) }
        }
    }
}
