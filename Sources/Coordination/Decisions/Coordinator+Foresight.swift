import Recipe
import Wire

/// The next step's weights, which leave before the step is decided.
struct Foresight: Equatable, Sendable {
    let delivery: UInt32
    let owners: [WorkerID]
    /// Those to whom they go.
    let members: [WorkerID]
}

/// Whether foresight is worth its bytes: after a step that came out otherwise (its gradient was clipped, a slot was left
/// out), some steps are done without, twice as many each time.
struct ForesightTrust: Equatable, Sendable {
    private static let longestRest = 64
    private var rest = 0
    private var nextRest = 1

    /// Asked once for each step.
    mutating func isThere() -> Bool {
        guard rest > 0 else { return true }
        rest -= 1
        return false
    }

    mutating func learn(cameTrue: Bool) {
        rest = cameTrue ? 0 : nextRest
        nextRest = cameTrue ? 1 : min(2 * nextRest, Self.longestRest)
    }
}

/// Weights that are sent while gradients still come.
///
/// What a step leads to is decided when all of its sum is there, because of clipping, and because sums are judged. But most
/// steps are not clipped and nothing is wrong with their sums, and then each part of the new weights follows from that part
/// of the sum alone. So owners have their shards of the new weights, and pass them on, while the backward pass goes on; the step is
/// decided as always; and where it leads to these very weights, by their checksums, a word makes them valid. Where it
/// does not, they are sent as if nothing had been.
extension Coordinator {
    /// Begins to send the next step's weights, where the owners know what to add up.
    mutating func foresee() -> [CoordinatorEffect] {
        guard round.plan.canBeForeseen, settings.welcome.updateFormat == .fp32, let shards = round.shards,
            stopping == nil, trust.isThere()
        else { return [] }
        let members = membership.sorted.filter(\.mayCompute)
        let owners = shards.map { WorkerID($0.owner) }
        guard Set(owners).isSubset(of: members.map(\.id)) else { return [] }
        // Where all of them compute, all hold this step's weights before the next ones can be decided.
        let computing = Set(round.reduction?.terms.map(\.worker) ?? [])
        let asChange = members.allSatisfy { computing.contains($0.id.number) }
        lastDelivery += 1
        round.foresight = Foresight(delivery: lastDelivery, owners: owners, members: members.map(\.id))
        let words = members.filter { owners.contains($0.id) }.map { owner in
            let others = members.map(\.id.number).filter { $0 != owner.id.number }
            return CoordinatorEffect.send(
                .passOn(delivery: lastDelivery, to: others, asChange: asChange), to: owner.peer, stamp: owner.stamp)
        }
        return words + [
            .foresee(shards, step: round.plan.step + 1, delivery: lastDelivery, asChange: asChange)
        ]
    }

    /// The step is done otherwise than was foreseen.
    mutating func forgetForesight() -> [CoordinatorEffect] {
        guard round.foresight != nil else { return [] }
        round.foresight = nil
        return [.forgetForeseen]
    }

    /// Makes what was foreseen valid for the round that has just begun, if it came true.
    mutating func judge(_ foresight: Foresight?, cameTrue: Bool, at now: Duration) -> [CoordinatorEffect] {
        guard let foresight else { return [] }
        trust.learn(cameTrue: cameTrue)
        guard cameTrue else { return [.forgetForeseen] }
        round.scattered = foresight.delivery
        return foresight.members.compactMap { id in
            guard let member = membership[id], member.mustHold == 0 else { return nil }
            membership[id]?.holding = nil
            membership[id]?.sent = Status.Holding(delivery: foresight.delivery, checksum: round.plan.weights)
            membership[id]?.sentAt = now
            return .send(.stands(delivery: foresight.delivery), to: member.peer, stamp: member.stamp)
        }
    }
}
