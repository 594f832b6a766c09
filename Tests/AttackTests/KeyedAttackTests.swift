import Coordination
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

/// The same with CURVE on: attackers without a key, and one that has a worker's.
extension `While its ports are attacked, a coordinator` {
    private func keys() throws -> KeysFolder {
        let folder = FileManager.default.temporaryDirectory.appending(path: "danlu-attack-\(UUID().uuidString)")
        let keys = KeysFolder(folder.path)
        _ = try keys.generate(name: nil, isOperator: false)
        _ = try keys.generate(name: "mallory", isOperator: false)
        return keys
    }

    @Test func `Case 21: with keys, is not held up by who has none, whatever that one says`() throws {
        let keys = try keys()
        defer { try? FileManager.default.removeItem(atPath: keys.path) }
        var random = SeededGenerator(seed: 21)
        try endure("attackers without a key", rounds: 480, memory: 64 * Self.megabyte, keys: keys) { port, round in
            let connection = try RawConnection(to: port)
            let hello = ZMTP.hello(&random)
            switch round / 2 % 8 {
            case 0: break
            case 1: connection.say(ZMTP.handshake)
            case 2: connection.say(ZMTP.handshake + ZMTP.head(8 << 30) + [UInt8](repeating: 1, count: 1 << 16))
            case 3: connection.say(ZMTP.greeting("CURVE"))
            case 4: connection.say(ZMTP.greeting("CURVE") + hello)
            case 5: connection.say(Array((ZMTP.greeting("CURVE") + hello).prefix(round % 260)))
            case 6:
                connection.say(ZMTP.greeting("CURVE") + ZMTP.head(8 << 30) + [UInt8](repeating: 1, count: 1 << 16))
            default:
                let noise = (0..<4000).map { _ in UInt8.random(in: 0...255, using: &random) }
                connection.say(ZMTP.greeting("CURVE") + noise)
            }
            return [connection]
        }
    }

    @Test func `Case 19: with keys, drops the nonsense of one that has a worker's key`() throws {
        let keys = try keys()
        defer { try? FileManager.default.removeItem(atPath: keys.path) }
        let key = try KeyFile.client(keys.key("mallory"))
        let context = try Context()
        var random = SeededGenerator(seed: 22)
        var sent = 0
        try endure("nonsense behind a good key", rounds: 60, memory: 64 * Self.megabyte, keys: keys) { port, round in
            let mallory = try Mallory(at: port, key: key, in: context)
            for number in 0..<200 {
                let payload = (0..<Int.random(in: 0...2000, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                let kind = Header.Kind.allCases.randomElement(using: &random) ?? .control
                let stamp = Stamp(
                    run: RunID(random.next(), random.next()), incarnation: random.next(), worker: WorkerID(1))
                var header = payload.withUnsafeBytes { Header(kind, stamp).describing($0) }.bytes
                if Bool.random(using: &random) { header[Int.random(in: 0..<header.count, using: &random)] ^= 1 }
                let frames: [[UInt8]] =
                    switch number % 4 {
                    case 0: [header, payload]
                    case 1: [payload]
                    case 2: [[UInt8]](repeating: [7], count: 40)
                    default: [header]
                    }
                if mallory.say(frames) { sent += 1 }
            }
            return [mallory]
        }
        #expect(sent > 1000, "only \(sent) messages were taken")
    }

    @Test func `Case 18: with keys, ends connections whose bytes are changed on the way`() throws {
        let keys = try keys()
        defer { try? FileManager.default.removeItem(atPath: keys.path) }
        let key = try KeyFile.client(keys.key("mallory"))
        let context = try Context()
        var random = SeededGenerator(seed: 23)
        var greeted = 0
        try endure("bytes changed behind a handshake", rounds: 60, memory: 64 * Self.megabyte, keys: keys) { port, _ in
            let tamperer = try Tamperer(to: port)
            let mallory = try Mallory(at: tamperer.port, key: key, in: context)
            // Three messages of CURVE go to the coordinator before it says that it is ready.
            if try mallory.isGreeted(within: 5) { greeted += 1 }
            tamperer.inject((0..<3000).map { _ in UInt8.random(in: 0...255, using: &random) })
            return [mallory, tamperer]
        }
        #expect(greeted > 50, "only \(greeted) of 60 handshakes were whole")
    }
}
