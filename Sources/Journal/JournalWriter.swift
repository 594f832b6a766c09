import Dispatch
package import Foundation
import GRDB
import Synchronization

/// The run's one writer: takes entries from any thread without waiting, and writes them in order on a queue of its own.
///
/// A step is one transaction, or part of one when several are waiting. What cannot be written stays, and is tried
/// again every second: see ``trouble``. A journal that turns out to be damaged is set aside, and a new one begun.
package final class JournalWriter: Sendable {
    /// What is told of each life of a coordinator.
    package struct Life: Sendable {
        /// The run's name.
        package var run: String
        /// The recipe's hash.
        package var recipe: String
        package var totalSteps: Int
        /// Of this program.
        package var version: String
        package var incarnation: UInt64
        /// The step that the state leads to: rows of this and later steps are of steps that will be done again.
        package var firstStep: Int
        /// `output_name`.
        package var name: String
        /// As it was printed.
        package var plan: String

        package init(
            run: String, recipe: String, totalSteps: Int, version: String, incarnation: UInt64, firstStep: Int,
            name: String = "", plan: String = ""
        ) {
            self.run = run
            self.recipe = recipe
            self.totalSteps = totalSteps
            self.version = version
            self.incarnation = incarnation
            self.firstStep = firstStep
            self.name = name
            self.plan = plan
        }
    }

    /// Entries that may wait; beyond, the run must pause, and events are dropped and counted.
    package static let backlogLimit = 1024
    private static let entriesPerTransaction = 64
    private static let pauseBetweenTries = DispatchTimeInterval.seconds(1)

    private struct State {
        var backlog: [Dated] = []
        var enqueued: UInt64 = 0
        var written: UInt64 = 0
        var isWriting = false
        var trouble: JournalError?
        var droppedEvents = 0
        var waiting: [(target: UInt64, answer: DispatchSemaphore)] = []
        var pages: JournalPages
    }

    private let file: JournalFile
    private let life: Life
    private let observe: @Sendable (String) -> Void
    private let queue = DispatchQueue(label: "danlu.journal")
    private let state: Mutex<State>

    /// Opens the run's journal and writes down that a new life begins.
    ///
    /// - Parameters:
    ///   - run: the run's directory.
    ///   - fresh: whether what is there is to be forgotten.
    ///   - patience: how long each try waits for another program that has it locked.
    ///   - observe: told, in a sentence, what its user should know; on any thread.
    /// - Throws: ``JournalError`` when there can be none: the disk is full, another program has locked it.
    package init(
        run: URL, life: Life, fresh: Bool = false, patience: Duration = .seconds(5),
        observe: @escaping @Sendable (String) -> Void
    ) throws(JournalError) {
        file = JournalFile(run: run, patience: patience)
        self.life = life
        self.observe = observe
        if fresh { file.forget() }
        state = Mutex(State(pages: try Self.begin(file, life, observe)))
    }

    /// - Throws: when a journal cannot be had, not even a new one.
    private static func begin(
        _ file: JournalFile, _ life: Life, _ observe: (String) -> Void
    ) throws(JournalError) -> JournalPages {
        do {
            return try JournalPages(file, life)
        } catch  where error.isDamage {
            return try anew(file, life, after: error, observe)
        }
    }

    private static func anew(
        _ file: JournalFile, _ life: Life, after error: JournalError, _ observe: (String) -> Void
    ) throws(JournalError) -> JournalPages {
        let aside = try file.setAside()
        let pages = try JournalPages(file, life)
        let sentence = "\(error): it is now \(aside), and a new journal begins at step \(life.firstStep)"
        try pages.write([Dated(entry: .event(kind: "journal", sentence: sentence), time: Date())])
        observe(sentence)
        return pages
    }

    // MARK: - Taking

    /// Takes an entry; never waits.
    package func write(_ entry: Entry) {
        let starts = state.withLock { state -> Bool in
            guard entry.isAccount || state.backlog.count < Self.backlogLimit else {
                state.droppedEvents += 1
                return false
            }
            state.backlog.append(Dated(entry: entry, time: Date()))
            state.enqueued += 1
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if starts { queue.async { self.drain() } }
    }

    /// Why the run must wait before its next step; nil while the journal keeps up.
    package var trouble: JournalError? {
        state.withLock { state in
            guard state.backlog.count >= Self.backlogLimit else { return nil }
            return state.trouble ?? .behind(file.path, entries: state.backlog.count)
        }
    }

    /// Waits until all that was taken so far is on disk.
    ///
    /// - Throws: why it is not, after `limit`.
    package func flush(within limit: Duration = .seconds(10)) throws(JournalError) {
        let answer = state.withLock { state -> DispatchSemaphore? in
            guard state.written < state.enqueued else { return nil }
            let answer = DispatchSemaphore(value: 0)
            // Who is in trouble already is not waited for.
            if state.trouble == nil { state.waiting.append((state.enqueued, answer)) } else { answer.signal() }
            return answer
        }
        guard let answer else { return }
        // A semaphore waits by the wall clock, which may jump.
        let deadline = ContinuousClock.now + limit
        var isOver = false
        while !isOver, answer.wait(timeout: .now() + (deadline - .now) / .seconds(1)) == .timedOut {
            isOver = ContinuousClock.now >= deadline
        }
        try state.withLock { state throws(JournalError) in
            if let trouble = state.trouble { throw trouble }
            if isOver, state.written < state.enqueued { throw .behind(file.path, entries: state.backlog.count) }
        }
    }

    /// Writes down how this life ended, and closes the file.
    ///
    /// - Throws: when something could not be written.
    package func close(outcome: String) throws(JournalError) {
        try flush()
        do {
            try queue.sync { try state.withLock { try $0.pages.close(outcome: outcome) } }
        } catch {
            throw JournalError(error, path: file.path)
        }
    }

    // MARK: - Writing, on the queue

    private func drain() {
        while true {
            let (batch, pages) = state.withLock { ($0.backlog.prefix(Self.entriesPerTransaction), $0.pages) }
            do throws(JournalError) {
                let remarks = try write(Array(batch), to: pages)
                settle(batch.count)
                for remark in remarks { say(remark) }
            } catch {
                fail(error)
                queue.asyncAfter(deadline: .now() + Self.pauseBetweenTries) { self.drain() }
                return
            }
            let isDone = state.withLock { state in
                if state.backlog.isEmpty { state.isWriting = false }
                return state.backlog.isEmpty
            }
            if isDone { return }
        }
    }

    /// Writes to a new journal when this one turns out to be damaged.
    private func write(_ batch: [Dated], to pages: JournalPages) throws(JournalError) -> [String] {
        let damage: JournalError
        do {
            return try pages.write(batch)
        } catch {
            guard error.isDamage else { throw error }
            damage = error
        }
        try pages.abandon()
        var life = life
        for case .step(let entry) in batch.map(\.entry).prefix(1) { life.firstStep = entry.step }
        let new = try Self.anew(file, life, after: damage, observe)
        state.withLock { $0.pages = new }
        do {
            return try new.write(batch)
        } catch {
            // A second failure is no damage of the old file: it is tried again like a full disk.
            throw .disk(file.path, reason: "\(error)")
        }
    }

    private func settle(_ count: Int) {
        let (isWell, dropped, answers) = state.withLock { state in
            state.backlog.removeFirst(count)
            state.written += UInt64(count)
            defer {
                state.trouble = nil
                state.droppedEvents = 0
                state.waiting.removeAll { $0.target <= state.written }
            }
            let due = state.waiting.filter { $0.target <= state.written }.map(\.answer)
            return (state.trouble != nil, state.droppedEvents, due)
        }
        for answer in answers { answer.signal() }
        if isWell { say("the journal is written again") }
        if dropped > 0 { say("\(dropped) events came faster than the journal could be written and are not in it") }
    }

    private func fail(_ error: JournalError) {
        let (isNew, answers) = state.withLock { state in
            defer {
                state.trouble = error
                state.waiting = []
            }
            return (state.trouble != error, state.waiting.map(\.answer))
        }
        for answer in answers { answer.signal() }
        if isNew { observe("\(error); it is tried again every second") }
    }

    /// Says a sentence to the user and to the journal.
    private func say(_ sentence: String) {
        observe(sentence)
        write(.event(kind: "journal", sentence: sentence))
    }
}
