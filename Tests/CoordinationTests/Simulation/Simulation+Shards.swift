import Foundation
import Wire

@testable import Coordination

/// Workers that add up among themselves: a shard is one of the two numbers that a gradient is.
extension Simulation {
    /// A false word of a worker's, in a step whose sums are added up among workers.
    enum Lie: CaseIterable {
        /// Of how long its sum is.
        case norm
        /// A segment is not what its word was of.
        case segment
        /// What it sends to others is half as long again as what it keeps.
        case longerSegment
        /// An owner's shard is not the sum of what it was sent.
        case shard
    }

    /// What one worker sends another.
    enum PeerMessage {
        case segment(round: UInt32, Term, chunk: UInt32, Float)
        case share(Share)
    }

    /// Whose sum over which slots.
    struct Term: Hashable {
        let worker: UInt32
        let slots: Range<Int>
    }

    /// A shard of the weights.
    struct Share {
        let delivery: UInt32
        let chunks: [UInt32: Float]
        /// Before their step was decided.
        var isForeseen = false
        /// The weights of which it tells the change.
        var base: UInt64?
    }

    /// A delivery of weights as it comes in at a worker.
    struct Incoming {
        var delivery: UInt32 = 0
        var own: [UInt32: Float] = [:]
        var chunks: [UInt32: Float] = [:]
        var isUsed = false
        var base: UInt64?
    }

    /// Weights that leave before their step is decided, as far as they are known.
    struct Foreseen {
        let delivery: UInt32
        let shards: [Shard]
        let base: UInt64?
        var chunks: [UInt32: Float] = [:]
    }

    /// An owner's part of the step's sum.
    struct Reduced {
        let stamp: Stamp
        let round: UInt32
        let number: UInt32
        let chunks: [UInt32: Float]
    }

    /// What the coordinator's desk has of the step's sum.
    struct Arrived {
        var number: UInt32 = 0
        var chunks: [UInt32: Float] = [:]

        /// Begins anew where this belongs to another reduction.
        mutating func take(_ new: [UInt32: Float], of number: UInt32) {
            if self.number != number { self = Arrived(number: number) }
            chunks.merge(new) { _, new in new }
        }
    }

    /// A part of a sum whose owner is gone.
    struct Orphan {
        let round: UInt32
        let term: Term
        let chunk: UInt32
        let value: Float
    }

    /// What the coordinator adds up itself of a sharded step.
    struct Orphans {
        var parts: [Term: [UInt32: Float]] = [:]
        var reduction: Reduction?
        var squares: [Double]?
    }

    /// What a worker's link and peer desk know.
    struct Peering {
        var known: [UInt32: PeerAddress] = [:]
        var reached: Set<UInt32> = []
        /// Sums of this round.
        var kept: [(said: SlotSum, sum: FlatFloats, step: Int)] = []
        var leases: [UInt64] = []
        private var shards: (round: UInt32, [Shard])?
        private var mended: (round: UInt32, [Shard])?
        private var fallenBack: UInt32 = 0
        /// By chunk, of the newest round that anybody has sent of.
        var segments: [Term: [UInt32: Float]] = [:]
        var segmentRound: UInt32 = 0
        var reduction: Reduction?
        var hasReduced: (round: UInt32, number: UInt32) = (0, 0)
        /// Of the newest delivery.
        var share = Incoming()
        /// Of the newest that was foreseen.
        var foreseen = Incoming()
        var standing: UInt32 = 0
        var orders: [UInt32: [UInt32]] = [:]

        mutating func meet(_ peers: [PeerAddress], self own: UInt32) {
            known = Dictionary(peers.map { ($0.worker, $0) }, uniquingKeysWith: { first, _ in first })
            known[own] = nil
            reached.formIntersection(known.keys)
        }

        mutating func heed(_ lease: Lease) {
            shards = lease.shards.map { (lease.round, $0) }
            if shards == nil { mended = nil }
        }

