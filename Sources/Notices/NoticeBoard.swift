import Foundation
import Synchronization

/// Where notices are put, and couriers fetch them: putting one there never waits.
package final class NoticeBoard: Sendable {
    /// Notices that may wait for one courier; of more, the newest are dropped.
    private static let room = 64

    private let lines: [AsyncStream<Notice>.Continuation]
    private let deliveries: [Task<Void, Never>]
    private let finished = DispatchSemaphore(value: 0)

    /// - Parameter complain: told in a sentence what could not be delivered, on any thread.
    package init(_ couriers: [any Courier], complain: @escaping @Sendable (String) -> Void) {
        var lines: [AsyncStream<Notice>.Continuation] = []
        var deliveries: [Task<Void, Never>] = []
        for courier in couriers {
            let (stream, line) = AsyncStream.makeStream(of: Notice.self, bufferingPolicy: .bufferingOldest(Self.room))
            let finished = finished
            let task = Task {
                for await notice in stream {
                    do {
                        try await courier.deliver(notice)
                    } catch {
                        complain("\(courier.name) did not take the notice '\(notice.event.rawValue)': \(error)")
                    }
                }
                finished.signal()
            }
            lines.append(line)
            deliveries.append(task)
        }
        self.lines = lines
        self.deliveries = deliveries
    }

    /// Puts a notice up.
    package func post(_ notice: Notice) { for line in lines { line.yield(notice) } }

    /// Takes no more, and waits until those that wait are delivered, but not for long.
    ///
    /// - Returns: whether all of them were.
    @discardableResult
    package func close(within patience: Duration = .seconds(40)) -> Bool {
        for line in lines { line.finish() }
        let deadline = DispatchTime.now() + patience / .seconds(1)
        let isDone = lines.allSatisfy { _ in finished.wait(timeout: deadline) == .success }
        if !isDone { for delivery in deliveries { delivery.cancel() } }
        return isDone
    }
}
