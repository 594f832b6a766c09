/// Where the time of one step went, in seconds.
package struct StepTimeSplit: Codable, Equatable, Sendable {
    /// One worker's part; its four times add up to the step from its first lease to its complete sum.
    package struct Worker: Codable, Equatable, Sendable {
        package var name: String
        /// Slots whose sums were taken.
        package var slots: Int
        /// Until it held the weights.
        package var broadcast: Double
        package var compute: Double
        /// Until the last of its sums was in, beyond what passed while it computed.
        package var send: Double
        /// For the other workers.
        package var wait: Double

        package init(name: String, slots: Int, broadcast: Double, compute: Double, send: Double, wait: Double) {
            self.name = name
            self.slots = slots
            self.broadcast = broadcast
            self.compute = compute
            self.send = send
            self.wait = wait
        }
    }

    /// Those who computed, in the order in which they joined.
    package var workers: [Worker]
    /// The coordinator's adding up, most of it while sums were still coming in.
    package var reduce: Double
    /// From the complete sum to weights that are ready to be sent.
    package var optimizer: Double

    package init(workers: [Worker], reduce: Double, optimizer: Double) {
        self.workers = workers
        self.reduce = reduce
        self.optimizer = optimizer
    }
}
