package import ContentStore
package import Foundation
import Wire

/// Pictures and validation losses that are due, with the weights that they are of.
package struct PictureOrder: Equatable, Sendable {
    /// How many steps have been done.
    package var step: Int
    /// The flat weights, which the coordinator hands out.
    package var weights: Content
    /// One for each picture; see ``PictureTask/request``.
    package var requests: [Data]
    /// What measures the validation losses; nil where they are not due.
    package var validation: Data?
    /// Whether no step comes after it, so that the run waits for them.
    package var isLast: Bool

    package init(step: Int, weights: Content, requests: [Data], validation: Data? = nil, isLast: Bool) {
        self.step = step
        self.weights = weights
        self.requests = requests
        self.validation = validation
        self.isLast = isLast
    }
}

/// What is to be made while the run goes on, pictures and validation losses, and who does it: one at a time, by one worker.
struct Easel: Sendable {
    /// What a piece or a refusal led to.
    enum Outcome: Equatable {
        case nothing
        /// So many bytes are here.
        case more(Int)
        case finished(PictureTask, [UInt8])
        case failed(PictureTask, reason: String)
    }

    private struct Work {
        let task: PictureTask
        let painter: WorkerID
        let since: Duration
        /// When its painter was last seen to get on with it, and the longest that it has stood still so far.
        var movedAt: Duration
        var longestRest = Duration.zero
        var bytes: [UInt8] = []
        var file: Content?
    }

    /// In the order in which they are made.
    private var waiting: [PictureTask] = []
    private var work: Work?
    /// How often a task has been taken back because its worker was gone, or could not.
    private var setbacks: [UInt64: Int] = [:]
    private var refusers: [UInt64: Set<WorkerID>] = [:]
    /// The longest that each worker has stood still at each of the pictures that it has made, by their place in a set.
    private var rests: [WorkerID: [Int: Duration]] = [:]
    private var lastNumber: UInt64 = 0
    /// Steps whose pictures may be waiting; more would hold more weights in memory.
    private static let capacity = 2
    /// Workers that may be lost over one picture.
    static let patience = 3

    /// What is not done, each kind once.
    var kinds: [PictureTask.Kind] {
        let all = (waiting + [work?.task].compactMap { $0 }).map(\.kind)
        return [.validation, .picture].filter(all.contains)
    }
    var isEmpty: Bool { waiting.isEmpty && work == nil }
    /// Who makes a picture now.
    // Inlined into a caller that changes the coordinator, it makes Swift 6.3's optimizer fail on its own checks.
    @inline(never) var painter: WorkerID? { work?.painter }
    /// What a worker makes now; nil where that is nothing.
    func kind(by id: WorkerID) -> PictureTask.Kind? { work?.painter == id ? work?.task.kind : nil }
    /// The longest that the painter has stood still at the picture in hand when it made it for an earlier step.
    var restBefore: Duration? { work.flatMap { rests[$0.painter]?[$0.task.index] } }
    /// When the painter was asked, or was last seen to get on.
    var movedAt: Duration? { work?.movedAt }
    /// Of all tasks that are not done, whose weights are still needed.
    var weights: Set<Content> { Set((waiting + [work?.task].compactMap { $0 }).map(\.weights)) }
    private var steps: Set<Int> { Set((waiting + [work?.task].compactMap { $0 }).map(\.step)) }

    /// Takes pictures in; false where too many are waiting already.
    mutating func add(_ order: PictureOrder) -> Bool {
        guard order.isLast || steps.count < Self.capacity || steps.contains(order.step) else { return false }
        if let validation = order.validation { append(.validation, index: 0, validation, of: order) }
        for (index, request) in order.requests.enumerated() { append(.picture, index: index, request, of: order) }
        return true
    }

    private mutating func append(_ kind: PictureTask.Kind, index: Int, _ request: Data, of order: PictureOrder) {
        lastNumber += 1
        waiting.append(
            PictureTask(
                kind, number: lastNumber, step: order.step, index: index, weights: order.weights, request: request))
    }