        /// Whether it is news that an owner is gone.
        mutating func reshard(_ round: UInt32, _ shards: [Shard]) -> Bool {
            guard round > fallenBack, mended?.round != round else { return false }
            mended = (round, shards)
            return true
        }

        func shards(of round: UInt32) -> [Shard]? {
            guard round > fallenBack else { return nil }
            if let mended, mended.round == round { return mended.1 }
            return shards?.round == round ? shards?.1 : nil
        }

        /// Whether a segment of this round is wanted.
        mutating func expects(_ round: UInt32) -> Bool {
            guard round >= segmentRound, round > fallenBack else { return false }
            if round > segmentRound {
                segmentRound = round
                segments = [:]
            }
            return true
        }

        mutating func fallBack(_ round: UInt32) {
            fallenBack = max(fallenBack, round)
            segments = [:]
            reduction = nil
        }

        mutating func abandon(before round: UInt32?) {
            kept.removeAll { sum in round.map { sum.said.round < $0 } ?? true }
            leases = []
            if round.map({ segmentRound < $0 }) ?? true { segments = [:] }
            if let reduction, round.map({ reduction.round < $0 }) ?? true { self.reduction = nil }
            if round == nil {
                shards = nil
                mended = nil
                fallenBack = 0
                segmentRound = 0
            }
        }
    }

    // MARK: - Between workers

    /// The box and the process that a worker's number stands for, as its peers know it.
    private static func place(_ peer: PeerAddress?) -> (index: Int, life: Int)? {
        guard let parts = peer?.address?.split(separator: "/").compactMap({ Int($0) }), parts.count == 2 else {
            return nil
        }
        return (parts[0], parts[1])
    }

    private func isCut(_ from: Int, _ to: Int) -> Bool { now < workers[from].cutFrom[to] ?? 0 }

    /// Asks ports that have not answered, as is done every half second.
    mutating func lookForPeers(_ index: Int) {
        guard world.isSharded else { return }
        for (number, peer) in workers[index].peering.known where !workers[index].peering.reached.contains(number) {
            guard let (other, life) = Self.place(peer), workers[other].life == life, workers[other].isAlive,
                !workers[other].isFrozen,
                // A port answers only those whom its worker has been told of.
                workers[other].peering.known[workers[index].machine.stamp.worker.number] != nil, !isCut(index, other),
                !isCut(other, index)
            else { continue }
            workers[index].peering.reached.insert(number)
        }
        tellWorker(index, .reached(workers[index].peering.reached.sorted()))
    }

    mutating func send(_ message: PeerMessage, from index: Int, to number: UInt32) {
        guard let (other, life) = Self.place(workers[index].peering.known[number]) else { return }
        if isCut(index, other) {
            happened.insert(.cutOff)
            return
        }
        carry(.toPeer(other, life: life, message))
    }

    mutating func heardPeer(_ index: Int, _ message: PeerMessage) {
        switch message {
        case .segment(let round, let term, let chunk, let value):
            guard workers[index].peering.known[term.worker] != nil, workers[index].peering.expects(round) else {
                return
            }
            workers[index].peering.segments[term, default: [:]][chunk] = value
            reduce(at: index)
        case .share(let share): take(share, at: index, isOwn: false)
        }
    }

    // MARK: - Sums

