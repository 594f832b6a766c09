import Recipe
import TestSupport
import Testing
import Wire
import ZeroMQ

@testable import Coordination

@Suite struct `A chunk in fewer bytes` {
    private static let count = 5_000
    private static let chunkBytes = 8_000
    private static let stamp = Stamp(run: RunID(1, 2), incarnation: 3, worker: WorkerID(4))

    /// Weights after so many steps.
    private func weights(_ step: Int) -> FlatFloats {
        let floats = FlatFloats(count: Self.count)
        for index in 0..<Self.count {
            let change = StraightLine.random(UInt64(index + 7 * step)) - 0.5
            floats.elements[index] = StraightLine.random(UInt64(index)) - 0.5 + Float(step) * 1e-5 * change
        }
        return floats
    }

    /// All chunks as they leave a packing outflow.
    private func parcels(
        of floats: FlatFloats, _ kind: Header.Kind, step: UInt64, delivery: UInt32, since base: FlatFloats? = nil
    ) throws -> [(header: Header, payload: Frame)] {
        var header = Header(kind, Self.stamp)
        header.step = step
        header.round = delivery
        header.part = 0..<3
        var outflow = Outflow(chunkBytes: Self.chunkBytes, creditChunks: 64, isPacking: true)
        outflow.put(
            Outflow.Parcel(
                header: header, floats: floats, ending: nil,
                part: Outflow.Parcel.Part(chunks: 0..<3, count: Self.count, start: 0),
                packed: PackedChunks(since: base)))
        var parcels: [(Header, Frame)] = []
        try outflow.pump { frames throws(ZeroMQError) in
            let head = try? frames[0].withUnsafeBytes { bytes throws(WireError) in try Header.parse(bytes) }
            if let head { parcels.append((head, frames[1])) }
        }
        return parcels
    }

    private func intake() -> WeightsIntake {
        WeightsIntake(parameterCount: Self.count, chunkBytes: Self.chunkBytes, updateFormat: .fp32)
    }

    /// What the worker may use once these have come.
    private func take(
        _ parcels: [(header: Header, payload: Frame)], _ intake: inout WeightsIntake
    ) throws -> FlatFloats? {
        var whole: FlatFloats?
        for parcel in parcels {
            whole = try intake.take(parcel.header, parcel.payload, isOwnShare: false)?.floats ?? whole
        }
        return whole
    }

    @Test func `is taken as the same chunk as it is would be`() throws {
        let floats = weights(0)
        let parcels = try parcels(of: floats, .weights, step: 0, delivery: 1)
        #expect(parcels.map(\.header.numberFormat) == [.packedFloat32, .packedFloat32, .packedFloat32])
        #expect(parcels.reduce(0) { $0 + $1.payload.count } < 4 * Self.count * 9 / 10)
        var intake = intake()
        #expect(try take(parcels, &intake)?.checksum == floats.checksum)
    }

    @Test func `is refused where it is not what was sent, and missed like one that never came`() throws {
        var parcels = try parcels(of: weights(0), .weights, step: 0, delivery: 1)
        let good = parcels[1]
        var bytes = good.payload.bytes
        bytes[bytes.count / 2] ^= 1
        parcels[1].payload = try Frame(bytes)
        var intake = intake()
        #expect(throws: WireError.self) { _ = try take(Array(parcels[...1]), &intake) }
        #expect(try take([parcels[2]], &intake) == nil)
        #expect(try take([good], &intake)?.checksum == weights(0).checksum)
    }

    @Test func `may not be as long as it would be as it is`() throws {
        let floats = weights(0)
        var parcel = try parcels(of: floats, .weights, step: 0, delivery: 1)[0]
        let bytes = UnsafeRawBufferPointer(rebasing: floats.bytes[..<Self.chunkBytes])
        parcel.payload = try Frame(bytes)
        parcel.header = parcel.header.describing(bytes)
        var intake = intake()
        #expect(throws: WireError.payloadLength(said: Self.chunkBytes, got: Self.chunkBytes)) {
            _ = try intake.take(parcel.header, parcel.payload, isOwnShare: false)
        }
    }

    @Test func `tells a change of the weights of the step before, for which it waits`() throws {
        let (before, after) = (weights(0), weights(1))
        let first = try parcels(of: before, .weights, step: 0, delivery: 1)
        let change = try parcels(of: after, .foreseen, step: 1, delivery: 2, since: before)
        #expect(change.map(\.header.numberFormat) == [.packedChange, .packedChange, .packedChange])
        #expect(change.reduce(0) { $0 + $1.payload.count } < first.reduce(0) { $0 + $1.payload.count } * 9 / 10)

        var inOrder = intake()
        #expect(try take(first, &inOrder)?.checksum == before.checksum)
        #expect(try take(change, &inOrder) == nil)
        #expect(inOrder.stand(2)?.floats.checksum == after.checksum)

        var ahead = intake()
        #expect(try take(Array(first[..<2]), &ahead) == nil)
        #expect(try take(change, &ahead) == nil)
        #expect(try take([first[2]], &ahead)?.checksum == before.checksum)
        #expect(ahead.stand(2)?.floats.checksum == after.checksum)
    }

    @Test func `is nothing to who holds other weights, and the weights themselves still are what they were`() throws {
        let change = try parcels(of: weights(3), .foreseen, step: 3, delivery: 4, since: weights(2))
        // The step before is not the one that is held.
        var intake = intake()
        #expect(try take(parcels(of: weights(0), .weights, step: 0, delivery: 1), &intake) != nil)
        #expect(try take(change, &intake) == nil)
        #expect(intake.stand(4) == nil)
        #expect(
            try take(parcels(of: weights(3), .weights, step: 3, delivery: 5), &intake)?.checksum == weights(3).checksum)

        // It is said to be, and is not.
        var deceived = self.intake()
        #expect(try take(parcels(of: weights(1), .weights, step: 2, delivery: 1), &deceived) != nil)
        #expect(throws: WireError.self) { _ = try take(change, &deceived) }
    }

    @Test func `goes to many in the same bytes`() throws {
        let floats = weights(0)
        let packed = PackedChunks(since: nil)
        let range = 0..<Self.chunkBytes
        let chunk = UnsafeRawBufferPointer(rebasing: floats.bytes[range])
        let first = try #require(packed.chunk(0, chunk, at: range))
        #expect(packed.chunk(0, chunk, at: range) === first)
        #expect(packed.chunk(1, chunk, at: range) !== first)
    }
}
