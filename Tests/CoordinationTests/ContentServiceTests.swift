import ContentStore
import Coordination
import Foundation
import Synchronization
import Testing
import Wire
import ZeroMQ

extension `A cluster on the loopback` {
    @Suite struct `hands out what a run is made of,` {
        static let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) }
        static let text = Array("a recipe".utf8)

        /// What a learner fetched, kept across threads.
        private final class Basket: Sendable {
            let parts = Mutex<[[UInt8]]>([])
            let pieces = Mutex(0)

            /// A learner's preparation: fetches `contents`.
            func fetch(_ contents: [ContentPart]) -> @Sendable (ContentLine) throws -> Void {
                { line in
                    self.parts.withLock { $0 = Array(repeating: [], count: contents.count) }
                    try line.fetch(contents) { index, bytes, _ in
                        self.pieces.withLock { $0 += 1 }
                        self.parts.withLock { $0[index] += Array(bytes) }
                    }
                }
            }
        }

        private func configuration(port: UInt16 = 0, incarnation: UInt64 = 1) throws -> (
            CoordinatorService.Configuration, Content, Content
        ) {
            var configuration = LoopbackCluster.configuration(port: port, incarnation: incarnation)
            let file = FileManager.default.temporaryDirectory.appending(path: "danlu-content-\(UUID().uuidString)")
            try Data(Self.bytes).write(to: file)
            let large = try configuration.contents.add(Content(of: Self.bytes).hash, file: file.path)
            let small = configuration.contents.add(Self.text)
            return (configuration, large, small)
        }

        @Test func `from a file and from memory, before the learner is made`() throws {
            var (configuration, large, small) = try configuration()
            configuration.minimumWorkers = 2
            let running = try RunningCoordinator(
                configuration, StraightLineMaster(totalSteps: 3), observe: { _ in })
            let baskets = [Basket(), Basket()]
            let parts = [ContentPart(small), ContentPart(large, from: 777), ContentPart(small, from: 2)]
            let workers = try baskets.enumerated().map {
                try LoopbackWorker("w\($0.offset)", at: running.address, gather: $0.element.fetch(parts))
            }
            let ended = try running.result()
            #expect(ended.finish == .complete && ended.dropped == Coordinator.Dropped())
            for worker in workers {
                #expect(try worker.end() == .dismissed(finished: true, reason: "the run is complete"))
            }
            for basket in baskets {
                #expect(basket.parts.withLock { $0 } == [Self.text, Array(Self.bytes[777...]), Array(Self.text[2...])])
            }
        }

        @Test func `and goes on where it was when a coordinator comes that has been gone`() throws {
            let basket = Basket()
            let (worker, port, sent) = try Self.serveAndVanish(basket)
            let (configuration, _, _) = try configuration(port: port, incarnation: 2)
            let running = try RunningCoordinator(
                configuration, StraightLineMaster(totalSteps: 3), observe: { _ in })
            #expect(try running.result().finish == .complete)
            #expect(try worker.end() == .dismissed(finished: true, reason: "the run is complete"))
            #expect(basket.parts.withLock { $0 } == [Self.bytes])
            // What arrived before is not fetched again.
            let left = Self.bytes.count - sent
            #expect(basket.pieces.withLock { $0 } == (sent + 1023) / 1024 + (left + 1023) / 1024)
        }

        /// A worker that is fetching from a coordinator that is gone, without a word, after some pieces.
        ///
        /// - Returns: the worker, the port of the coordinator, which is free, as is the next, and how much was sent.
        private static func serveAndVanish(_ basket: Basket) throws -> (LoopbackWorker, UInt16, Int) {
            for _ in 0..<20 {
                let coordinator = try HandmadeCoordinator()
                let next = try Socket(.router, in: Context())
                guard (try? next.bind("tcp://127.0.0.1:\(coordinator.port + 1)")) != nil else { continue }
                let worker = try LoopbackWorker(
                    "w", at: Address(host: "127.0.0.1", port: coordinator.port),
                    gather: basket.fetch([ContentPart(Content(of: bytes))]))
                try coordinator.welcome(
                    Stamp(run: LoopbackCluster.runID, incarnation: 1 << 20, worker: WorkerID(1)))
                let sent = try coordinator.serve(pieces: 5, of: bytes)
                let deadline = Date(timeIntervalSinceNow: 5)
                while basket.pieces.withLock({ $0 }) < 5, Date() < deadline { Thread.sleep(forTimeInterval: 0.01) }
                return (worker, coordinator.port, sent)
            }
            throw HandmadeWorker.Unexpected(message: "no two free ports")
        }

        @Test func `and nothing else`() throws {
            let (configuration, large, _) = try configuration()
            let running = try RunningCoordinator(
                configuration, StraightLineMaster(totalSteps: 1), observe: { _ in })
            let secret = Content(of: Array("/etc/passwd".utf8))
            let worker = try LoopbackWorker(
                "w", at: running.address, gather: Basket().fetch([ContentPart(large), ContentPart(secret)]))
            let error = #expect(throws: ContentLine.Failure.self) { try worker.end() }
            #expect(
                error?.description
                    == "the coordinator does not hand out \(secret.hash.short)…: "
                    + "\(secret.hash.short)… is no part of this run: start the worker again")
            running.commands.put(.stop(reason: "enough"))
            _ = try running.result()
        }

        @Test func `and says so when it has changed there`() throws {
            var (configuration, _, _) = try configuration()
            let file = FileManager.default.temporaryDirectory.appending(path: "danlu-changing-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data(count: 5000).write(to: file)
            let content = try configuration.contents.add(
                Content(of: Array(repeating: 0, count: 5000)).hash, file: file.path)
            try Data(count: 5001).write(to: file)
            let running = try RunningCoordinator(
                configuration, StraightLineMaster(totalSteps: 1), observe: { _ in })
            let worker = try LoopbackWorker("w", at: running.address, gather: Basket().fetch([ContentPart(content)]))
            let error = #expect(throws: ContentLine.Failure.self) { try worker.end() }
            #expect(error?.description.contains("\(file.path) is no longer what it was when the run began") == true)
            running.commands.put(.stop(reason: "enough"))
            _ = try running.result()
        }

        @Test func `to a worker that leaves in the middle without a fuss`() throws {
            let (configuration, large, _) = try configuration()
            let running = try RunningCoordinator(
                configuration, StraightLineMaster(totalSteps: 1), observe: { _ in })
            let reached = try Mailbox<Bool>()
            let worker = try LoopbackWorker(
                "w", at: running.address,
                gather: { line in
                    try line.fetch([ContentPart(large)]) { _, _, _ in
                        reached.put(true)
                        Thread.sleep(forTimeInterval: 0.05)
                    }
                })
            #expect(try reached.wait(timeout: .seconds(5)).isEmpty == false)
            worker.service.commands.put(.stop)
            #expect(try worker.end() == .left)
            running.commands.put(.stop(reason: "enough"))
            _ = try running.result()
        }

        @Test func `and answers no request that makes no sense`() throws {
            let (configuration, large, _) = try configuration()
            let running = try RunningCoordinator(
                configuration, StraightLineMaster(totalSteps: 1), observe: { _ in })
            let stranger = try HandmadeWorker(at: running.address)
            try stranger.say(.join(LoopbackCluster.application("stranger")))
            guard case .welcome = try stranger.hear() else { throw HandmadeWorker.Unexpected(message: "no welcome") }
            let bulk = try HandmadeBulk(
                Address(host: "127.0.0.1", port: running.bulkPort), stranger.stamp, stranger.context)
            let header = Header(.contentRequest, stranger.stamp)
            func ask(_ hash: ContentHash, offset: Int, pieces: Int) throws {
                try bulk.send(header, ContentRequest(hash: hash, offset: offset, pieces: pieces).bytes)
            }
            try bulk.send(header, [])
            try bulk.send(header, [UInt8](repeating: 255, count: 48))
            try bulk.send(header, [UInt8](repeating: 0, count: 1000))
            try ask(large.hash, offset: large.count, pieces: 1)
            try ask(large.hash, offset: .max, pieces: 1)
            try ask(large.hash, offset: 0, pieces: 0)
            try ask(large.hash, offset: 0, pieces: 4)
            // A worker sends no content.
            try bulk.send(Header(.content, stranger.stamp), Self.text)
            try ask(large.hash, offset: large.count - 1, pieces: 3)
            _ = try poll([Interest(bulk.socket)], timeout: .seconds(5))
            let frames = try #require(try bulk.socket.receive(maximumFrames: 2))
            let answer = try frames[0].withUnsafeBytes { bytes in try Header.parse(bytes) }
            #expect(answer.kind == .content && answer.step == UInt64(large.count - 1) && answer.shard == 0)
            #expect(frames[1].bytes == [Self.bytes[large.count - 1]])
            #expect(try poll([Interest(bulk.socket)], timeout: .milliseconds(100)) == [false])
            running.commands.put(.stop(reason: "enough"))
            #expect(try running.result().dropped.malformed == 8)
        }
    }
}

