import Dispatch
import Foundation

/// SIGINT and SIGTERM, as something to do instead of an end.
enum Interruption {
    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []

    /// - Parameters:
    ///   - ignoringInterrupt: whether SIGINT is somebody else's to answer.
    ///   - action: called at each signal, on a queue of its own.
    static func handle(ignoringInterrupt: Bool = false, _ action: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "danlu.signals")
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            if number == SIGINT, ignoringInterrupt { continue }
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler(handler: action)
            source.resume()
            // Set once, before the process does anything else; kept so that they go on listening.
            sources.append(source)
        }
    }
}
