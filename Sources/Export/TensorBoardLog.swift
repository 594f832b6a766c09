import Dispatch
package import Foundation
import Journal
import Recipe
import Synchronization

/// Keeps TensorBoard event files in step with a run's journal and its pictures.
///
/// The files are a function of the journal: whoever resumes a run begins a new file with all that the journal has, so
/// that steps which are done again are there once. May be told from any thread, and never waits.
package final class TensorBoardLog: Sendable {
    private struct State {
        var file: TensorBoardFile?
        /// The last step that is written.
        var last: JournalReader.Step?
        /// The number of the last validation loss that is written.
        var validation: Int64 = 0
        var pictures: Set<SamplePicture> = []
        var trouble: String?
    }

    private static let pause = DispatchTimeInterval.seconds(1)
    private static let stepsAtOnce = 1000

    private let run: URL
    private let folder: URL
    private let observe: @Sendable (String) -> Void
    private let queue = DispatchQueue(label: "danlu.tensorboard")
    private let isDue = Mutex(false)
    private let state = Mutex(State())

    /// - Parameters:
    ///   - run: the run's directory.
    ///   - folder: where the files go; made when it is not there.
    ///   - observe: told, in a sentence, when they cannot be written, and when they can again.
    package init(run: URL, folder: URL, observe: @escaping @Sendable (String) -> Void) {
        self.run = run
        self.folder = folder
        self.observe = observe
    }

    /// Takes in, within a second or so, what the journal has by then.
    package func follow() {
        let isFirst = isDue.withLock { isDue in
            defer { isDue = true }
            return !isDue
        }
        guard isFirst else { return }
        queue.asyncAfter(deadline: .now() + Self.pause) { [self] in
            isDue.withLock { $0 = false }
            catchUp()
        }
    }

    /// Takes in what the journal has now, and waits for it.
    package func finish() { queue.sync { catchUp() } }

    private func catchUp() {
        state.withLock { state in
            do {
                try write(&state)
                if state.trouble != nil { observe("the TensorBoard files are written again") }
                state.trouble = nil
            } catch {
                let sentence = "\(error)"
                if state.trouble != sentence { observe("\(sentence); the run goes on without") }
                state.trouble = sentence
            }
        }
    }

    private func write(_ state: inout State) throws {
        let reader = try JournalReader(run: run)
        if var file = state.file, try isUnchanged(state.last, reader) {
            state.file = nil
            defer { state.file = file }
            try append(from: reader, to: &file, &state)
        } else {
            state = State(trouble: state.trouble)
            let begins = try reader.begins
            var filled = state
            let file = try TensorBoardFile.begin(in: folder, replacing: begins == 0) { file in
                let start = begins == 0 ? 0 : begins + 1
                try file.append([TensorBoardEvent(time: Date(), step: start, contents: .sessionStart)])
                try append(from: reader, to: &file, &filled)
            }
            state = filled
            state.file = file
        }
    }

    /// Whether the last step is still what it was: the run has not gone back, and the journal is the same.
    private func isUnchanged(_ last: JournalReader.Step?, _ reader: JournalReader) throws -> Bool {
        guard var last, var now = try reader.steps(from: last.step, limit: 1).first else { return last == nil }
        // Where a step's time went is written down later than the step, and is not shown.
        (last.split, now.split) = ([:], [:])
        return now == last
    }

    private func append(from reader: JournalReader, to file: inout TensorBoardFile, _ state: inout State) throws {
        let total = try reader.totalSteps
        while true {
            let steps = try reader.steps(from: state.last.map { $0.step + 1 } ?? 0, limit: Self.stepsAtOnce)
            guard !steps.isEmpty else { break }
            var last = state.last
            var events: [TensorBoardEvent] = []
            for step in steps {
                if let last, last.epoch != step.epoch, last.step + 1 != total {
                    TensorBoardTags.epochEvent(of: last).map { events.append($0) }
                }
                events.append(TensorBoardTags.event(of: step))
                if step.step + 1 == total { TensorBoardTags.epochEvent(of: step).map { events.append($0) } }
                last = step
            }
            try file.append(events)
            state.last = last
        }
        while true {
            let validations = try reader.validations(after: state.validation, limit: Self.stepsAtOnce)
            guard let last = validations.last else { break }
            try file.append(validations.map(TensorBoardTags.event))
            state.validation = last.id
        }
        let done = state.last.map { TensorBoardTags.step($0) } ?? 0
        for picture in SamplePicture.all(of: run) where picture.step <= done && !state.pictures.contains(picture) {
            guard let (data, width, height) = picture.read() else { continue }
            let number = String(picture.prompt)
            let tag = "samples/" + String(repeating: "0", count: max(0, 2 - number.count)) + number
            try file.append([
                TensorBoardEvent(
                    time: Date(), step: picture.step,
                    contents: .summary([(tag, .image(data, width: width, height: height))]))
            ])
            state.pictures.insert(picture)
        }
    }
}