    /// Gives the next picture to somebody, if none is being made.
    ///
    /// - Parameter ready: in the order of preference.
    mutating func assign(to ready: [WorkerID], at now: Duration) -> (task: PictureTask, painter: WorkerID)? {
        guard work == nil, let task = waiting.first,
            let painter = ready.first(where: { refusers[task.number]?.contains($0) != true })
        else { return nil }
        waiting.removeFirst()
        work = Work(task: task, painter: painter, since: now, movedAt: now)
        return (task, painter)
    }

    /// A worker's learner gets on, with the picture or with what is between.
    mutating func moved(_ id: WorkerID, at now: Duration) {
        guard let work, work.painter == id else { return }
        self.work?.longestRest = max(work.longestRest, now - work.movedAt)
        self.work?.movedAt = now
    }

    /// Takes in the next bytes of the picture that a worker makes.
    mutating func take(_ piece: PicturePiece, from id: WorkerID) -> Outcome {
        guard var work, work.painter == id, work.task.number == piece.number else { return .nothing }
        // It says a piece again as long as it has not heard that it came.
        if work.file == piece.file, piece.offset != work.bytes.count { return .more(work.bytes.count) }
        guard work.file == nil || work.file == piece.file, piece.offset == work.bytes.count,
            !piece.bytes.isEmpty, piece.bytes.count <= PicturePiece.limit,
            (1...PicturePiece.largestFile).contains(piece.file.count),
            piece.bytes.count <= piece.file.count - piece.offset
        else { return fail("what it sent of it does not fit together") }
        work.file = piece.file
        work.bytes += piece.bytes
        self.work = work
        guard work.bytes.count == piece.file.count else { return .more(work.bytes.count) }
        guard Content(of: work.bytes) == piece.file else { return fail("it arrived damaged") }
        self.work = nil
        forget(work.task)
        rests[id, default: [:]][work.task.index] = max(rests[id]?[work.task.index] ?? .zero, work.longestRest)
        return .finished(work.task, work.bytes)
    }

    /// The worker cannot make it; another one is asked.
    mutating func refused(_ number: UInt64, reason: String, by id: WorkerID) -> Outcome {
        guard let work, work.painter == id, work.task.number == number else { return .nothing }
        refusers[number, default: []].insert(id)
        return fail(reason)
    }

    /// A worker is gone, and does not come back under its number.
    mutating func left(_ id: WorkerID) -> Outcome {
        rests[id] = nil
        return lost(id, reason: "its workers were lost over it")
    }

    /// A worker does not know of its task any more.
    mutating func lost(_ id: WorkerID, reason: String) -> Outcome {
        work?.painter == id ? fail(reason) : .nothing
    }

    /// Whether a worker that says what it makes has lost its task on the way.
    func isForgotten(by id: WorkerID, making number: UInt64?, patience: Duration, at now: Duration) -> Bool {
        guard let work, work.painter == id else { return false }
        return number != work.task.number && now - work.since > patience
    }

    /// Lets go of everything; nobody waits for it any more.
    mutating func clear() { self = Easel(lastNumber: lastNumber) }

    init(lastNumber: UInt64 = 0) { self.lastNumber = lastNumber }

    /// Puts the picture back, before all others, unless it has cost too much already.
    private mutating func fail(_ reason: String) -> Outcome {
        guard let task = work?.task else { return .nothing }
        work = nil
        setbacks[task.number, default: 0] += 1
        guard setbacks[task.number, default: 0] < Self.patience else {
            forget(task)
            return .failed(task, reason: reason)
        }
        waiting.insert(task, at: 0)
        return .nothing
    }

    /// Gives up the next picture where everybody who is here has refused it.
    mutating func giveUp(among ready: [WorkerID]) -> PictureTask? {
        guard work == nil, let task = waiting.first, !ready.isEmpty,
            ready.allSatisfy({ refusers[task.number]?.contains($0) == true })
        else { return nil }
        waiting.removeFirst()
        forget(task)
        return task
    }

    private mutating func forget(_ task: PictureTask) {
        setbacks[task.number] = nil
        refusers[task.number] = nil
    }
}
