package import Wire

/// How a run stands at one instant, for people and programs that watch.
package struct Snapshot: Codable, Equatable, Sendable {
    /// What the run is doing.
    package enum State: String, Codable, Sendable {
        /// Nobody who could compute is there, or the first step still waits for more.
        case waiting
        case computing
        /// The optimizer has the step.
        case applying
        /// Finishes the step, and then holds still.
        case pausing
        case paused
        /// All steps are done; pictures of the last one are being made, or its validation loss is measured.
        case finishingPictures
        /// Finishes the step, saves, and ends.
        case stopping
        case over
    }

    /// One worker.
    package struct Worker: Codable, Equatable, Sendable {
        /// What a worker is doing.
        package enum Activity: String, Codable, Sendable {
            /// Loads the model.
            case starting
            /// Opens its bulk connection.
            case connecting
            case receivingWeights
            case computing
            /// Makes a picture, and computes no slot meanwhile.
            case painting
            /// Measures the validation loss, and computes no slot meanwhile.
            case validating
            case idle
        }

        package var number: UInt32
        package var name: String
        package var activity: Activity
        package var exactnessClass: String
        /// `cpu`, `cuda:0`; nil where it did not say.
        package var device: String?
        package var memory: Status.Memory?
        /// Seconds since anything was heard of it.
        package var lastSeen: Double
        /// Silent for so long that it gets no new slots.
        package var isSuspect: Bool
        /// Leaves after this step.
        package var isLeaving: Bool
        /// Slots a second; nil before the first.
        package var speed: Double?
        /// Slots it has been asked for, and how many of them it has not brought.
        package var slots: Range<Int>?
        package var missing: Int
        /// The one it said last that it was computing.
        package var slot: Int?

        /// Seconds that its slots may still take; one that is silent counts as longer than any that is not.
        fileprivate var patience: Double {
            (isSuspect ? 1e9 : 0) + Double(missing) / max(speed ?? 1e-3, 1e-3)
        }

        func phrase(slotCount: Int) -> String {
            let deed =
                switch activity {
                case .starting: "loading the model"
                case .connecting: "opening its bulk connection"
                case .receivingWeights: "receiving weights"
                case .computing:
                    slot.map { "computing slot \($0) of \(slotCount)" }
                        ?? "\(missing) of \(slotCount) slots to bring"
                case .painting: "making a picture"
                case .validating: "measuring the validation loss"
                case .idle: "idle"
                }
            return "\(name) (last seen \((lastSeen * 10).rounded() / 10) s ago, \(deed))"
        }
    }

    /// A worker that may not come back yet.
    package struct Quarantined: Codable, Equatable, Sendable {
        package var name: String
        /// Seconds until it may.
        package var seconds: Double
        package var reason: String
    }

    package var state: State
    /// Why the run holds still, will, or ends; nil while it goes on.
    package var reason: String?
    package var step: Int
    /// The step's slots, and how many of them are in.
    package var slotCount: Int
    package var slotsDone: Int
    /// Seconds since the step's first slot was given out; nil before.
    package var seconds: Double?
    /// In order of their numbers.
    package var workers: [Worker]
    /// In order of their names.
    package var quarantined: [Quarantined]
    package var dropped: Coordinator.Dropped

    /// Those whom the step waits for.
    package var awaited: [Worker] { workers.filter { $0.missing > 0 } }

    /// As ``sentence``, with one worker named at most: the one that the step will wait for longest.
    package var brief: String {
        let slowest = awaited.max { $0.patience < $1.patience }
        guard let slowest, awaited.count > 1, [.computing, .pausing, .stopping].contains(state) else {
            return sentence
        }
        return "step \(step): waiting for \(slowest.phrase(slotCount: slotCount)) and "
            + Snapshot.others(awaited.count - 1)
    }

    /// What is happening, and whom or what it waits for.
    package var sentence: String {
        switch state {
        case .waiting:
            let able = workers.filter { ![.starting, .connecting].contains($0.activity) && !$0.isSuspect }.count
            if workers.isEmpty { return "step \(step) waits for a worker to join" }
            if able == 0 {
                return "step \(step) waits for \(workers.count) worker\(workers.count == 1 ? "" : "s") to get ready: "
                    + list(workers)
            }
            return "step \(step) waits for more workers to join; \(able) \(able == 1 ? "is" : "are") ready"
        case .computing, .pausing, .stopping:
            let end = reason.map { " (\(state.rawValue) after it: \($0))" } ?? ""
            if awaited.isEmpty { return "step \(step): waiting for a worker to compute the other slots" + end }
            return "step \(step): waiting for \(list(awaited))" + end
        case .applying: return "step \(step): the optimizer has it"
        case .paused: return "paused before step \(step): \(reason ?? "asked to")"
        case .finishingPictures:
            let makers = workers.filter { [.painting, .validating].contains($0.activity) }
            return "all steps are done; waiting for "
                + (makers.isEmpty ? "a worker to make the last pictures or validation losses" : list(makers))
        case .over: return "the run is over"
        }
    }

    private func list(_ workers: [Worker]) -> String {
        let named = workers.prefix(3).map { $0.phrase(slotCount: slotCount) }
        let others = workers.count - named.count
        return (named + (others > 0 ? [Snapshot.others(others)] : [])).joined(separator: ", ")
    }

    private static func others(_ count: Int) -> String { "\(count) other\(count == 1 ? "" : "s")" }
}

