import TestSupport
import Testing
import Wire

@Suite struct `A control message` {
    private func journey<Message: Codable & Equatable>(_ message: Message) throws -> Message {
        let bytes = try Control.encode(message)
        return try bytes.withUnsafeBytes { bytes in try Control.decode(Message.self, from: bytes) }
    }

    private func read<Message: Decodable>(_ type: Message.Type, _ text: String) throws -> Message {
        try Array(text.utf8).withUnsafeBytes { bytes in try Control.decode(type, from: bytes) }
    }

    @Test(arguments: Samples.ofWorkers)
    func `of a worker survives the journey`(message: WorkerMessage) throws {
        #expect(try journey(message) == message)
    }

    @Test(arguments: Samples.ofTheCoordinator)
    func `of the coordinator survives the journey`(message: CoordinatorMessage) throws {
        #expect(try journey(message) == message)
    }

    @Test func `carries losses that are not finite`() throws {
        var outcome = Samples.outcome
        outcome.loss = .nan
        outcome.squaredGradientNorm = .infinity
        let journeyed = try journey(outcome)
        #expect(journeyed.loss.isNaN && journeyed.squaredGradientNorm == .infinity)
    }

    @Test func `may have fields of a later version`() throws {
        let message = try read(CoordinatorMessage.self, #"{"pong":{"number":5,"mood":"good"}}"#)
        #expect(message == .pong(number: 5))
    }

    @Test(arguments: [
        "", "{", "null", "[]", "7", #"{"sing":{}}"#, #"{"pong":{}}"#, #"{"pong":{"number":-1}}"#,
        #"{"pong":{"number":"5"}}"#, #"{"pong":{"number":1e99}}"#, #"{"pong":{"number":5}"#, "\u{0}\u{1}",
    ])
    func `that is none is refused`(text: String) {
        #expect(throws: WireError.self) { try read(CoordinatorMessage.self, text) }
    }

    @Test func `nested without end is refused`() {
        let text = String(repeating: #"{"a":"#, count: 100_000)
        #expect(throws: WireError.self) { try read(WorkerMessage.self, text) }
    }

    @Test func `with bytes changed, cut or added is read or refused, never worse`() throws {
        let original = try Control.encode(WorkerMessage.ping(Samples.status))
        var random = SeededGenerator(seed: 3)
        var refused = 0
        for _ in 0..<3000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(place...)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            do {
                _ = try bytes.withUnsafeBytes { bytes in try Control.decode(WorkerMessage.self, from: bytes) }
            } catch is WireError {
                refused += 1
            }
        }
        #expect(refused > 1500)
    }

    @Test func `has ranges only where they make sense`() {
        var sum = SlotSum(of: Samples.lease, slots: 0..<2, weights: 5, outcomes: [], seconds: 0)
        #expect(sum.slots == 0..<2)
        (sum.first, sum.end) = (2, 2)
        #expect(sum.slots == nil)
        (sum.first, sum.end) = (-1, 2)
        #expect(sum.slots == nil)
        var lease = Lease(number: 1, step: 1, round: 1, slots: 0..<2, slotCount: 2, lossScale: 1, weights: 0)
        #expect(lease.slots == 0..<2)
        lease.end = 3
        #expect(lease.slots == nil)
    }
}
