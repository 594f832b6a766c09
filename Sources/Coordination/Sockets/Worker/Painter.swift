import ContentStore
import Synchronization
import Wire
import ZeroMQ

/// The picture, or the validation losses, that a learning thread works on while it has no jobs, and between slots.
struct Painter {
    private let bench: Workbench
    private var number: UInt64 = 0
    private var picture: (any Painting)?

    init(_ bench: Workbench) {
        self.bench = bench
    }

    var isBusy: Bool { picture != nil }

    /// Gets the weights, and begins.
    ///
    /// - Throws: ``ContentLine/Failure/over`` alone; the coordinator is told of all else, and the worker goes on.
    mutating func begin(_ task: PictureTask, with learner: any Learner, from contents: ContentLine) throws {
        picture = nil
        number = task.number
        guard isWanted else { return }
        do {
            guard task.weights.count == learner.parameterCount * 4 else {
                throw ContentError.wrongHash(found: task.weights.hash, wanted: task.weights.hash)
            }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(task.weights.count)
            try contents.fetch([ContentPart(task.weights)]) { _, piece, _ in bytes.append(contentsOf: piece) }
            let found = Content(of: bytes)
            guard found == task.weights else {
                throw ContentError.wrongHash(found: found.hash, wanted: task.weights.hash)
            }
            let weights = bytes.withUnsafeBytes(Self.floats)
            picture =
                switch task.kind {
                case .picture: try learner.picture(task.request, weights: weights)
                case .validation: try learner.validation(task.request, weights: weights)
                }
        } catch ContentLine.Failure.over {
            throw ContentLine.Failure.over
        } catch {
            bench.reports.put(.notPainted(number: number, reason: "\(error)"))
        }
        bench.progress.wrappingAdd(1, ordering: .relaxed)
    }

    /// Goes on with the picture, if there is one and it is still wanted.
    mutating func advance() {
        guard let picture else { return }
        guard isWanted else {
            self.picture = nil
            return
        }
        do {
            if let file = try picture.advance() {
                self.picture = nil
                bench.reports.put(.painted(number: number, file))
            }
        } catch {
            self.picture = nil
            bench.reports.put(.notPainted(number: number, reason: "\(error)"))
        }
        bench.progress.wrappingAdd(1, ordering: .relaxed)
    }

    private var isWanted: Bool { bench.painting.load(ordering: .relaxed) == number }

    /// Little-endian, as this machine's are.
    private static func floats(_ bytes: UnsafeRawBufferPointer) -> [Float] {
        (0..<bytes.count / 4).map {
            Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
        }
    }
}