extension HandmadeCoordinator {
    /// Answers so many requests' pieces, then no more.
    ///
    /// - Returns: how many bytes were sent.
    fileprivate func serve(pieces: Int, of bytes: [UInt8]) throws -> Int {
        var sent = 0
        var count = 0
        while count < pieces {
            _ = try poll([Interest(bulk)], timeout: .seconds(5))
            guard let frames = try bulk.receive(maximumFrames: 3) else {
                throw HandmadeWorker.Unexpected(message: "no request")
            }
            let header = try frames[1].withUnsafeBytes { bytes in try Header.parse(bytes) }
            guard header.kind == .contentRequest else { continue }
            let request = try frames[2].withUnsafeBytes { bytes in try ContentRequest.parse(bytes, limit: 3) }
            for piece in 0..<request.pieces where count < pieces {
                let offset = request.offset + piece * 1024
                let payload = Array(bytes[offset..<min(bytes.count, offset + 1024)])
                var answer = Header(.content, header.stamp)
                answer.round = header.round
                answer.step = UInt64(offset)
                answer = payload.withUnsafeBytes { answer.describing($0) }
                try bulk.send([Frame(frames[0].bytes), Frame(answer.bytes), Frame(payload)])
                count += 1
                sent += payload.count
            }
        }
        return sent
    }
}
