/// What people may ask of a run while it goes on.
package enum RunOperation: Codable, Equatable, Sendable {
    /// "How do you stand?"
    case status
    /// "Hold still after this step, until told to go on."
    case pause
    case resume
    /// "Write down the state after this step."
    case save
    /// "Let the workers of this name or number go after this step."
    case drain(worker: String)
    /// "Let the workers of this name back in at once."
    case admit(worker: String)
    /// "Finish the step, save, and end." Asked twice: do not finish the step.
    case stop
}

/// An ``RunOperation`` with a number by which its answers are known.
package struct OperationRequest: Codable, Equatable, Sendable {
    /// The longest that a request may be, in bytes.
    package static let limit = 4096

    /// The asker's own, at random.
    package var number: UInt64
    package var operation: RunOperation

    package init(number: UInt64, operation: RunOperation) {
        self.number = number
        self.operation = operation
    }
}
