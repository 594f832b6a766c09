import Testing
import Wire
import ZeroMQ

@testable import Coordination

@Suite struct `What goes to one receiver` {
    private static let chunkBytes = 16

    /// Three chunks of four floats.
    private func parcel(
        _ kind: Header.Kind, step: UInt64, round: UInt32 = 1, ready: [UInt32]? = [0, 1, 2]
    ) -> Outflow.Parcel {
        var header = Header(kind, Stamp(run: RunID(1, 2), incarnation: 3, worker: WorkerID(4)))
        header.step = step
        header.round = round
        header.part = 0..<3
        return Outflow.Parcel(
            header: header, floats: FlatFloats(count: 12), ending: nil,
            part: Outflow.Parcel.Part(chunks: 0..<3, count: 12, start: 0, ready: ready))
    }

    /// What goes out now: each chunk's kind, step and number.
    private func sent(_ outflow: inout Outflow) throws -> [String] {
        var sent: [String] = []
        try outflow.pump { frames throws(ZeroMQError) in
            let header = try? frames[0].withUnsafeBytes { bytes throws(WireError) in try Header.parse(bytes) }
            sent.append(header.map { "\($0.kind) \($0.step).\($0.chunk)" } ?? "no header")
        }
        return sent
    }

    @Test func `goes in the order in which it is waited for: weights of a step, its sums, the weights it leads to`()
        throws
    {
        var outflow = Outflow(chunkBytes: Self.chunkBytes, creditChunks: 64)
        outflow.put(parcel(.foreseen, step: 6))
        outflow.put(parcel(.segment, step: 5))
        outflow.put(parcel(.share, step: 5))
        let order = ["share 5.0", "share 5.1", "share 5.2", "segment 5.0", "segment 5.1", "segment 5.2"]
        #expect(try sent(&outflow) == order + ["foreseen 6.0", "foreseen 6.1", "foreseen 6.2"])
    }

    @Test func `a sum that comes while weights go is not behind the rest of them`() throws {
        var outflow = Outflow(chunkBytes: Self.chunkBytes, creditChunks: 1)
        outflow.put(parcel(.foreseen, step: 6))
        #expect(try sent(&outflow) == ["foreseen 6.0"])
        outflow.put(parcel(.segment, step: 5, ready: [2]))
        outflow.receiveCredit(1)
        #expect(try sent(&outflow) == ["segment 5.2"])
        outflow.receiveCredit(1)
        #expect(try sent(&outflow) == ["foreseen 6.1"])
    }

    @Test func `what cannot go yet holds up nothing behind it`() throws {
        var outflow = Outflow(chunkBytes: Self.chunkBytes, creditChunks: 64)
        outflow.put(parcel(.segment, step: 5, ready: [1]))
        outflow.put(parcel(.foreseen, step: 6, ready: [2]))
        #expect(try sent(&outflow) == ["segment 5.1", "foreseen 6.2"])
        outflow.send(parcel(.segment, step: 5, ready: [0, 2]))
        outflow.release([2, 0, 1]) { $0.kind == .foreseen }
        #expect(try sent(&outflow) == ["segment 5.0", "segment 5.2", "foreseen 6.0", "foreseen 6.1"])
        #expect(try sent(&outflow) == [])
    }

    @Test func `a shard of the sum, which tells no step, goes first, and the greatest step is a step like others`()
        throws
    {
        var outflow = Outflow(chunkBytes: Self.chunkBytes, creditChunks: 64)
        outflow.put(parcel(.segment, step: .max, ready: [0]))
        outflow.put(parcel(.reduced, step: 9, ready: [0]))
        #expect(try sent(&outflow) == ["reduced 9.0", "segment \(UInt64.max).0"])
    }

    @Test func `sums have been delivered when their credit is back, whatever weights are still on their way`() throws {
        var outflow = Outflow(chunkBytes: Self.chunkBytes, creditChunks: 64)
        #expect(outflow.hasDeliveredSums)
        outflow.put(parcel(.segment, step: 5))
        outflow.put(parcel(.foreseen, step: 6))
        #expect(!outflow.hasDeliveredSums)
        _ = try sent(&outflow)
        #expect(!outflow.hasDeliveredSums)
        outflow.receiveCredit(2)
        #expect(!outflow.hasDeliveredSums)
        outflow.receiveCredit(1)
        #expect(outflow.hasDeliveredSums && outflow.isSending)
    }

    @Test func `no more is under way than there is credit for`() throws {
        var outflow = Outflow(chunkBytes: Self.chunkBytes, creditChunks: 2)
        outflow.put(parcel(.segment, step: 5))
        #expect(try sent(&outflow).count == 2)
        #expect(try sent(&outflow) == [])
        // Credit for more than is owed is no credit.
        outflow.receiveCredit(1_000)
        outflow.put(parcel(.segment, step: 6))
        #expect(try sent(&outflow) == ["segment 5.2", "segment 6.0"])
    }
}
