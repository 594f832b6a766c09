package import Wire

/// What people may like to know while it happens, in a sentence each.
package enum Note: Equatable, Sendable, CustomStringConvertible {
    case joined(WorkerID, name: String, exactnessClass: String)
    case ready(WorkerID, name: String)
    case refused(name: String, Refusal)
    /// Something about keys and those who were turned away.
    case atTheGate(String)
    case suspect(WorkerID, silentFor: Duration)
    case left(WorkerID, name: String, reason: String)
    case late(WorkerID, slots: Int)
    case reassigned(slots: Int, of: WorkerID)
    /// Slots of a worker that leaves as it may.
    case passedOn(slots: Int, of: WorkerID)
    case notFinite(WorkerID, SlotOutcome)
    case leftOut(SlotOutcome)
    case damagedWeights(WorkerID)
    case otherWeights(WorkerID)
    case damagedSum(WorkerID, slots: Range<Int>)
    case sumNotFinite(WorkerID, slots: Range<Int>)
    case absurd(WorkerID, slots: Range<Int>, norm: Double, usual: Double)
    case waiting(reason: String)
    case way(String)
    case fellBack(step: Int, reason: String)
    case adopted(step: Int, shardOf: WorkerID)
    case repeated(step: Int, reason: String)
    case rolledBack(to: Int, reason: String)
    /// The world is another than at the step before, and the batch grows with it.
    case resized(step: Int, workers: Int, slotsPerWorker: Int)
    case pausing(step: Int, reason: String)
    case paused(step: Int, reason: String)
    case resumed(step: Int)
    case saved(step: Int)
    case notSaved(reason: String)
    case picture(step: Int, number: Int, by: String)
    /// A picture, or all of a step's, will not be made.
    case noPicture(step: Int, number: Int? = nil, reason: String)
    /// The validation loss of the weights after so many steps.
    case validated(step: Int, loss: Double, by: String)
    case notValidated(step: Int, reason: String)
    case nobody(called: String)
    case quarantined(name: String, for: Duration, reason: String)
    case admitted(name: String)

    package var description: String {
        switch self {
        case .joined(let id, let name, _): "\(id) (\(name)) joined"
        case .ready(let id, let name): "\(id) (\(name)) is ready"
        case .refused(let name, let refusal): "refused \(name): \(refusal)"
        case .atTheGate(let sentence): sentence
        case .suspect(let id, let silence): "\(id) has been silent for \(Int(silence.inSeconds)) s"
        case .left(let id, let name, let reason): "\(id) (\(name)) is gone: \(reason)"
        case .late(let id, let slots):
            "\(id) is late with \(Note.phrase(slots)); whoever is idle computes \(slots == 1 ? "it" : "them") too"
        case .reassigned(let slots, let id):
            "\(Note.phrase(slots)) of \(id) \(slots == 1 ? "is" : "are") computed elsewhere"
        case .passedOn(let slots, let id):
            "\(Note.phrase(slots)) of \(id), which leaves, \(slots == 1 ? "is" : "are") computed elsewhere"
        case .notFinite(let id, let outcome):
            "slot \(outcome.slot) (\(outcome.sampleNames.joined(separator: ", "))) is not finite in "
                + "\(outcome.notFinite ?? "its sum") at \(id)"
        case .leftOut(let outcome):
            "the step goes on without slot \(outcome.slot) (\(outcome.sampleNames.joined(separator: ", "))), "
                + "which was not finite wherever it was computed"
        case .damagedWeights(let id): "the weights arrived damaged at \(id) and are sent again"
        case .otherWeights(let id):
            "\(id) has computed with weights that changed in its memory; its sum is refused, and they are sent again"
        case .damagedSum(let id, let slots):
            "\(Note.phrase(slots)) of \(id) arrived damaged; somebody else is asked"
        case .sumNotFinite(let id, let slots):
            "a sum of \(id) over \(Note.phrase(slots.count)) is not finite; somebody else is asked"
        case .absurd(let id, let slots, let norm, let usual):
            "\(id) says that the gradient of \(Note.phrase(slots)) is \(Note.brief(norm)) long, where "
                + "\(Note.brief(usual)) is to be expected; somebody else is asked"
        case .waiting(let reason): reason
        case .way(let sentence): sentence
        case .adopted(let step, let id):
            "\(id) is gone, and the coordinator adds up its shard of step \(step) in its place"
        case .fellBack(let step, let reason): "step \(step) goes by way of the coordinator: \(reason)"
        case .repeated(let step, let reason): "step \(step) is done again: \(reason)"
        case .rolledBack(let step, let reason): "back to step \(step): \(reason)"
        case .resized(let step, let workers, let each):
            "from step \(step) a step has \(workers * each) slots, \(each) for each of \(workers) "
                + "worker\(workers == 1 ? "" : "s")"
        case .pausing(let step, let reason): "pausing after step \(step): \(reason)"
        case .paused(let step, let reason): "paused before step \(step): \(reason)"
        case .resumed(let step): "going on with step \(step)"
        case .saved(let step): "saved the state before step \(step)"
        case .notSaved(let reason): "the state could not be saved: \(reason)"
        case .picture(let step, let number, let name): "picture \(number) of step \(step) was made by \(name)"
        case .noPicture(let step, let number, let reason):
            (number.map { "no picture \($0)" } ?? "no pictures") + " of step \(step): \(reason)"
        case .validated(let step, let loss, let name):
            "validation loss after step \(step): \((loss * 1e5).rounded() / 1e5), measured by \(name)"
        case .notValidated(let step, let reason): "no validation loss of step \(step): \(reason)"
        case .nobody(let name): "no worker is called \(name)"
        case .quarantined(let name, let length, let reason):
            "\(name) is kept out for \(Int(length.inSeconds)) s: \(reason)"
        case .admitted(let name): "\(name) may come back"
        }
    }

    /// Reasons of a worker that leaves as it may.
    enum Parting: String, CaseIterable {
        case byItself = "it left"
        case toJoinAnew = "it joins anew"
        case asAsked = "it was asked to leave"
        case withoutKey = "its key was revoked"
    }

    /// Whether a worker has left because somebody wanted it to: its own user, or the run's.
    package var isParting: Bool {
        guard case .left(_, _, let reason) = self else { return false }
        return switch Parting(rawValue: reason) {
        case .byItself, .asAsked, .withoutKey: true
        // Nobody asked it to: it was started again, or lost its connection.
        case .toJoinAnew, nil: false
        }
    }

    /// Whom the run has lost although nobody asked for it: the worker's name.
    package var lostWorker: String? {
        guard case .left(_, let name, let reason) = self, Parting(rawValue: reason) == nil else { return nil }
        return name
    }

    private static func phrase(_ slots: Int) -> String { slots == 1 ? "1 slot" : "\(slots) slots" }

    private static func phrase(_ slots: Range<Int>) -> String {
        slots.count == 1 ? "slot \(slots.lowerBound)" : "slots \(slots.lowerBound) to \(slots.upperBound - 1)"
    }

    /// Two digits are enough of a number that is a hundred times too large.
    private static func brief(_ number: Double) -> String {
        guard number.isFinite, number > 0 else { return "\(number)" }
        var exponent = 0
        var digits = number
        while digits >= 10 {
            digits /= 10
            exponent += 1
        }
        while digits < 1 {
            digits *= 10
            exponent -= 1
        }
        return "\((digits * 10).rounded() / 10)e\(exponent)"
    }
}
