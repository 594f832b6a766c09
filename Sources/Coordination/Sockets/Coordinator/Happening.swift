/// What happens in a run, for whoever watches.
package enum Happening: Sendable {
    case note(Note)
    /// A step was given to the optimizer.
    case stepped(StepContribution, StepVerdict)
    /// How the run stands, every ``CoordinatorService/Configuration/watchInterval``.
    case standing(RunStatus)
}
