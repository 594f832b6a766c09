import Wire

/// Who makes pictures, or measures the validation losses, while the others train on.
///
/// The slowest worker makes them, and gets no slots meanwhile where there is another to compute them; a worker that is alone
/// makes them between its slots. No step ever waits for a picture; only the end of the run does, for those of its last step.
extension Coordinator {
    /// How long the end of a run waits for somebody who could make its pictures.
    private static let lastPatience = Duration.seconds(30)

    mutating func due(_ order: PictureOrder) -> [CoordinatorEffect] {
        guard !order.requests.isEmpty || order.validation != nil else { return [.release(order.weights)] }
        if easel.add(order) { return [] }
        let release: [CoordinatorEffect] = easel.weights.contains(order.weights) ? [] : [.release(order.weights)]
        let reason = "earlier steps' are not finished"
        let notes = [
            order.validation.map { _ in Note.notValidated(step: order.step, reason: reason + "; validate less often") },
            order.requests.first.map { _ in .noPicture(step: order.step, reason: reason + "; make them less often") },
        ]
        return release + notes.compactMap { $0.map(CoordinatorEffect.note) }
    }

    /// Whether somebody else computes slots while this worker makes a picture.
    func isSpared(_ id: WorkerID) -> Bool {
        easel.painter == id && membership.members.values.contains { $0.id != id && $0.mayCompute }
    }

    /// Hands out the next picture; ends the run when its last one is there.
    mutating func seeToPictures(at now: Duration) -> [CoordinatorEffect] {
        guard !easel.isEmpty || isWaitingForPictures else { return [] }
        if case .closing = phase { return [] }
        if phase == .over { return [] }
        let ready = membership.sorted.filter(\.mayCompute).sorted {
            (speeds.speed(of: $0.id) ?? .infinity, $0.id) < (speeds.speed(of: $1.id) ?? .infinity, $1.id)
        }.map(\.id)
        var effects: [CoordinatorEffect] = []
        if let task = easel.giveUp(among: ready) {
            effects += dropped(task, reason: "no worker can do it")
        }
        if let (task, painter) = easel.assign(to: ready, at: now), let member = membership[painter] {
            effects.append(.send(.paint(task), to: member.peer, stamp: member.stamp))
        }
        guard case .awaitingPictures(let since) = phase else { return effects }
        if !ready.isEmpty { phase = .awaitingPictures(since: now) }
        if ready.isEmpty && !easel.isEmpty && now - since > Self.lastPatience {
            effects += easel.kinds.map { .note(Self.lost($0, step: plan.step + 1, reason: "nobody is left to do it")) }
            easel.clear()
        }
        return easel.isEmpty ? effects + finish(.complete) : effects
    }

    /// How long a worker's picture has stood still, and how long it may; nil where it makes none.
    func rest(of id: WorkerID, at now: Duration) -> (lasts: Duration, mayLast: Duration)? {
        guard easel.painter == id, let movedAt = easel.movedAt else { return nil }
        let mayLast =
            easel.restBefore.map { max(settings.patience.stuck, $0 * 5) }
            ?? speeds.speed(of: id).map { max(settings.patience.pictureAtFirst, .seconds(min(1e6, 100 / $0))) }
            ?? settings.patience.stuckAtFirst
        return (now - movedAt, mayLast)
    }

    private var isWaitingForPictures: Bool { if case .awaitingPictures = phase { true } else { false } }

    mutating func painted(_ piece: PicturePiece, by id: WorkerID, at now: Duration) -> [CoordinatorEffect] {
        easel.moved(id, at: now)
        return settle(easel.take(piece, from: id), with: id, number: piece.number)
    }

    mutating func notPainted(_ number: UInt64, reason: String, by id: WorkerID) -> [CoordinatorEffect] {
        settle(easel.refused(number, reason: String(reason.prefix(300)), by: id), with: id, number: number)
    }

    /// A worker is gone; its picture is made by another.
    mutating func lostPainter(_ id: WorkerID) -> [CoordinatorEffect] {
        settle(easel.left(id), with: id, number: 0)
    }

    /// A worker said in a ping what picture it makes.
    mutating func makes(_ number: UInt64?, _ id: WorkerID, at now: Duration) -> [CoordinatorEffect] {
        guard easel.isForgotten(by: id, making: number, patience: settings.patience.ping * 2.5, at: now) else {
            return []
        }
        return settle(easel.lost(id, reason: "it was lost on the way"), with: id, number: 0)
    }

    private mutating func settle(
        _ outcome: Easel.Outcome, with id: WorkerID, number: UInt64
    ) -> [CoordinatorEffect] {
        func receipt(_ count: Int) -> [CoordinatorEffect] {
            guard let member = membership[id] else { return [] }
            return [.send(.paintedSoFar(number: number, count: count), to: member.peer, stamp: member.stamp)]
        }
        switch outcome {
        // Of what it has sent nothing is wanted; 0 stands for no message of its own.
        case .nothing: return number == 0 ? [] : receipt(.max)
        case .more(let count): return receipt(count)
        case .finished(let task, let file):
            return receipt(file.count) + [.keepResult(task, file, by: membership[id]?.name ?? "\(id)")]
                + releaseWeights(of: task)
        case .failed(let task, let reason):
            return (number == 0 ? [] : receipt(.max)) + dropped(task, reason: reason)
        }
    }

    private func dropped(_ task: PictureTask, reason: String) -> [CoordinatorEffect] {
        [.note(Self.lost(task.kind, step: task.step, number: task.index, reason: reason))] + releaseWeights(of: task)
    }

    private static func lost(_ kind: PictureTask.Kind, step: Int, number: Int? = nil, reason: String) -> Note {
        switch kind {
        case .picture: .noPicture(step: step, number: number, reason: reason)
        case .validation: .notValidated(step: step, reason: reason)
        }
    }

    private func releaseWeights(of task: PictureTask) -> [CoordinatorEffect] {
        easel.weights.contains(task.weights) ? [] : [.release(task.weights)]
    }
}
