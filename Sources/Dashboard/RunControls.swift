/// A way to the coordinator of a run, for whoever may steer it.
package struct RunControls: Sendable {
    /// What can be asked for.
    package enum Operation: Equatable, Sendable {
        case pause
        case resume
        case save
        case drain(worker: String)
    }

    /// What came of it, in one sentence.
    package struct Outcome: Codable, Equatable, Sendable {
        package var isDone: Bool
        package var sentence: String

        package init(isDone: Bool, sentence: String) {
            self.isDone = isDone
            self.sentence = sentence
        }
    }

    /// How the run stands; nil while no coordinator answers.
    ///
    /// Waits for the answer: a few seconds at most.
    let status: @Sendable () -> LiveStatus?
    /// Waits until it is done or refused: seconds or minutes.
    let perform: @Sendable (Operation) -> Outcome

    package init(
        status: @escaping @Sendable () -> LiveStatus?, perform: @escaping @Sendable (Operation) -> Outcome
    ) {
        self.status = status
        self.perform = perform
    }
}
