import Wire

/// Where people's requests wait until they are done.
///
/// Says what is to be asked of the ``Coordinator``, and answers when that has come to pass. Has no socket itself.
struct OperatorDesk {
    /// An answer, and to whom.
    typealias Answer = (peer: Peer, reply: OperationReply)

    private struct Pending {
        let peer: Peer
        let request: OperationRequest
    }

    /// Requests that may wait at one time.
    static let limit = 64
    private var pending: [Pending] = []

    /// Takes a request.
    ///
    /// - Parameter status: how the run stands.
    /// - Returns: what is to happen, if anything, and an answer for now.
    mutating func take(
        _ request: OperationRequest, from peer: Peer, _ coordinator: Coordinator, _ status: RunStatus
    ) -> (event: CoordinatorEvent?, answer: Answer) {
        func last(_ isDone: Bool, _ sentence: String) -> Answer {
            (peer, OperationReply(number: request.number, isLast: true, isDone: isDone, sentence: sentence))
        }
        let step = status.snapshot.step
        let first = status.snapshot.state == .paused || status.snapshot.state == .waiting ? "" : " after step \(step)"
        let event: CoordinatorEvent
        var interim: String
        switch request.operation {
        case .status:
            var answer = last(true, status.snapshot.sentence)
            answer.reply.status = status
            return (nil, answer)
        case .pause: (event, interim) = (.pause(reason: "an operator asked for it"), "pausing\(first)")
        case .resume:
            if coordinator.pause.asked == nil {
                let why = coordinator.pause.unsaved.map { "it holds still by itself, and goes on by itself: \($0)" }
                return (nil, last(false, why ?? "nobody has paused the run, so it cannot be resumed"))
            }
            return (.resume, last(true, "going on with step \(step)"))
        case .save: (event, interim) = (.save, "saving\(first)")
        case .drain(let name):
            if coordinator.workers(called: name).isEmpty {
                return (nil, last(false, "no worker is called \(name); \(Self.list(status.snapshot.workers))"))
            }
            (event, interim) = (.drain(name), "\(name) leaves\(first)")
        case .admit(let name):
            guard status.snapshot.quarantined.contains(where: { $0.name == name || $0.name.hasPrefix(name + "/") })
            else { return (nil, last(false, "\(name) is not kept out")) }
            return (.admit(name), last(true, "\(name) may come back"))
        case .stop: (event, interim) = (.stop(reason: "an operator asked for it"), "stopping\(first)")
        }
        guard pending.count < Self.limit else {
            return (nil, last(false, "\(Self.limit) requests are waiting for a step's end already: ask again later"))
        }
        pending.append(Pending(peer: peer, request: request))
        return (
            event,
            (peer, OperationReply(number: request.number, isLast: false, isDone: false, sentence: interim))
        )
    }

    private static func list(_ workers: [Snapshot.Worker]) -> String {
        if workers.isEmpty { return "there are none" }
        let names = workers.prefix(10).map(\.name).joined(separator: ", ")
        return "there are \(names)" + (workers.count > 10 ? " and \(workers.count - 10) others" : "")
    }

    /// Answers what is done by now.
    mutating func settle(_ coordinator: Coordinator) -> [Answer] {
        settle { request in
            switch request.operation {
            case .pause:
                if coordinator.isPaused { return (true, "paused before step \(coordinator.plan.step)") }
                return coordinator.pause.asked == nil ? (false, "somebody else had the run go on") : nil
            case .drain(let name): return coordinator.workers(called: name).isEmpty ? (true, "\(name) has left") : nil
            case .save, .stop, .status, .resume, .admit: return nil
            }
        }
    }

    /// Answers those who wanted the state saved.
    ///
    /// - Parameter failure: why it could not be; nil if it was.
    mutating func saved(step: Int, failure: String?) -> [Answer] {
        settle { request in
            guard request.operation == .save else { return nil }
            return failure.map { (false, $0) } ?? (true, "the state before step \(step) is saved")
        }
    }

    /// Answers everybody: the run ends.
    mutating func close(_ finish: Finish, step: Int) -> [Answer] {
        settle { request in
            let isStop = request.operation == .stop
            return switch finish {
            case .stopped: (isStop, isStop ? "stopped after \(step) steps" : "the run was stopped")
            case .complete: (isStop, "the run is complete")
            case .unsaved(let reason): (false, "the run has ended, but its last state could not be saved: \(reason)")
            case .gaveUp(let advice): (false, advice)
            }
        }
    }

    private mutating func settle(_ verdict: (OperationRequest) -> (isDone: Bool, sentence: String)?) -> [Answer] {
        var answers: [Answer] = []
        pending.removeAll { waiting in
            guard let (isDone, sentence) = verdict(waiting.request) else { return false }
            answers.append(
                (
                    waiting.peer,
                    OperationReply(number: waiting.request.number, isLast: true, isDone: isDone, sentence: sentence)
                ))
            return true
        }
        return answers
    }
}
