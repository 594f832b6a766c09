import Coordination
import Foundation
import Monitor
import Notices
import Synchronization
import Wire

/// Tells somebody who is not watching what a run has come to.
///
/// May be told from any thread; nobody who tells it waits.
final class RunNotices: Sendable {
    private let board: NoticeBoard
    private let rules = Mutex(NoticeRules())
    private let started = ContinuousClock.now
    private let run: String
    private let folder: String
    private let totalSteps: Int
    private let step = Atomic<Int>(0)

    /// - Parameters:
    ///   - run: its name, and its folder.
    ///   - step: steps done before.
    ///   - complain: told in a sentence what could not be delivered.
    init(
        _ couriers: [any Courier], run: String, folder: String, step: Int, totalSteps: Int,
        complain: @escaping @Sendable (String) -> Void
    ) {
        board = NoticeBoard(couriers, complain: complain)
        self.run = run
        self.folder = folder
        self.totalSteps = totalSteps
        self.step.store(step, ordering: .relaxed)
    }

    /// Takes what happened to the cluster.
    func happened(_ happening: Happening) {
        switch happening {
        case .stepped(let contribution, .committed): step.store(contribution.step + 1, ordering: .relaxed)
        case .stepped, .standing: break
        case .note(let note):
            if let worker = note.lostWorker {
                tell(.workerLost, "\(note)", worker: worker)
            } else if case .leftOut = note {
                tell(.notANumber, "\(note)")
            }
        }
    }

    /// Tells of the run's end, if there is something to tell, and waits until all has arrived, but not for long.
    ///
    /// - Parameter step: steps done, those not counted that were taken back.
    func close(with verdict: (event: Notice.Event, sentence: String)?, step: Int) {
        self.step.store(step, ordering: .relaxed)
        if let verdict { tell(verdict.event, verdict.sentence) }
        board.close()
    }

    private func tell(_ event: Notice.Event, _ sentence: String, worker: String? = nil) {
        let now = ContinuousClock.now - started
        guard rules.withLock({ $0.isDue(event, worker: worker, at: now) }) else { return }
        board.post(
            Notice(
                event, sentence.printable(), run: run, folder: folder, host: ProcessInfo.processInfo.hostName,
                step: step.load(ordering: .relaxed), totalSteps: totalSteps, worker: worker))
    }
}
