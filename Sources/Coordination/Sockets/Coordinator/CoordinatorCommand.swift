/// Something asked of a coordinator while it runs, from any thread.
package enum CoordinatorCommand: Sendable {
    /// Finish the step, save, say goodbye. Asked twice: do not finish the step.
    case stop(reason: String)
    /// Let the workers of this name or number go after this step.
    case drain(String)
    /// Hold still after this step, until told to go on.
    case pause(reason: String)
    case resume
    /// Write down the state after this step.
    case save
    /// Let the workers of this name back in at once.
    case admit(String)

    /// What it is to the decisions.
    var event: CoordinatorEvent {
        switch self {
        case .stop(let reason): .stop(reason: reason)
        case .drain(let name): .drain(name)
        case .pause(let reason): .pause(reason: reason)
        case .resume: .resume
        case .save: .save
        case .admit(let name): .admit(name)
        }
    }
}
