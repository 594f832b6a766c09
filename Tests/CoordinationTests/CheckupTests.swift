import Foundation
import Glibc
import Testing
import Wire
import ZeroMQ

@testable import Coordination

@Suite(.serialized) struct `A check-up of the way to a coordinator` {
    private let keys: TemporaryKeys

    init() throws { keys = try TemporaryKeys() }

    /// What is found, and whether a worker would get through.
    private func examine(_ address: Address, key: KeyFile?) throws -> (Bool, [Checkup.Finding]) {
        var findings: [Checkup.Finding] = []
        let checkup = Checkup(of: address, key: key, patience: .milliseconds(700)) { findings.append($0) }
        let isReached = try checkup.run()
        #expect(isReached == findings.allSatisfy { $0.isGood != false })
        return (isReached, findings)
    }

    private func withCoordinator(hasKeys: Bool, _ body: (RunningCoordinator) throws -> Void) throws {
        var configuration = LoopbackCluster.configuration()
        if hasKeys { configuration.identity = try keys.identity() }
        let running = try RunningCoordinator(
            configuration, StraightLineMaster(totalSteps: 100_000), observe: { _ in })
        try body(running)
        for _ in 0..<2 { running.commands.put(.stop(reason: "enough")) }
        _ = try running.result()
    }

    @Test(arguments: [true, false]) func `tells each hop when all is well`(hasKeys: Bool) throws {
        try withCoordinator(hasKeys: hasKeys) { running in
            let (isReached, findings) = try examine(running.address, key: hasKeys ? keys.key("worker") : nil)
            #expect(isReached)
            let subjects = ["port", "key", "protocol", "round trip", "clock", "bandwidth", "bulk port"]
            #expect(findings.map(\.subject) == subjects)
            #expect(findings.first { $0.subject == "bandwidth" }?.sentence.contains("Mbit/s there, ") == true)
            #expect(findings.first { $0.subject == "clock" }?.sentence.hasPrefix("the same within a second") == true)
        }
    }

    @Test func `names the key when it lacks one, and when it is not on the list`() throws {
        try withCoordinator(hasKeys: true) { running in
            let (_, bare) = try examine(running.address, key: nil)
            #expect(bare.last?.subject == "key" && bare.last?.sentence.contains("asks for a key") == true)
            let stranger = KeyFile(
                name: "nobody", keys: try KeyPair.random(), coordinator: try keys.identity().keys.publicKey)
            let (_, unknown) = try examine(running.address, key: stranger)
            #expect(unknown.last?.sentence.contains("is not on the coordinator's list") == true)
            let lost = KeyFile(name: "worker", keys: stranger.keys, coordinator: stranger.keys.publicKey)
            let (_, other) = try examine(running.address, key: lost)
            #expect(other.last?.sentence.contains("is not the coordinator that this key is for") == true)
        }
    }

    @Test func `names the port when nobody listens, and what listens without a word`() throws {
        let (_, closed) = try examine(Address(host: "127.0.0.1", port: 1), key: nil)
        #expect(closed.map(\.subject) == ["port"])
        let silent = try SilentListener()
        let began = ContinuousClock.now
        let (_, quiet) = try examine(Address(host: "127.0.0.1", port: silent.port), key: nil)
        #expect(quiet.last?.sentence.contains("does not greet as a coordinator") == true)
        #expect(ContinuousClock.now - began < .seconds(5))
    }

    /// What is found where somebody answers in place of a coordinator.
    private func examine(_ impostor: Impostor) throws -> [Checkup.Finding] {
        let (isReached, findings) = try examine(Address(host: "127.0.0.1", port: impostor.port), key: nil)
        #expect(!isReached)
        return findings
    }

    @Test func `names the protocol when the coordinator speaks another version of it, with both`() throws {
        let theirs = Header.protocolVersion + 1
        let found = try examine(
            Impostor { answer in
                var (header, payload) = try Impostor.letter(answer)
                withUnsafeBytes(of: theirs.littleEndian) { header.replaceSubrange(4..<6, with: $0) }
                return [header, payload]
            })
        #expect(found.map(\.subject) == ["port", "key", "protocol"])
        let sentence = found.last?.sentence ?? ""
        #expect(sentence.contains("version \(theirs) and this box \(Header.protocolVersion)"), "\(sentence)")
        #expect(sentence.contains("install the same Danlu on both"))
    }

    @Test func `names the protocol when the answer cannot be read`() throws {
        let found = try examine(
            Impostor { answer in
                var (header, payload) = try Impostor.letter(answer)
                payload[payload.count / 2] ^= 1
                return [header, payload]
            })
        #expect(found.last?.subject == "protocol" && found.last?.sentence.contains("cannot be read") == true)
    }