    /// Sends the parts of a finished sum to those who add them up, and word of it to the coordinator.
    mutating func spread(_ said: SlotSum, _ sum: FlatFloats, to shards: [Shard], from index: Int) {
        guard let slots = said.slots else { return }
        var word = said
        word.norm = sum.norm
        var stretch: Float = 1
        switch workers[index].lie {
        case .norm:
            workers[index].lie = nil
            happened.insert(.misstatedNorm)
            word.norm = sum.norm * [1e9, 1e-9, .nan, .infinity][Int.random(in: 0..<4, using: &random)]
        case .segment:
            workers[index].lie = nil
            happened.insert(.falseSegment)
            sum.elements[1] = Self.turned(sum.elements[1])
        case .longerSegment:
            // One that nobody's measuring could tell is none.
            let ratio = abs(sum.elements[0] / sum.elements[1])
            guard (0.1...10).contains(ratio) else { break }
            workers[index].lie = nil
            happened.insert(.longerSegment)
            stretch = 1.5
        case .shard, nil: break
        }
        let stamp = workers[index].machine.stamp
        for shard in shards {
            for chunk in shard.first..<shard.end {
                let value = sum.elements[Int(chunk)] * stretch
                let term = Term(worker: stamp.worker.number, slots: slots)
                if shard.owner == WorkerID.nobody.number {
                    sendOrphan(Orphan(round: said.round, term: term, chunk: chunk, value: value), from: index)
                } else if shard.owner != stamp.worker.number {
                    send(.segment(round: said.round, term, chunk: chunk, value), from: index, to: shard.owner)
                } else if workers[index].peering.expects(said.round) {
                    workers[index].peering.segments[term, default: [:]][chunk] = value
                }
            }
        }
        let peer = Self.peer(index, workers[index].connection)
        transmit(
            .toCoordinator(.heard(.sum(word), from: peer, stamp: stamp), life: coordinatorLife, nil), with: index,
            isUp: true)
        // Its own may be the last.
        reduce(at: index)
    }

    /// Some parts of a sum leave before its last slot turns out not to be finite.
    mutating func spreadInVain(_ sum: FlatFloats, over slots: Range<Int>, of lease: Lease, from index: Int) {
        let number = workers[index].machine.stamp.worker.number
        for shard in workers[index].peering.shards(of: lease.round) ?? [] {
            for chunk in shard.first..<shard.end where Bool.random(using: &random) {
                let term = Term(worker: number, slots: slots)
                let value = sum.elements[Int(chunk)]
                happened.insert(.sumInVain)
                if shard.owner == number, workers[index].peering.expects(lease.round) {
                    workers[index].peering.segments[term, default: [:]][chunk] = value
                } else {
                    send(.segment(round: lease.round, term, chunk: chunk, value), from: index, to: shard.owner)
                }
            }
        }
    }

