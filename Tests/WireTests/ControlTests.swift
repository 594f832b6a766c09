import Foundation
import Recipe
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

    private static let outcome = SlotOutcome(
        slot: 3, samples: 2, loss: 0.1 + 0.2, squaredGradientNorm: 1e-300, sampleNames: ["a/鹿.png", "b\"\n.png"])

    private static let lease = Lease(
        number: 1 << 60, step: 4, round: 9, slots: 2..<4, slotCount: 8, lossScale: 65_536, weights: .max)

    private static var status: Status {
        var status = Status()
        status.number = .max
        status.shape = Status.Shape(parameterCount: 797_184, tableHash: "ab")
        status.holding = Status.Holding(delivery: 7, checksum: .max - 1)
        status.leases = [1, 1 << 60]
        return status
    }

    @Test(
        arguments: [
            .join(
                Application(
                    name: "ada-17", instance: .max, software: "1.0", libtorch: "2.13.0", exactnessClass: "avx2 x 2",
                    cores: 2,
                    memoryBytes: 1 << 40)), .ping(status), .ping(Status()), .leave, .failed(reason: "no memory"),
            .sum(
                SlotSum(of: Self.lease, slots: 2..<4, weights: 5, outcomes: [outcome, outcome], seconds: 0.123_456_789)),
            .notFinite(lease: 3, round: 1, outcome: outcome), .handBack(round: 4, keeping: [0..<2, 5..<6]),
        ] as [WorkerMessage])
    func `of a worker survives the journey`(message: WorkerMessage) throws {
        #expect(try journey(message) == message)
    }

    @Test(
        arguments: [
            .welcome(
                Welcome(
                    run: Data([0, 255, 7]), bulkPort: 65_535, parameterCount: 1, chunkBytes: 2, creditChunks: 3,
                    threads: 4, gradientFormat: .int8)),
            .refused(Refusal(field: "a", yours: "b", mine: "c", fix: "d", mayPass: true)), .pong(number: 1),
            .lease(
                Lease(number: 1, step: 2, round: 3, slots: 4..<6, slotCount: 8, lossScale: 65_536, weights: .max)),
            .rejoin(reason: "r"), .goodbye(finished: true, reason: "done"),
        ] as [CoordinatorMessage])
    func `of the coordinator survives the journey`(message: CoordinatorMessage) throws {
        #expect(try journey(message) == message)
    }

    @Test func `carries losses that are not finite`() throws {
        var outcome = Self.outcome
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
        let original = try Control.encode(WorkerMessage.ping(Self.status))
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
        var sum = SlotSum(of: Self.lease, slots: 0..<2, weights: 5, outcomes: [], seconds: 0)
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
