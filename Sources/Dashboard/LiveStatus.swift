/// What a coordinator that runs says of its run; more than the journal knows.
package struct LiveStatus: Codable, Equatable, Sendable {
    package struct Worker: Codable, Equatable, Sendable {
        package var name: String
        /// What it is doing, in a word or two.
        package var activity: String
        /// Seconds since anything was heard of it.
        package var lastSeen: Double
        package var isSuspect: Bool
        /// Leaves after this step.
        package var isLeaving: Bool

        package init(name: String, activity: String, lastSeen: Double, isSuspect: Bool, isLeaving: Bool) {
            self.name = name
            self.activity = activity
            self.lastSeen = lastSeen
            self.isSuspect = isSuspect
            self.isLeaving = isLeaving
        }
    }

    /// What the run is doing, in one word, for example `computing`.
    package var state: String
    /// The same in a sentence, with those whom it waits for.
    package var sentence: String
    package var workers: [Worker]

    package init(state: String, sentence: String, workers: [Worker]) {
        self.state = state
        self.sentence = sentence
        self.workers = workers
    }
}