extension Coordinator {
    /// How the run stands.
    ///
    /// - Parameter now: the time, as ``handle(_:at:)`` is told it.
    package func snapshot(at now: Duration) -> Snapshot {
        Snapshot(
            state: state, reason: stopping ?? pause.reason, step: round.plan.step, slotCount: round.plan.slotCount,
            slotsDone: round.outcomes.count + round.leftOut.count,
            seconds: round.beganAt.map { (now - $0).inSeconds },
            workers: membership.sorted.map { worker($0, at: now) },
            quarantined: membership.quarantine.active(at: now).sorted { $0.key < $1.key }.map {
                Snapshot.Quarantined(name: $0, seconds: ($1.until - now).inSeconds, reason: $1.reason)
            }, dropped: dropped)
    }

    private var state: Snapshot.State {
        switch phase {
        case .over: .over
        case .closing: .stopping
        case .awaitingPictures: .finishingPictures
        case .applying: stopping == nil ? .applying : .stopping
        case .computing:
            if stopping != nil {
                .stopping
            } else if pause.reason != nil {
                isPaused ? .paused : .pausing
            } else {
                round.beganAt == nil ? .waiting : .computing
            }
        }
    }

    private func worker(_ member: Membership.Member, at now: Duration) -> Snapshot.Worker {
        let grant = round.openGrant(of: member.id)
        let activity: Snapshot.Worker.Activity =
            if !member.isReady {
                .starting
            } else if !member.hasBulk {
                .connecting
            } else if grant == nil, let kind = easel.kind(by: member.id) {
                switch kind {
                case .picture: .painting
                case .validation: .validating
                }
            } else if phase == .computing && member.holding?.checksum != round.plan.weights {
                .receivingWeights
            } else {
                grant == nil ? .idle : .computing
            }
        return Snapshot.Worker(
            number: member.id.number, name: member.name, activity: activity,
            exactnessClass: member.application.exactnessClass,
            device: member.application.device.map(Membership.visible), memory: member.memory,
            lastSeen: max(0, (now - member.heardAt).inSeconds),
            isSuspect: member.isSuspect, isLeaving: member.isDraining, speed: speeds.speed(of: member.id),
            slots: grant?.slots, missing: grant?.missing.count ?? 0, slot: grant == nil ? nil : member.slot)
    }
}
