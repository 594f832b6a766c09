import Foundation
import Recipe
import Synchronization
import Testing
import Wire
import ZeroMQ

@testable import Coordination

@Suite struct `Changes of the weights` {
    private static let count = 3_333
    private static let chunkBytes = 4 * 1000

    private func weights(_ step: Int) -> [Float] {
        (0..<Self.count).map { index in
            let change = StraightLine.random(UInt64(index + 7 * step)) - 0.5
            return StraightLine.random(UInt64(index)) + Float(step) * 0.001 * change
        }
    }

    private func header(_ chunk: UInt32, _ weights: OutgoingWeights, delivery: UInt32, asUpdate: Bool) -> Header {
        var header = Header(.weights, Stamp(run: RunID(1, 2), incarnation: 3, worker: WorkerID(1)))
        header.round = delivery
        header.chunk = chunk
        header.chunkCount = UInt32(weights.checksums.each.count)
        if asUpdate, let update = weights.update {
            header.numberFormat = update.encoded.format.numberFormat
            return header.describing(UnsafeRawBufferPointer(update.encoded[chunk]))
        }
        header.numberFormat = .float32
        return header.describing(bytes(chunk, weights))
    }

    private func bytes(_ chunk: UInt32, _ weights: OutgoingWeights) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            rebasing: weights.floats.bytes[chunkRange(Int(chunk), of: Self.count * 4, in: Self.chunkBytes)])
    }

    /// All chunks of a delivery, the last first; what the worker then holds.
    private func deliver(
        _ weights: OutgoingWeights, _ delivery: UInt32, asUpdate: Bool, to intake: inout WeightsIntake
    ) throws -> FlatFloats? {
        var whole: FlatFloats?
        for chunk in (0..<UInt32(weights.checksums.each.count)).reversed() {
            let update = asUpdate ? weights.update : nil
            let payload = try Frame(update.map { UnsafeRawBufferPointer($0.encoded[chunk]) } ?? bytes(chunk, weights))
            let header = header(chunk, weights, delivery: delivery, asUpdate: asUpdate)
            whole = try intake.take(header, payload, isOwnShare: false)?.floats ?? whole
        }
        return whole
    }

    @Test(arguments: [GradientFormat.bf16, .int8])
    func `lead workers to the coordinator's bits, which stay next to the true weights`(format: GradientFormat) throws {
        var intake = WeightsIntake(parameterCount: Self.count, chunkBytes: Self.chunkBytes, updateFormat: format)
        var outgoing = weights(0).withUnsafeBufferPointer { OutgoingWeights(copying: $0, chunkBytes: Self.chunkBytes) }
        #expect(try deliver(outgoing, 1, asUpdate: false, to: &intake)?.checksum == outgoing.checksum)
        for step in 1...40 {
            let truth = weights(step)
            outgoing = truth.withUnsafeBufferPointer {
                OutgoingWeights(nearest: $0, after: outgoing, format: format, chunkBytes: Self.chunkBytes)
            }
            #expect(try deliver(outgoing, UInt32(step + 1), asUpdate: true, to: &intake)?.checksum == outgoing.checksum)
            let off = zip(outgoing.floats.elements, truth).map { abs($0 - $1) }.max() ?? .infinity
            // A step changes a weight by 0.001 and the little it was off: a rounding of that is 1/254 of it at most.
            #expect(off < 0.000_1 * Float(step + 1))
        }
        let encoded = try #require(outgoing.update?.encoded)
        let size = (0..<UInt32(outgoing.checksums.each.count)).reduce(0) { $0 + encoded[$1].count }
        #expect(size <= (format == .bf16 ? 2 : 1) * Self.count + 4 * (Self.count / 256 + 4))
    }

    @Test func `are the weights themselves where nothing is rounded, or nothing came before`() {
        let before = weights(1).withUnsafeBufferPointer { OutgoingWeights(copying: $0, chunkBytes: Self.chunkBytes) }
        weights(2).withUnsafeBufferPointer { after in
            let plain = OutgoingWeights(nearest: after, after: before, format: .fp32, chunkBytes: Self.chunkBytes)
            #expect(plain.update == nil && Array(plain.floats.elements) == Array(after))
            let longer = OutgoingWeights(
                nearest: UnsafeBufferPointer(rebasing: after.prefix(9)), after: before, format: .int8,
                chunkBytes: Self.chunkBytes)
            #expect(longer.update == nil && longer.floats.count == 9)
        }
    }

    @Test func `are passed on as they came, also where others' shards are here first`() throws {
        var intake = WeightsIntake(parameterCount: Self.count, chunkBytes: Self.chunkBytes, updateFormat: .int8)
        let before = weights(0).withUnsafeBufferPointer { OutgoingWeights(copying: $0, chunkBytes: Self.chunkBytes) }
        _ = try deliver(before, 1, asUpdate: false, to: &intake)
        let outgoing = weights(1).withUnsafeBufferPointer {
            OutgoingWeights(nearest: $0, after: before, format: .int8, chunkBytes: Self.chunkBytes)
        }
        let update = try #require(outgoing.update)
        for (chunk, isOwnShare) in [(UInt32(0), false), (1, true), (2, true), (3, false)] {
            let payload = try Frame(UnsafeRawBufferPointer(update.encoded[chunk]))
            let header = header(chunk, outgoing, delivery: 2, asUpdate: true)
            _ = try intake.take(header, payload, isOwnShare: isOwnShare)
        }
        for chunk in UInt32(1)...2 {
            let written = try #require(intake.written?[chunk])
            #expect(checksum(UnsafeRawBufferPointer(written)) == update.checksums[chunk])
        }
    }

    @Test func `are nothing to who holds nothing`() throws {
        let before = weights(1).withUnsafeBufferPointer { OutgoingWeights(copying: $0, chunkBytes: Self.chunkBytes) }
        let outgoing = weights(2).withUnsafeBufferPointer {
            OutgoingWeights(nearest: $0, after: before, format: .bf16, chunkBytes: Self.chunkBytes)
        }
        var intake = WeightsIntake(parameterCount: Self.count, chunkBytes: Self.chunkBytes, updateFormat: .bf16)
        #expect(try deliver(outgoing, 1, asUpdate: true, to: &intake) == nil)
        #expect(try deliver(outgoing, 2, asUpdate: false, to: &intake)?.checksum == outgoing.checksum)
    }
}

