import Coordination
import Foundation
import Monitor
import Recipe
import Synchronization
import Training

/// Turns what happens in a run into what its user sees.
///
/// May be told from any thread.
final class ProgressReporter: Sendable {
    private struct State {
        var display: ProgressDisplay
        var recorder: LossRecorder
        var lastStep: ContinuousClock.Instant
        var workers = 0
    }

    private let plan: TrainingPlan
    private let started = ContinuousClock.now
    private let state: Mutex<State>

    /// - Parameter memo: what ``memo(of:)`` gave in an earlier life of the run.
    init(plan: TrainingPlan, memo: Data?) {
        self.plan = plan
        let recorder = memo.flatMap { try? JSONDecoder().decode(LossRecorder.self, from: $0) } ?? LossRecorder()
        let terminal = Terminal(descriptor: STDOUT_FILENO)
        state = Mutex(
            State(display: ProgressDisplay(style: terminal.style), recorder: recorder, lastStep: .now))
    }

    /// Takes in a step's losses; what is to be kept with the run's state.
    func memo(of result: StepResult) -> Data? {
        state.withLock { state in
            let epoch = plan.epoch(of: result.step)
            for (index, loss) in result.slotLosses.enumerated() {
                state.recorder.add(epoch: epoch, slot: plan.firstSlot(of: result.step) + index, loss: loss)
            }
            return try? JSONEncoder().encode(state.recorder)
        }
    }

    /// kohya's `avr_loss` so far.
    var averageLoss: Double { state.withLock { $0.recorder.average } }

    /// Shows a step that was applied.
    func report(_ result: StepResult, _ contribution: StepContribution) {
        state.withLock { state in
            let now = ContinuousClock.now
            let elapsed = now - state.lastStep
            state.lastStep = now
            let report = StepReport(
                step: result.step + 1, totalSteps: plan.totalSteps, epoch: plan.epoch(of: result.step) + 1,
                epochs: plan.epochs, loss: result.loss, averageLoss: state.recorder.average,
                learningRates: result.rates,
                gradientNorm: result.gradientNorm, noiseScale: result.noiseScale, samples: result.samples,
                seconds: elapsed / .seconds(1), workers: contribution.shares.count)
            let terminal = Terminal(descriptor: STDOUT_FILENO)
            if let text = state.display.show(report, at: now - started, width: terminal.width) {
                Console.output.write(text)
            }
        }
    }

    /// Shows what happened to the cluster.
    func happened(_ happening: Happening) {
        guard case .note(let note) = happening else { return }
        self.note("\(note)")
    }

    /// Shows a sentence above the bar.
    func note(_ sentence: String) {
        state.withLock { Console.output.write($0.display.message(sentence)) }
    }

    /// Leaves the bar where it stands.
    func finish() {
        state.withLock { Console.output.write($0.display.finish()) }
    }
}
