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
        var advice = NoiseAdvice()
        var effectiveBatch: Int?
        var cost = StepCost()
        /// Of the step that was applied; shown when it is known where its time went.
        var applied: StepResult?
    }

    private let plan: TrainingPlan
    private let batch: Batch
    private let started = ContinuousClock.now
    private let state: Mutex<State>

    /// - Parameter memo: what ``memo(of:)`` gave in an earlier life of the run.
    init(plan: TrainingPlan, batch: Batch, memo: Data?) {
        self.plan = plan
        self.batch = batch
        let recorder = memo.flatMap { try? JSONDecoder().decode(LossRecorder.self, from: $0) } ?? LossRecorder()
        let terminal = Terminal(descriptor: STDOUT_FILENO)
        state = Mutex(
            State(display: ProgressDisplay(style: terminal.style), recorder: recorder, lastStep: .now))
    }

    /// Takes in a step's losses; what is to be kept with the run's state.
    func memo(of result: StepResult) -> Data? {
        state.withLock { state in
            let first = result.firstSlot % plan.slotsPerEpoch
            for (index, loss) in result.slotLosses.enumerated() {
                state.recorder.add(epoch: result.epoch, slot: first + index, loss: loss)
            }
            return try? JSONEncoder().encode(state.recorder)
        }
    }

    /// kohya's `avr_loss` so far.
    var averageLoss: Double { state.withLock { $0.recorder.average } }

    /// Takes a step that was applied; it is shown when ``happened(_:)`` tells of it.
    func report(_ result: StepResult) { state.withLock { $0.applied = result } }

    private func show(_ contribution: StepContribution) {
        state.withLock { state in
            guard let result = state.applied else { return }
            state.applied = nil
            let now = ContinuousClock.now
            let elapsed = now - state.lastStep
            state.lastStep = now
            var report = StepReport(
                step: result.step + 1, totalSteps: result.totalSteps, epoch: result.epoch + 1,
                epochs: plan.epochs, loss: result.loss, averageLoss: state.recorder.average,
                learningRates: result.rates,
                gradientNorm: result.gradientNorm, noiseScale: result.noiseScale, samples: result.samples,
                effectiveBatch: result.effectiveBatch,
                scaledBatch: batch.policy == .perWorker ? result.scaledBatch : nil,
                seconds: elapsed / .seconds(1), workers: contribution.shares.count)
            report.times = StepTimeSplit(contribution)
            let terminal = Terminal(descriptor: STDOUT_FILENO)
            if let text = state.display.show(report, at: now - started, width: terminal.width) {
                Console.output.write(text)
            }
            let sentences = [
                change(of: &state, to: result),
                state.advice.heed(noiseScale: result.noiseScale, batch: result.effectiveBatch),
            ]
            for sentence in sentences.compactMap({ $0 }) { Console.output.write(state.display.message(sentence)) }
        }
    }

    /// What a change of the world does to the learning rates, where the batch grows with it.
    private func change(of state: inout State, to result: StepResult) -> String? {
        defer { state.effectiveBatch = result.effectiveBatch }
        guard batch.policy == .perWorker, state.effectiveBatch != result.effectiveBatch else { return nil }
        let now = "the effective batch is \(result.effectiveBatch) now"
        return result.scaledBatch == Double(result.effectiveBatch)
            ? now : now + "; learning rates follow over \(Figures.count(batch.rampSteps, "step"))"
    }

    /// Shows what happened to the cluster.
    func happened(_ happening: Happening) {
        switch happening {
        case .note(let note): self.note("\(note)")
        case .standing: break
        case .stepped(let contribution, _):
            let parts = contribution.shares.map(\.times).map {
                StepCost.Parts(broadcast: $0.broadcast, compute: $0.compute, send: $0.send, wait: $0.wait)
            }
            state.withLock {
                $0.cost.add(
                    seconds: contribution.seconds + contribution.optimizerSeconds,
                    optimizer: contribution.optimizerSeconds, workers: parts)
            }
            show(contribution)
        }
    }

    /// Shows a sentence above the bar.
    func note(_ sentence: String) {
        state.withLock { Console.output.write($0.display.message(sentence)) }
    }

    /// Leaves the bar where it stands.
    func finish() {
        state.withLock { state in
            Console.output.write(state.display.finish())
            if let sentence = state.cost.sentence { Console.output.line(sentence) }
        }
    }
}

extension StepTimeSplit {
    init(_ contribution: StepContribution) {
        self.init(
            workers: contribution.shares.map {
                Worker(
                    name: $0.name, slots: $0.slots, broadcast: $0.times.broadcast, compute: $0.times.compute,
                    send: $0.times.send, wait: $0.times.wait)
            }, reduce: contribution.reduceSeconds, optimizer: contribution.optimizerSeconds)
    }
}
