import ArgumentParser

/// What moving gradients and weights costs, without anything that learns: what `Cluster/bench/exchange` runs.
@main
struct ExchangeBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exchange-benchmark", abstract: "Move gradients and weights of a given size, and time it.",
        subcommands: [CoordinateExchange.self, WorkOnExchange.self])
}
