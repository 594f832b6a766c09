import Foundation
import Synchronization
package import Wire
package import ZeroMQ

/// A worker at its sockets: a thread that talks, and the calling thread, which learns.
///
/// So pings are answered while the learner computes, and a sum is sent while the next slot is computed.
package final class WorkerService: Sendable {
    package struct Configuration: Sendable {
        /// The coordinator's.
        package var address: Address
        package var application: Application
        /// This worker's key; nil where the coordinator asks for none.
        package var key: KeyFile?
        package var patience = Patience()
        /// Where other workers may connect; port 0 lets the system choose, nil is nowhere.
        package var dataEndpoint: Address?
        /// Asked once a second, on the thread that talks.
        package var memory: @Sendable () -> Status.Memory? = { ResidentMemory.read() }

        package init(address: Address, application: Application) {
            self.address = address
            self.application = application
        }
    }

    /// Something asked of a worker while it runs, from any thread.
    package enum Command: Sendable {
        /// Finish the slot in hand, give back the others, and return.
        case leave
        /// Give up what is being computed, tell the coordinator, and return.
        case stop
    }

    /// Commands may be put in here from any thread.
    package let commands: Mailbox<Command>
    /// Whether this worker's part is over; the learner may still be busy with what nobody wants.
    package var isOver: Bool { over.load(ordering: .relaxed) }
    private let over = Atomic<Bool>(false)
    private let configuration: Configuration
    private let observe: @Sendable (String) -> Void

    /// - Parameter observe: called with a sentence now and then, on the thread that talks.
    package init(_ configuration: Configuration, observe: @escaping @Sendable (String) -> Void = { _ in }) throws {
        self.configuration = configuration
        self.observe = observe
        commands = try Mailbox()
    }

    /// Joins the run, computes what it is asked to, and comes back when the run or this worker's part in it is over.
    ///
    /// The coordinator may vanish and come back in between. Blocks: call it on the thread that shall learn.
    ///
    /// - Parameter makeLearner: called after the welcome, since the recipe comes with it, and with a way to get what the
    ///   recipe is made of; again only if another recipe comes.
    /// - Throws: what `makeLearner` or the learner throws; the coordinator has been told.
    package func run(makeLearner: @escaping (Welcome, ContentLine) throws -> any Learner) throws -> Worker.End {
        let bench = try Workbench()
        let answer = try Mailbox<Result<Worker.End, any Error>>()
        let (configuration, commands, observe) = (configuration, commands, observe)
        let thread = Thread { [self] in
            defer { over.store(true, ordering: .relaxed) }
            answer.put(
                Result {
                    defer { bench.jobs.put(.quit) }
                    return try WorkerLink(configuration, bench: bench, commands: commands, observe: observe).run()
                })
        }
        thread.name = "worker link"
        thread.start()

        var apprenticeship = Apprenticeship(bench, makeLearner: makeLearner)
        let failure = try apprenticeship.run()
        while true {
            if let result = try answer.wait(timeout: .seconds(60)).first {
                if let failure { throw failure }
                return try result.get()
            }
        }
    }
}
