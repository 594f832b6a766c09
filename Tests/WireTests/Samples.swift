import ContentStore
import Foundation
import Recipe
import Wire

/// Messages of every kind, for the journey and as what the fuzzer begins with.
enum Samples {
    static let outcome = SlotOutcome(
        slot: 3, samples: 2, loss: 0.1 + 0.2, squaredGradientNorm: 1e-300, sampleNames: ["a/鹿.png", "b\"\n.png"])

    static let lease = Lease(
        number: 1 << 60, step: 4, round: 9, slots: 2..<4, slotCount: 8, lossScale: 65_536, weights: .max)

    static var status: Status {
        var status = Status()
        status.number = .max
        status.shape = Status.Shape(parameterCount: 797_184, tableHash: "ab")
        status.holding = Status.Holding(delivery: 7, checksum: .max - 1)
        status.leases = [1, 1 << 60]
        return status
    }

    private static var shardedLease: Lease {
        var lease = lease
        lease.shards = [Shard(chunks: 0..<3, owner: WorkerID(1)), Shard(chunks: 3..<6, owner: WorkerID(2))]
        return lease
    }

    static let ofWorkers: [WorkerMessage] = [
        .join(
            Application(
                name: "ada-17", instance: .max, software: "1.0", libtorch: "2.13.0", exactnessClass: "avx2 x 2",
                cores: 2, memoryBytes: 1 << 40)),
        .ping(status), .ping(Status()), .leave, .failed(reason: "no memory"),
        .sum(SlotSum(of: lease, slots: 2..<4, weights: 5, outcomes: [outcome, outcome], seconds: 0.123_456_789)),
        .notFinite(lease: 3, round: 1, outcome: outcome), .handBack(round: 4, keeping: [0..<2, 5..<6]),
        .inquire(Inquiry(number: 4, padding: Data([0, 1, 2]), wanted: 9)),
        .painted(PicturePiece(number: 6, file: picture, offset: 1, bytes: Data([0, 255]))),
        .notPainted(number: 6, reason: "no memory"),
        .measured(Measurement(round: 9, reduction: 2, squares: [0.25, 1e300])),
    ]

    private static let picture = Content(of: [1, 0, 255])

    static let ofTheCoordinator: [CoordinatorMessage] = [
        .welcome(
            Welcome(
                run: Data([0, 255, 7]), bulkPort: 65_535, parameterCount: 1, chunkBytes: 2, creditChunks: 3, threads: 4,
                gradientFormat: .int8)),
        .refused(Refusal(field: "a", yours: "b", mine: "c", fix: "d", mayPass: true, retryAfter: 0.5)),
        .paint(PictureTask(number: 6, step: 4, index: 1, weights: picture, request: Data([5]))),
        .paintedSoFar(number: 6, count: .max), .pong(number: 1), .lease(lease), .lease(shardedLease),
        .rejoin(reason: "r"),
        .peers([
            PeerAddress(worker: WorkerID(1), incarnation: .max, address: "tcp://10.0.0.1:5572"),
            PeerAddress(worker: WorkerID(2), incarnation: 1, address: nil),
        ]),
        .reduce(
            Reduction(
                round: 9, number: 2, step: 4, slotCount: 8, lossScale: 1,
                terms: [Reduction.Term(worker: WorkerID(1), slots: 0..<4)])),
        .passOn(delivery: 5, to: [1, 2], asChange: true), .stands(delivery: 6), .resend(round: 9),
        .goodbye(finished: true, reason: "done"),
        .answer(
            InquiryAnswer(
                number: 4, software: "1.0", libtorch: "2.13.0", exactnessClass: nil, bulkPort: 5571, clock: 1.7e9,
                padding: Data([7]))),
        .reshard(round: 9, shards: [Shard(chunks: 0..<3, owner: .nobody)]),
        .paint(PictureTask(.validation, number: 7, step: 4, index: 0, weights: picture, request: Data())),
    ]

    static let operations: [RunOperation] = [
        .status, .pause, .resume, .save, .drain(worker: "gpu1"), .admit(worker: "gpu1/2"), .stop,
    ]

    static let header: Header = {
        var header = Header(.gradient, Stamp(run: RunID(1, .max), incarnation: 1 << 40, worker: WorkerID(3)))
        header.numberFormat = .float32
        header.step = 123_456
        header.round = 99
        header.slots = 4..<8
        header.shard = 2
        header.chunk = 5
        header.chunkCount = 6
        header.payloadLength = 512
        header.payloadChecksum = 0xDEAD_BEEF
        return header
    }()

    static let contentRequest = ContentRequest(
        hash: Content(of: [1, 2, 3]).hash, offset: 1 << 40, pieces: 16, startsOver: true)
}
