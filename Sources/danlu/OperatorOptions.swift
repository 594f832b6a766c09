import ArgumentParser
import Coordination
import Foundation
import Wire

/// How a running coordinator is found and asked.
struct OperatorOptions: ParsableArguments {
    @Argument(
        help: "The coordinator's address, tcp://HOST:PORT, or the run's folder on its box; this folder unless said.")
    var run = "."

    @Option(help: "An operator's key file; found where the run's folder is named.")
    var key: String?

    @Option(help: "How many seconds to wait until it is done.")
    var wait = 600

    func validate() throws {
        guard (1...1_000_000).contains(wait) else { throw ValidationError("--wait = \(wait) must lie in 1...1000000") }
    }

    /// Asks, and says what was done.
    ///
    /// - Throws: a sentence that says why not.
    func perform(_ operation: RunOperation) throws {
        let reply = try ask(operation)
        guard reply.isDone else { throw Failure(reply.sentence) }
        Console.output.line(reply.sentence)
    }

    func ask(_ operation: RunOperation) throws -> OperationReply {
        let found = run.hasPrefix("tcp://") ? nil : try RunningCoordinator.find(in: run)
        let key = try (key ?? found?.keys.map { KeysFolder($0).key("operator") }).map { try KeyFile.client($0) }
        return try OperatorLine(to: Address(found?.address ?? run), key: key).ask(operation, limit: .seconds(wait)) {
            Console.error.line($0)
        }
    }
}