    @Test func `names the coordinator when what is there takes messages and answers none`() throws {
        let found = try examine(Impostor { _ in nil })
        #expect(found.last?.subject == "coordinator" && found.last?.sentence.contains("does not answer") == true)
    }

    @Test func `names the bulk port when nobody listens there, after all that is well before it`() throws {
        let found = try examine(
            Impostor { answer in
                var answer = answer
                answer.bulkPort = 1  // which is no coordinator's
                let (header, payload) = try Impostor.letter(answer)
                return [header, payload]
            })
        let subjects = ["port", "key", "protocol", "round trip", "clock", "bandwidth", "bulk port"]
        #expect(found.map(\.subject) == subjects)
        #expect(found.filter { $0.isGood == false }.map(\.subject) == ["bulk port"])
        #expect(found.last?.sentence.contains("nothing listens at its port 1") == true)
    }

    @Test func `tells of a clock that is an hour wrong, and of a way too busy to measure, and complains of neither`()
        throws
    {
        let found = try examine(
            Impostor { answer in
                var answer = answer
                (answer.clock, answer.padding, answer.bulkPort) = (answer.clock + 3600, Data(), 1)
                let (header, payload) = try Impostor.letter(answer)
                return [header, payload]
            })
        let clock = found.first { $0.subject == "clock" }
        #expect(clock?.isGood == nil && clock?.sentence.contains("s behind the coordinator's") == true)
        #expect(clock?.sentence.hasPrefix("3600") == true || clock?.sentence.hasPrefix("3599") == true)
        let bandwidth = found.first { $0.subject == "bandwidth" }
        #expect(bandwidth?.isGood == nil && bandwidth?.sentence.contains("too busy to be asked") == true)
    }
}

/// What answers whoever asks, in a thread, as a test has it.
private final class Impostor: Sendable {
    /// The frames in place of what a coordinator would answer; nil says nothing.
    typealias Reply = @Sendable (InquiryAnswer) throws -> [[UInt8]]?

    let port: UInt16
    private let orders: Mailbox<Bool>
    private let ended: DispatchSemaphore

    init(reply: @escaping Reply) throws {
        let (ports, orders) = (try Mailbox<UInt16>(), try Mailbox<Bool>())
        let ended = DispatchSemaphore(value: 0)
        Thread {
            try? Self.answer(reply, ports, orders)
            ended.signal()
        }.start()
        guard let port = try ports.wait(timeout: .seconds(5)).first else { throw LoopbackWorker.Late() }
        (self.port, self.orders, self.ended) = (port, orders, ended)
    }

    deinit {
        orders.put(true)
        ended.wait()
    }

    private static func answer(_ reply: Reply, _ ports: Mailbox<UInt16>, _ orders: Mailbox<Bool>) throws {
        let context = try Context()
        let socket = try Socket(.router, in: context)
        try socket.bind("tcp://127.0.0.1:*")
        ports.put(try Address(socket.endpoint).port)
        while orders.takeAll().isEmpty {
            _ = try poll([Interest(orders), Interest(socket)], timeout: .seconds(1))
            while let frames = try socket.receive(maximumFrames: 3) {
                let message = try frames[2].withUnsafeBytes { try Control.decode(WorkerMessage.self, from: $0) }
                guard case .inquire(let inquiry) = message else { continue }
                let answer = InquiryAnswer(
                    number: inquiry.number, software: "1", libtorch: "none", exactnessClass: nil, bulkPort: 1,
                    clock: Date().timeIntervalSince1970, padding: Data(count: inquiry.wanted))
                guard let words = try reply(answer) else { continue }
                try socket.send([Frame(frames[0].bytes)] + words.map { try Frame($0) })
            }
        }
    }

    static func letter(_ answer: InquiryAnswer) throws -> (header: [UInt8], payload: [UInt8]) {
        let payload = try Control.encode(CoordinatorMessage.answer(answer))
        return (payload.withUnsafeBytes { Header(.control, .stranger).describing($0) }.bytes, payload)
    }
}

@Suite struct `What may be had in a second` {
    @Test func `is no more than that`() {
        var allowance = AllowancePerSecond(10)
        let asked: [(Int, Duration)] = [
            (6, .zero), (5, .milliseconds(999)), (4, .milliseconds(999)), (1, .milliseconds(999)), (10, .seconds(1)),
        ]
        let granted = asked.map { allowance.take($0, at: $1) }
        #expect(granted == [true, false, true, false, true])
    }
}

/// A port of the loopback that takes connections in and never says a word.
final class SilentListener {
    let port: UInt16
    private let descriptor: CInt

    init() throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isThere = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, pointer, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isThere else { throw HandmadeWorker.Unexpected(message: "no port") }
    }

    deinit { close(descriptor) }
}
