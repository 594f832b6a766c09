import Coordination
import Foundation
import Journal

/// `coordinator.json` in a run's directory: where the coordinator that trains there can be asked.
///
/// Written when it listens, removed when it ends; one that was killed leaves it behind.
struct RunningCoordinator: Codable, Equatable {
    static let file = "coordinator.json"

    /// tcp://HOST:PORT, as seen from its own box.
    var address: String
    var process: Int32
    var host: String
    var incarnation: UInt64
    /// Its folder of keys; nil where it asks for none.
    var keys: String?

    /// - Parameter address: where it listens; every interface of the box is reached at the loopback too.
    init(_ address: Address, incarnation: UInt64, keys: KeysFolder? = nil) {
        let isEverywhere = ["*", "0.0.0.0", "[::]"].contains(address.host)
        self.address = "\(isEverywhere ? Address(host: "127.0.0.1", port: address.port) : address)"
        self.keys = keys.map { URL(filePath: $0.path).path }
        process = getpid()
        host = ProcessInfo.processInfo.hostName
        self.incarnation = incarnation
    }

    var text: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    /// The coordinator of the run in `folder`.
    ///
    /// - Throws: a sentence when none runs there, with how far the run is.
    static func find(in folder: String) throws -> RunningCoordinator {
        let directory = URL(filePath: folder, directoryHint: .isDirectory)
        let path = directory.appending(path: file)
        guard let data = try? Data(contentsOf: path) else {
            throw Failure("no coordinator runs in \(directory.path): \(past(of: directory))")
        }
        guard let found = try? JSONDecoder().decode(RunningCoordinator.self, from: data) else {
            throw Failure("\(path.path) cannot be read: say the coordinator's address, tcp://HOST:PORT, instead")
        }
        guard found.host != ProcessInfo.processInfo.hostName || kill(found.process, 0) == 0 || errno == EPERM else {
            throw Failure(
                "the coordinator of \(directory.path) (process \(found.process)) was killed: \(past(of: directory))")
        }
        return found
    }

    /// How far a run is that nobody coordinates.
    private static func past(of directory: URL) -> String {
        guard let pulse = try? JournalReader(run: directory).pulse() else {
            return "name a run's output_dir, or its coordinator's address, tcp://HOST:PORT"
        }
        let steps = "\((pulse.lastStep ?? -1) + 1) of \(pulse.totalSteps) steps are done"
        return pulse.life?.outcome == "complete"
            ? "\(steps), and the run is complete"
            : "\(steps), and the command that started it goes on from its last state"
    }
}
