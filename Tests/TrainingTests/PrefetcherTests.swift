import Foundation
import Synchronization
import Testing

@testable import Training

@Suite struct `What is prepared ahead` {
    /// Says what was made, as it happens.
    private final class Diary: Sendable {
        private let made = Mutex<[Int]>([])
        private let happened = DispatchSemaphore(value: 0)

        func note(_ key: Int) {
            made.withLock { $0.append(key) }
            happened.signal()
        }

        /// All that was made when so many more things have been.
        func wait(for count: Int) throws -> [Int] {
            for _ in 0..<count { try #require(happened.wait(timeout: .now() + 10) == .success) }
            return made.withLock { $0 }
        }
    }

    struct Broken: Error {}

    @Test func `is made on another thread while what came before is worked on`() throws {
        let diary = Diary()
        let prefetcher = Prefetcher<Int, Int>(limit: 100, cost: { _ in 10 }) { key in
            diary.note(key)
            return key * key
        }
        prefetcher.expect([1, 2, 3])
        // This thread asks for nothing, as one that computes, and all of it comes about.
        #expect(try diary.wait(for: 3) == [1, 2, 3])
        #expect(try (1...3).map { try prefetcher.take($0) } == [1, 4, 9])
        #expect(try prefetcher.take(1) == nil && prefetcher.bytes == 0)
    }

    @Test func `is waited for where it is in the making`() throws {
        let (begun, go) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let prefetcher = Prefetcher<Int, Int>(limit: 100, cost: { _ in 10 }) { key in
            begun.signal()
            go.wait()
            return key
        }
        prefetcher.expect([7])
        begun.wait()
        Thread.detachNewThread { go.signal() }
        #expect(try prefetcher.take(7) == 7)
    }

    @Test func `takes no more memory than it may, and goes on when there is room`() throws {
        let diary = Diary()
        let prefetcher = Prefetcher<Int, Int>(limit: 25, cost: { $0 == 9 ? 26 : 10 }) { key in
            diary.note(key)
            return key
        }
        prefetcher.expect([9, 1, 2, 3, 4])
        #expect(try diary.wait(for: 2) == [1, 2])
        #expect(try prefetcher.take(2) == 2)
        #expect(try diary.wait(for: 1) == [1, 2, 3])
        #expect(try prefetcher.take(3) == 3)
        #expect(try diary.wait(for: 1) == [1, 2, 3, 4])
        #expect(try prefetcher.take(9) == nil)
        #expect(try prefetcher.take(4) == 4)
        #expect(prefetcher.bytes == 10)
    }

    @Test func `is let go of when it is expected no more`() throws {
        let diary = Diary()
        let prefetcher = Prefetcher<Int, Int>(limit: 10, cost: { _ in 10 }) { key in
            diary.note(key)
            return key
        }
        prefetcher.expect([1, 2])
        #expect(try diary.wait(for: 1) == [1])
        prefetcher.expect([5])
        #expect(try diary.wait(for: 1) == [1, 5])
        #expect(try prefetcher.take(1) == nil)
        #expect(try prefetcher.take(5) == 5)
    }

    @Test func `fails where it is asked for, and nowhere else`() throws {
        let diary = Diary()
        let prefetcher = Prefetcher<Int, Int>(limit: 100, cost: { _ in 10 }) { key in
            defer { diary.note(key) }
            if key == 1 { throw Broken() }
            return key
        }
        prefetcher.expect([1, 2])
        _ = try diary.wait(for: 2)
        #expect(try prefetcher.take(2) == 2)
        #expect(throws: Broken.self) { try prefetcher.take(1) }
    }
}
