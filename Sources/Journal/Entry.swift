import Foundation

/// Something to be written down.
package enum Entry: Equatable, Sendable {
    /// A step was applied; a row that an earlier life of the coordinator wrote of it is replaced.
    case step(StepEntry)
    /// The validation loss was measured; an earlier row of the same step is replaced.
    case validation(ValidationEntry)
    /// Something else that a step's time went to, at the coordinator, known only when the step is over.
    case span(step: Int, name: String, seconds: Double)
    /// A worker was welcomed.
    case joined(worker: String, number: Int, exactnessClass: String)
    /// It has made its learner.
    case ready(worker: String)
    case left(worker: String, reason: String)
    /// A file of the run is on disk.
    case saved(step: Int, path: String)
    /// The weights are those before `step` again.
    case rolledBack(step: Int)
    /// Anything else that people may like to know.
    ///
    /// - Parameter kind: one word, by which events are counted and filtered.
    case event(kind: String, sentence: String, worker: String? = nil)

    /// Whether the run's accounts are wrong without it.
    ///
    /// The others are dropped, and counted, when they come faster than the disk takes them.
    var isAccount: Bool {
        switch self {
        case .step, .validation, .saved, .rolledBack: true
        case .span, .joined, .ready, .left, .event: false
        }
    }
}

/// An entry with the time at which it happened, for display only.
struct Dated: Sendable {
    let entry: Entry
    let time: Date
}
