import Foundation

/// Makes things before they are asked for, on a thread of its own, and holds them within a bound of memory.
///
/// What comes of a key must depend on the key alone: then it makes no difference who makes it, or when.
final class Prefetcher<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let bench: Bench

    /// - Parameters:
    ///   - limit: bytes held at a time, of things in the making too.
    ///   - cost: bytes that a key's thing will take, known before it is made.
    ///   - make: called on the thread of the prefetcher.
    init(
        limit: Int, cost: @escaping @Sendable (Key) -> Int, make: @escaping @Sendable (Key) throws -> Value
    ) {
        bench = Bench(limit: limit, cost: cost)
        let thread = Thread { [bench] in
            while let key = bench.begin() { bench.finish(key, Result { try make(key) }) }
        }
        thread.name = "prefetch"
        thread.start()
    }

    deinit { bench.end() }

    /// Says what will be asked for, the next first; what is held and no longer expected is let go of.
    func expect(_ keys: [Key]) { bench.expect(keys) }

    /// The thing of a key, waiting for it if it is in the making.
    ///
    /// - Returns: nil where nobody has begun to make it.
    /// - Throws: what making it threw.
    func take(_ key: Key) throws -> Value? { try bench.take(key)?.get() }

    /// Bytes that are held now.
    var bytes: Int { bench.locked { $0.bytes } }

    /// What the two threads share; everything in it is touched only while `condition` is locked.
    private final class Bench: @unchecked Sendable {
        struct State {
            var wanted: [Key] = []
            var expected: Set<Key> = []
            var held: [Key: Result<Value, any Error>] = [:]
            var bytes = 0
            var making: Key?
            var isOver = false
        }

        private let limit: Int
        private let cost: @Sendable (Key) -> Int
        private let condition = NSCondition()
        private var state = State()

        init(limit: Int, cost: @escaping @Sendable (Key) -> Int) {
            self.limit = limit
            self.cost = cost
        }

        @discardableResult
        func locked<Answer>(_ body: (inout State) throws -> Answer) rethrows -> Answer {
            condition.lock()
            defer {
                condition.broadcast()
                condition.unlock()
            }
            return try body(&state)
        }

        func end() { locked { $0.isOver = true } }

        func expect(_ keys: [Key]) {
            locked { state in
                state.expected = Set(keys)
                for key in state.held.keys where !state.expected.contains(key) { drop(key, from: &state) }
                var seen = Set(state.held.keys)
                if let making = state.making { seen.insert(making) }
                state.wanted = keys.filter { seen.insert($0).inserted && cost($0) <= limit }
            }
        }

        /// The next key to make, once there is room for it; nil when it is over.
        func begin() -> Key? {
            condition.lock()
            defer { condition.unlock() }
            while !state.isOver {
                if let next = state.wanted.first, state.bytes + cost(next) <= limit {
                    state.wanted.removeFirst()
                    state.making = next
                    state.bytes += cost(next)
                    return next
                }
                condition.wait()
            }
            return nil
        }

        func finish(_ key: Key, _ result: Result<Value, any Error>) {
            locked { state in
                state.making = nil
                state.held[key] = result
                if !state.expected.contains(key) { drop(key, from: &state) }
            }
        }

        func take(_ key: Key) -> Result<Value, any Error>? {
            condition.lock()
            while state.making == key { condition.wait() }
            condition.unlock()
            return locked { state in
                state.wanted.removeAll { $0 == key }
                state.expected.remove(key)
                return drop(key, from: &state)
            }
        }

        @discardableResult
        private func drop(_ key: Key, from state: inout State) -> Result<Value, any Error>? {
            guard let result = state.held.removeValue(forKey: key) else { return nil }
            state.bytes -= cost(key)
            return result
        }
    }
}
