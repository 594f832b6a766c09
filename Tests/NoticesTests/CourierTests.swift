import Foundation
import Hummingbird
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Notices

/// A web server in this process that writes down what it is sent.
private final class Receiver: Sendable {
    struct Letter {
        let type: String?
        let body: String
    }

    let letters = Mutex<[Letter]>([])
    /// What is answered, in this order; the last again and again.
    private let answers: Mutex<[HTTPResponse.Status]>

    init(_ answers: HTTPResponse.Status...) {
        self.answers = Mutex(answers)
    }

    /// Runs `body` while the server listens at a port of its own.
    func whileListening(_ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        let router = Router()
        router.post("hook/{secret}") { request, _ -> HTTPResponse.Status in
            let body = try await request.body.collect(upTo: 1 << 20)
            self.letters.withLock {
                $0.append(Letter(type: request.headers[.contentType], body: String(buffer: body)))
            }
            return self.answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        }
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                port.yield(channel.localAddress?.port ?? 0)
                port.finish()
            })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            for await port in ports { try await body(port) }
            group.cancelAll()
            do { try await group.waitForAll() } catch is CancellationError {}
        }
    }
}

private let quickly: [Duration] = [.milliseconds(10), .milliseconds(10)]

@Suite struct `A webhook` {
    @Test func `is posted the JSON`() async throws {
        let receiver = Receiver(.ok)
        try await receiver.whileListening { port in
            try await WebhookCourier("http://127.0.0.1:\(port)/hook/s3cret", pauses: quickly).deliver(notice())
        }
        let letters = receiver.letters.withLock { $0 }
        #expect(letters.count == 1 && letters.first?.type == "application/json")
        #expect(letters.first?.body == String(decoding: try notice().json, as: UTF8.self))
    }

    @Test func `is tried again while the fault is on its side`() async throws {
        let receiver = Receiver(.serviceUnavailable, .tooManyRequests, .noContent)
        try await receiver.whileListening { port in
            try await WebhookCourier("http://127.0.0.1:\(port)/hook/x", pauses: quickly).deliver(notice())
        }
        #expect(receiver.letters.withLock { $0.count } == 3)
    }

    @Test func `is not tried again where it refuses, and is never shown whole`() async throws {
        let receiver = Receiver(.forbidden)
        try await receiver.whileListening { port in
            let courier = try WebhookCourier("http://127.0.0.1:\(port)/hook/s3cret", pauses: quickly)
            let error = await #expect(throws: Undelivered.self) { try await courier.deliver(notice()) }
            #expect(error?.description == "it answers 403 Forbidden")
            #expect(courier.name == "the webhook at http://127.0.0.1")
        }
        #expect(receiver.letters.withLock { $0.count } == 1)
    }

    @Test func `that nobody listens at, or that never answers, is given up`() async throws {
        // A port that was free a moment ago.
        let silent = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(silent) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(silent, $0, length)
                _ = getsockname(silent, $0, &length)
            }
        }
        let port = UInt16(bigEndian: address.sin_port)
        let closed = try WebhookCourier(
            "http://127.0.0.1:\(port)/", patience: .milliseconds(200), pauses: quickly)
        let refused = await #expect(throws: Undelivered.self) { try await closed.deliver(notice()) }
        #expect(refused?.description.hasPrefix("nobody answers as they should") == true)

        // Now it is open, and nobody ever accepts.
        #expect(listen(silent, 5) == 0)
        let start = ContinuousClock.now
        await #expect(throws: Undelivered.self) { try await closed.deliver(notice()) }
        // Long, since other tests may keep all threads busy; and yet an end.
        #expect(ContinuousClock.now - start < .seconds(180))
    }

    @Test(arguments: ["", "box3", "ftp://box3/", "http://", "file:///etc/passwd", "https:///x"])
    func `must be one that can be`(url: String) {
        #expect(throws: Undelivered("the webhook's address must be http://HOST/… or https://HOST/…")) {
            try WebhookCourier(url)
        }
    }
}

