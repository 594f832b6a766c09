/// What a cluster costs its steps: a mean over steps and workers of where the time went.
package struct StepCost: Equatable, Sendable {
    /// Seconds of one worker in one step.
    package struct Parts: Equatable, Sendable {
        /// Until it held the weights.
        package var broadcast: Double
        package var compute: Double
        /// Until its last sum had arrived, beyond what passed while it computed.
        package var send: Double
        /// For the other workers.
        package var wait: Double

        package init(broadcast: Double, compute: Double, send: Double, wait: Double) {
            self.broadcast = broadcast
            self.compute = compute
            self.send = send
            self.wait = wait
        }
    }

    private var steps = 0
    private var seconds = 0.0
    private var overhead = 0.0
    private var optimizer = 0.0
    private var mean = Parts(broadcast: 0, compute: 0, send: 0, wait: 0)

    package init() {}

    /// Takes in a step.
    ///
    /// - Parameters:
    ///   - seconds: of the whole step, the optimizer's included.
    ///   - optimizer: adding up what was left, the optimizer, and saving.
    ///   - workers: one for each that computed.
    package mutating func add(seconds: Double, optimizer: Double, workers: [Parts]) {
        guard !workers.isEmpty else { return }
        steps += 1
        self.seconds += seconds
        self.optimizer += optimizer
        overhead += seconds - (workers.map(\.compute).max() ?? 0)
        let share = 1 / Double(workers.count)
        for parts in workers {
            mean.broadcast += parts.broadcast * share
            mean.compute += parts.compute * share
            mean.send += parts.send * share
            mean.wait += parts.wait * share
        }
    }

    /// Of the step, without computing; nil before the first step.
    package var share: Double? { steps > 0 && seconds > 0 ? overhead / seconds : nil }

    /// A sentence for the user; nil before the first step.
    package var sentence: String? {
        guard let share else { return nil }
        func each(_ sum: Double) -> String { Figures.significant(sum / Double(steps)) + " s" }
        return "The cluster cost \(each(overhead)) of a step's \(each(seconds)) "
            + "(\(Figures.significant(100 * share)) %); of a worker's time \(each(mean.compute)) went into "
            + "computing, \(each(mean.broadcast)) into getting weights, \(each(mean.send)) into sending sums, "
            + "\(each(mean.wait)) into waiting for others, \(each(optimizer)) into the optimizer."
    }
}
