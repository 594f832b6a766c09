import Coordination
import Export
import Foundation
import Journal
import Recipe
import Training
import Wire

/// Turns what happens in a run into entries of its journal.
///
/// May be told from any thread.
final class RunJournal: Sendable {
    let writer: JournalWriter
    private let plan: TrainingPlan
    private let recipe: Recipe
    private let board: TensorBoardLog?

    /// - Parameter board: follows what is written here.
    init(_ writer: JournalWriter, plan: TrainingPlan, recipe: Recipe, board: TensorBoardLog?) {
        self.writer = writer
        self.plan = plan
        self.recipe = recipe
        self.board = board
        board?.follow()
    }

    /// Takes a step that was applied, before any state that holds it is written.
    ///
    /// - Parameters:
    ///   - averageLoss: kohya's, this step's losses included.
    ///   - weights: the checksum of those that the step led to.
    func took(_ result: StepResult, _ contribution: StepContribution, averageLoss: Double, weights: UInt64) {
        let names = Dictionary(contribution.shares.map { ($0.worker, $0.name) }, uniquingKeysWith: { $1 })
        let first = result.firstSlot % plan.slotsPerEpoch
        func entry(_ outcome: SlotOutcome, by worker: String?) -> SlotEntry {
            SlotEntry(
                slot: first + outcome.slot, worker: worker, loss: outcome.loss / Double(max(1, outcome.samples)),
                samples: outcome.sampleNames, notFinite: worker == nil ? outcome.notFinite ?? "its sum" : nil)
        }
        let committed = zip(contribution.outcomes, contribution.contributors).map { outcome, worker in
            entry(outcome, by: names[worker] ?? "\(worker)")
        }
        let leftOut = contribution.leftOut.map { entry($0, by: nil) }
        var step = StepEntry(
            step: result.step, epoch: result.epoch, loss: result.loss, averageLoss: averageLoss, rates: result.rates,
            gradientNorm: result.gradientNorm, noiseScale: result.noiseScale, samples: result.samples,
            seconds: contribution.seconds, weights: weights,
            slots: (committed + leftOut).sorted { $0.slot < $1.slot },
            shares: contribution.shares.map {
                ShareEntry(
                    worker: $0.name, slots: $0.slots, samples: $0.samples, seconds: $0.seconds,
                    split: ["broadcast": $0.times.broadcast, "send": $0.times.send, "wait": $0.times.wait])
            })
        step.effectiveBatch = result.effectiveBatch
        step.bands = result.bands(contribution, plan: plan, recipe: recipe)
        writer.write(.step(step))
        board?.follow()
    }

    /// Takes the validation loss of a step that was applied.
    func validated(_ entry: ValidationEntry) {
        writer.write(.validation(entry))
        board?.follow()
    }

    /// Writes down how this life of the coordinator ended; the states are safe whatever becomes of it.
    ///
    /// - Parameter say: told what it could not be.
    func close(outcome: String, say: (String) -> Void) {
        // What cannot be flushed is said when it is closed.
        try? writer.flush()
        board?.finish()
        do {
            try writer.close(outcome: outcome)
        } catch {
            say("note: the journal lacks the last events: \(error)")
        }
    }

    /// Takes what happened to the cluster.
    func happened(_ happening: Happening) {
        if case .stepped(let contribution, .committed) = happening {
            writer.write(.span(step: contribution.step, name: "reduce", seconds: contribution.reduceSeconds))
            writer.write(.span(step: contribution.step, name: "optimizer", seconds: contribution.optimizerSeconds))
        }
        guard case .note(let note) = happening else { return }
        switch note {
        case .joined(let id, let name, let exactnessClass):
            writer.write(.joined(worker: name, number: Int(id.number), exactnessClass: exactnessClass))
        case .ready(_, let name): writer.write(.ready(worker: name))
        case .left(_, let name, let reason): writer.write(.left(worker: name, reason: reason))
        case .rolledBack(let step, _): writer.write(.rolledBack(step: step))
        default: break
        }
        writer.write(.event(kind: note.kind, sentence: "\(note)"))
    }
}

extension Note {
    /// The case's own name, for example `leftOut`; `parted` of a worker that was let go, which is no fault as `left` is.
    var kind: String { isParting ? "parted" : Mirror(reflecting: self).children.first?.label ?? "note" }
}