@Suite struct `A notify command` {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "danlu-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    @Test func `has the facts in its environment and on its standard input`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "said").path
        try await CommandCourier("printf '%s|%s|' \"$DANLU_EVENT\" \"$DANLU_WORKER\" > \(file); cat >> \(file)")
            .deliver(notice())
        #expect(
            try String(contentsOfFile: file, encoding: .utf8)
                == "worker_lost|box3|" + String(decoding: notice().json, as: UTF8.self))
    }

    @Test func `that fails says why`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let failed = await #expect(throws: Undelivered.self) {
            try await CommandCourier("yes | head -c 300000; echo 'no such chat' >&2; exit 3").deliver(notice())
        }
        #expect(failed?.description == "it ended with status 3: no such chat")
        let killed = await #expect(throws: Undelivered.self) {
            try await CommandCourier("kill -9 $$").deliver(notice())
        }
        #expect(killed?.description == "it was killed")
    }

    @Test func `that hangs is ended with all that it has started`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "child").path
        let courier = CommandCourier("sleep 1000 & echo $! > \(file); wait", patience: .seconds(3))
        let error = await #expect(throws: Undelivered.self) { try await courier.deliver(notice()) }
        #expect(error?.description == "it took longer than 3 s, and was ended")
        let child = try #require(
            pid_t(String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)))
        // Dead, or dead and not yet buried by whoever took it over.
        let deadline = ContinuousClock.now + .seconds(60)
        func lives() -> Bool {
            let stat = (try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)) ?? ""
            return !stat.isEmpty && !stat.contains(") Z ")
        }
        while lives(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
        #expect(!lives())
    }
}

@Suite struct `A notice board` {
    private final class Slow: Courier {
        let name = "a slow courier"
        let delivered = Mutex<[Notice]>([])
        let gate = AsyncStream.makeStream(of: Void.self)

        func deliver(_ notice: Notice) async throws {
            for await _ in gate.stream { break }
            delivered.withLock { $0.append(notice) }
        }
    }

    private struct Broken: Courier {
        let name = "a broken courier"
        func deliver(_ notice: Notice) async throws { throw Undelivered("it cannot") }
    }

    /// Closing waits, which the threads that deliver must not be kept from.
    private func close(_ board: NoticeBoard, within patience: Duration) async -> (isDone: Bool, took: Duration) {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let start = ContinuousClock.now
                let isDone = board.close(within: patience)
                continuation.resume(returning: (isDone, ContinuousClock.now - start))
            }
        }
    }

    @Test func `never makes whoever posts wait, and holds a bounded number`() async {
        let slow = Slow()
        let board = NoticeBoard([slow]) { _ in }
        let start = ContinuousClock.now
        for _ in 0..<100_000 { board.post(notice()) }
        #expect(ContinuousClock.now - start < .seconds(30))
        slow.gate.continuation.finish()
        let isDone = await close(board, within: .seconds(120)).isDone
        #expect(isDone && slow.delivered.withLock { $0.count } <= 66)
    }

    @Test func `waits at the end, but not for long`() async {
        let slow = Slow()
        let board = NoticeBoard([slow]) { _ in }
        board.post(notice(.done, "Done"))
        let (isDone, took) = await close(board, within: .milliseconds(200))
        #expect(!isDone && took < .seconds(30))
    }

    @Test func `has one courier not wait for another, and says what failed`() async {
        let complaints = Complaints()
        let slow = Slow()
        slow.gate.continuation.finish()
        let board = NoticeBoard([Broken(), slow]) { sentence in complaints.all.withLock { $0.append(sentence) } }
        board.post(notice())
        let isDone = await close(board, within: .seconds(120)).isDone
        #expect(isDone && slow.delivered.withLock { $0.count } == 1)
        #expect(
            complaints.all.withLock { $0 } == ["a broken courier did not take the notice 'worker_lost': it cannot"])
    }

    private final class Complaints: Sendable {
        let all = Mutex<[String]>([])
    }
}
