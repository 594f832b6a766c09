import ArgumentParser
import Coordination
import Foundation
import Wire

/// A worker's side.
struct WorkOnExchange: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work", abstract: "Send gradients that cost nothing to compute.")

    @Argument(help: "The coordinator's address, tcp://HOST:PORT.")
    var coordinator: String

    @Option(help: "What to call this worker.")
    var name = "worker-\(ProcessInfo.processInfo.processIdentifier)"

    @Option(help: "Where other workers may connect, tcp://HOST:PORT; port 0 lets the system choose.")
    var data: String?

    @Option(help: "The key file of this worker, where the coordinator asks for one.")
    var key: String?

    @Option(help: "Seconds that a slot takes to compute, by the clock: the learner sleeps.")
    var seconds = 0.0

    func run() throws {
        let application = Application(
            name: name, instance: .random(in: .min ... .max), software: "benchmark", libtorch: "none",
            exactnessClass: "benchmark", cores: 1, memoryBytes: 1)
        var configuration = try WorkerService.Configuration(address: Address(coordinator), application: application)
        configuration.dataEndpoint = try data.map { try Address($0) }
        configuration.key = try key.map { try KeyFile.client($0) }
        let service = try WorkerService(configuration) { FileHandle.standardError.write(Data("\($0)\n".utf8)) }
        let end = try service.run { [seconds] welcome, _ in
            BenchmarkLearner(parameterCount: welcome.parameterCount, secondsPerSlot: seconds)
        }
        guard case .dismissed(finished: true, _) = end else {
            throw ValidationError("the exchange ended early: \(end)")
        }
    }
}
