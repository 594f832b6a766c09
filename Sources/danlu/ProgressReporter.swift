import Coordination
import Foundation
import Logging
import Monitor
import Recipe
import Synchronization
import Training

/// Turns what happens in a run into what its user sees.
///
/// May be told from any thread.
final class ProgressReporter: Sendable {
    fileprivate struct State {
        var recorder: LossRecorder
        var lastStep: ContinuousClock.Instant
        var advice = NoiseAdvice()
        var effectiveBatch: Int?
        var cost = StepCost()
        /// Of the step that was applied; shown when it is known where its time went.
        var applied: StepResult?
        var throughput = Throughput()
        var interval = StepInterval()
        var progress = RunProgress()
    }

    /// Events that are remembered for whoever asks how the run stands.
    private static let remembered = 20

    private let output: RunOutput
    private let plan: TrainingPlan
    private let batch: Batch
    private let started = ContinuousClock.now
    private let state: Mutex<State>

    /// - Parameter memo: what ``memo(of:)`` gave in an earlier life of the run.
    init(_ output: RunOutput, plan: TrainingPlan, batch: Batch, memo: Data?) {
        self.output = output
        self.plan = plan
        self.batch = batch
        let recorder = memo.flatMap { try? JSONDecoder().decode(LossRecorder.self, from: $0) } ?? LossRecorder()
        state = Mutex(State(recorder: recorder, lastStep: .now))
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

    /// What the program knows of the run beyond what the cluster does.
    var progress: RunProgress { state.withLock { $0.progress } }

    /// Takes the last validation loss.
    func validated(_ loss: Double) { state.withLock { $0.progress.validationLoss = loss } }

    /// Takes a step that was applied; it is shown when ``happened(_:)`` tells of it.
    func report(_ result: StepResult) { state.withLock { $0.applied = result } }

    private func show(_ contribution: StepContribution) {
        let shown = state.withLock { state -> (StepReport, String?, [(String, String?)])? in
            guard let result = state.applied else { return nil }
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
            state.throughput.add(seconds: report.seconds, samples: report.samples)
            state.take(report)
            let sentences = [
                ("resized", change(of: &state, to: result)),
                ("noiseScale", state.advice.heed(noiseScale: result.noiseScale, batch: result.effectiveBatch)),
            ]
            let isDue = !output.isLive && (output.isJSON || state.interval.isDue(report, at: now - started))
            let line = isDue ? ProgressLine.plain(report, throughput: state.throughput) : nil
            return (report, line, sentences)
        }
        guard let (report, line, sentences) = shown else { return }
        if let line { output.logger.info("\(line)", metadata: report.metadata) }
        for case (let event, let sentence?) in sentences { note(sentence, event: event) }
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
        case .note(let note): self.note("\(note)", event: note.kind)
        case .standing(let status): if output.isLive { output.show(Standing(status)) }
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

    /// Says that something happened.
    ///
    /// - Parameter event: what kind of thing.
    func note(_ sentence: String, event: String) {
        state.withLock { state in
            let now = Date().timeIntervalSince1970
            state.progress.events.append(RunProgress.Event(time: now, sentence: String(sentence.prefix(500))))
            let surplus = state.progress.events.count - Self.remembered
            if surplus > 0 { state.progress.events.removeFirst(surplus) }
        }
        output.say(sentence, event: event)
    }

    /// Leaves the view where it stands, and says what the cluster cost.
    func finish() {
        output.finish()
        if let sentence = state.withLock({ $0.cost.sentence }) { output.say(sentence, event: "cost") }
    }
}

extension ProgressReporter.State {
    fileprivate mutating func take(_ report: StepReport) {
        progress.averageLoss = report.averageLoss
        progress.learningRates = report.learningRates
        progress.gradientNorm = report.gradientNorm
        progress.noiseScale = report.noiseScale
        progress.effectiveBatch = report.effectiveBatch
        progress.secondsPerStep = throughput.secondsPerStep
        progress.samplesPerSecond = throughput.samplesPerSecond
        progress.reduceSeconds = report.times?.reduce
        progress.optimizerSeconds = report.times?.optimizer
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
