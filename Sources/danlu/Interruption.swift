import Dispatch
import Foundation

/// Signals, as something to do.
enum Interruption {
    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []

    /// SIGINT, SIGTERM and SIGHUP (the terminal is gone), instead of an end; what nohup has had ignored stays so.
    ///
    /// - Parameters:
    ///   - ignoringInterrupt: whether what a terminal sends to all of its programs is somebody else's to answer.
    ///   - action: called at each signal, on a queue of its own.
    static func handle(ignoringInterrupt: Bool = false, _ action: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "danlu.signals")
        for number in [SIGINT, SIGTERM, SIGHUP] {
            if number == SIGHUP, isIgnored(number) { continue }
            signal(number, SIG_IGN)
            if number != SIGTERM, ignoringInterrupt { continue }
            listen(to: number, on: queue, action)
        }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var current = sigaction()
        sigaction(number, nil, &current)
        return unsafeBitCast(current.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// SIGCONT: the process was stopped, and goes on.
    static func whenContinued(_ action: @escaping @Sendable () -> Void) {
        listen(to: SIGCONT, on: DispatchQueue(label: "danlu.continued"), action)
    }

    private static func listen(to number: Int32, on queue: DispatchQueue, _ action: @escaping @Sendable () -> Void) {
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler(handler: action)
        source.resume()
        // Set before the process does anything else; kept so that they go on listening.
        sources.append(source)
    }
}
