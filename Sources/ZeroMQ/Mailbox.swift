import CZeroMQ
import Glibc
import Synchronization

/// A queue between two threads, with a bell (an `eventfd`) that ``poll(_:timeout:)`` hears.
package final class Mailbox<Element: Sendable>: Sendable {
    let descriptor: CInt
    private let letters = Mutex<[Element]>([])

    package init() throws(ZeroMQError) {
        descriptor = eventfd(0, CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC))
        guard descriptor >= 0 else { throw .failed("eventfd", code: errno) }
    }

    deinit {
        close(descriptor)
    }

    /// Adds a letter and rings.
    ///
    /// Any thread.
    package func put(_ letter: Element) {
        letters.withLock { $0.append(letter) }
        eventfd_write(descriptor, 1)
    }

    /// Takes all letters; never waits.
    ///
    /// Any thread.
    package func takeAll() -> [Element] {
        var rings: eventfd_t = 0
        eventfd_read(descriptor, &rings)
        return letters.withLock { letters in
            defer { letters = [] }
            return letters
        }
    }

    /// Waits for letters, for at most `timeout`, and takes them.
    package func wait(timeout: Duration) throws(ZeroMQError) -> [Element] {
        _ = try poll([Interest(self)], timeout: timeout)
        return takeAll()
    }
}