@Suite(.serialized) struct `A cluster that sends changes of the weights` {
    private static let steps = 8
    private static let exact = Result { try run(.fp32, .star) }

    /// What the workers held, and what the master had, at each step.
    ///
    /// - Parameter isLate: whether a third worker joins after some steps.
    private static func run(
        _ format: GradientFormat, _ topology: Topology, isLate: Bool = false
    ) throws -> (held: [Int: [Float]], master: RunningCoordinator.Ended, notes: [Note]) {
        var configuration = LoopbackCluster.configuration(minimumWorkers: 2)
        configuration.updateFormat = format
        configuration.topology = topology
        let held = Mutex<[Int: [Float]]>([:])
        let master = StraightLineMaster(totalSteps: steps)
        let commands = Mutex<Mailbox<CoordinatorCommand>?>(nil)
        let running = try RunningCoordinator(configuration, master) { happening in
            guard isLate else { return }
            switch happening {
            case .stepped(let contribution, _) where contribution.step == 2:
                commands.withLock { $0 }?.put(.pause(reason: "somebody is late"))
            case .note(.ready(_, "late")): commands.withLock { $0 }?.put(.resume)
            default: break
            }
        }
        commands.withLock { $0 = running.commands }
        func worker(_ name: String) throws -> LoopbackWorker {
            try LoopbackWorker(name, at: running.address, hasDataPort: topology == .sharded) { learner in
                learner.before = { [unowned learner] step, _ in held.withLock { $0[step] = learner.weights } }
            }
        }
        var workers = try ["w1", "w2"].map(worker)
        if isLate {
            while !running.notes().contains(where: { if case .paused = $0 { true } else { false } }) {
                Thread.sleep(forTimeInterval: 0.005)
            }
            workers.append(try worker("late"))
        }
        let ended = try running.result()
        for worker in workers { _ = try worker.end() }
        return (held.withLock { $0 }, ended, running.notes())
    }

    @Test(arguments: [GradientFormat.bf16, .int8], [Topology.star, .sharded])
    func `finds the straight line, and every worker confirms what it holds`(
        format: GradientFormat, topology: Topology
    ) throws {
        let exact = try Self.exact.get()
        let (held, ended, notes) = try Self.run(format, topology)
        #expect(ended.finish == .complete && ended.dropped == Coordinator.Dropped())
        #expect(ended.contributions.allSatisfy { $0.isSharded == (topology == .sharded) })
        // Of a damaged delivery, or of one that did not come, there would be a word.
        #expect(!notes.contains { if case .damagedWeights = $0 { true } else { false } })
        // The first step's weights are the master's; the others are next to what an exact run has, and not the same.
        #expect(held[0] == exact.held[0] && held[Self.steps - 1] != exact.held[Self.steps - 1])
        let off = zip(ended.weights, exact.master.weights).map { abs($0 - $1) }.max() ?? .infinity
        #expect(off < 0.02)
    }

    @Test(arguments: [Topology.star, .sharded])
    func `sends all of them to who comes later`(topology: Topology) throws {
        let (_, ended, notes) = try Self.run(.int8, topology, isLate: true)
        #expect(ended.finish == .complete)
        #expect(!notes.contains { if case .damagedWeights = $0 { true } else { false } })
        #expect(Set(ended.contributions.flatMap { $0.shares.map(\.name) }).contains("late"))
    }
}