    /// A number whose exponent's highest bit has turned over; not finite where it was set already.
    private static func turned(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: bits & 0x4000_0000 == 0 ? bits | 0x4000_0000 : bits | 0x7F80_0000)
    }

    /// Adds up this worker's shard once all of it is there, and sends it to the coordinator.
    mutating func reduce(at index: Int) {
        let peering = workers[index].peering
        let stamp = workers[index].machine.stamp
        guard let reduction = peering.reduction, reduction.round == peering.segmentRound,
            peering.hasReduced < (reduction.round, reduction.number), !peering.segments.isEmpty
        else { return }
        var chunks: [UInt32: Float] = [:]
        var squares = Array(repeating: 0.0, count: reduction.terms.count)
        // Whatever is sent here is of this worker's shard, also where it has no lease that tells it so.
        for chunk in Set(peering.segments.values.flatMap(\.keys)).sorted() {
            var values: [Range<Int>: Float] = [:]
            for (place, term) in reduction.terms.enumerated() {
                guard let slots = term.slots,
                    let value = peering.segments[Term(worker: term.worker, slots: slots)]?[chunk]
                else { return }
                values[slots] = value
                squares[place] += Double(value) * Double(value)
            }
            chunks[chunk] = Self.sum(of: 0..<reduction.slotCount, values) ?? 0
        }
        workers[index].peering.hasReduced = (reduction.round, reduction.number)
        if workers[index].lie == .shard, let chunk = chunks.keys.min() {
            workers[index].lie = nil
            happened.insert(.falseShard)
            chunks[chunk] = chunks[chunk].map(Self.turned)
        }
        let measured = WorkerMessage.measured(
            Measurement(round: reduction.round, reduction: reduction.number, squares: squares))
        transmit(
            .toCoordinator(
                .heard(measured, from: Self.peer(index, workers[index].connection), stamp: stamp),
                life: coordinatorLife, nil), with: index, isUp: true)
        transmit(
            .reduced(
                Reduced(stamp: stamp, round: reduction.round, number: reduction.number, chunks: chunks),
                life: coordinatorLife), with: index, isUp: true)
    }

    private static func sum(of node: Range<Int>, _ values: [Range<Int>: Float]) -> Float? {
        if let value = values[node] { return value }
        guard let (left, right) = SlotTree.children(of: node) else { return nil }
        guard let first = sum(of: left, values) else { return sum(of: right, values) }
        return sum(of: right, values).map { first + $0 } ?? first
    }

    /// The coordinator's desk takes an owner's shard.
    mutating func take(_ shard: Reduced) {
        guard let round = coordinator?.round, let shards = round.shards, round.number == shard.round,
            round.reduction?.number == shard.number
        else { return }
        let owned = shard.chunks.filter { chunk, _ in
            shards.contains { $0.owner == shard.stamp.worker.number && $0.chunks?.contains(chunk) ?? false }
        }
        reduced.take(owned, of: shard.number)
        foresee(owned)
        tellOfSum(shards, round)
    }

    private mutating func tellOfSum(_ shards: [Shard], _ round: Round) {
        guard let x = reduced.chunks[0], let y = reduced.chunks[1] else { return }
        tell(
            .reduced(
                round: round.number,
                norms: shards.map { shard in
                    (shard.first..<shard.end).map { Double([x, y][Int($0)]) }.reduce(0) { $0 + $1 * $1 }.squareRoot()
                }, own: orphans.squares))
    }

    private mutating func sendOrphan(_ part: Orphan, from index: Int) {
        transmit(.orphan(part, life: coordinatorLife), with: index, isUp: true)
    }

    /// An owner is gone: its parts of sums that were made already go to the coordinator too.
    mutating func reshard(_ round: UInt32, _ shards: [Shard], from index: Int) {
        guard workers[index].peering.reshard(round, shards) else { return }
        let number = workers[index].machine.stamp.worker.number
        for kept in workers[index].peering.kept where kept.said.round == round {
            guard let slots = kept.said.slots else { continue }
            for shard in shards where shard.owner == WorkerID.nobody.number {
                for chunk in shard.first..<shard.end {
                    let term = Term(worker: number, slots: slots)
                    let value = kept.sum.elements[Int(chunk)]
                    sendOrphan(Orphan(round: round, term: term, chunk: chunk, value: value), from: index)
                }
            }
        }
    }

    /// The coordinator's desk takes a part of a sum whose owner is gone.
    mutating func take(_ part: Orphan) {
        guard let round = coordinator?.round, round.number == part.round, round.orphan?.contains(part.chunk) ?? false
        else { return }
        orphans.parts[part.term, default: [:]][part.chunk] = part.value
        addUpOrphans()
    }

    mutating func addUpOrphans() {
        guard let round = coordinator?.round, let chunks = round.orphan, let shards = round.shards,
            let reduction = orphans.reduction, orphans.squares == nil
        else { return }
        var squares = Array(repeating: 0.0, count: reduction.terms.count)
        var sums: [UInt32: Float] = [:]
        for chunk in chunks {
            var values: [Range<Int>: Float] = [:]
            for (place, term) in reduction.terms.enumerated() {
                guard let slots = term.slots,
                    let value = orphans.parts[Term(worker: term.worker, slots: slots)]?[chunk]
                else { return }
                values[slots] = value
                squares[place] += Double(value) * Double(value)
            }
            sums[chunk] = Self.sum(of: 0..<reduction.slotCount, values) ?? 0
        }
        orphans.squares = squares
        reduced.take(sums, of: reduction.number)
        tellOfSum(shards, round)
    }

    mutating func resend(_ round: UInt32, from index: Int) {
        workers[index].peering.fallBack(round)
        for kept in workers[index].peering.kept where kept.said.round == round {
            sendWhole(kept.said, kept.sum, from: index)
        }
        workers[index].computed = workers[index].peering.leases
        for lease in workers[index].peering.leases {
            queue.put(.workerEvent(index, .delivered(lease: lease), life: workers[index].life), at: now + 0.001)
        }
    }
}
