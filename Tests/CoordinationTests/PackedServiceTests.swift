import Coordination
import Foundation
import Recipe
import Testing
import Wire
import ZeroMQ

@Suite(.serialized) struct `Workers that send fewer bytes` {
    private static let expected = `A cluster on the loopback`.expected
    private static let steps = `A cluster on the loopback`.steps

    private func configuration(
        _ topology: Topology, _ packing: Packing, workers: Int = 1
    ) -> CoordinatorService.Configuration {
        var configuration = LoopbackCluster.configuration(minimumWorkers: workers)
        configuration.topology = topology
        configuration.packing = packing
        return configuration
    }

    @Test(arguments: [Topology.star, .sharded], [Packing.on, .auto])
    func `make the same bits, also where one has no port`(topology: Topology, packing: Packing) throws {
        let master = StraightLineMaster(totalSteps: Self.steps)
        let service = try CoordinatorService(
            configuration(topology, packing, workers: 3), master: master, observe: { _ in })
        let workers = try (1...3).map {
            try LoopbackWorker("w\($0)", at: service.address, hasDataPort: $0 != 2)
        }
        #expect(try service.run() == .complete)
        #expect(master.weights == Self.expected)
        #expect(master.contributions.allSatisfy { $0.isSharded == (topology == .sharded) })
        for worker in workers { _ = try worker.end() }
    }

    @Test(arguments: [Packing.on, .off]) func `are told so with their slots, and get weights so`(packing: Packing)
        throws
    {
        let running = try RunningCoordinator(
            configuration(.star, packing), StraightLineMaster(totalSteps: Self.steps)
        ) { _ in }
        do {
            let handmade = try HandmadeWorker(at: running.address)
            let (lease, bulk) = try handmade.join("handmade")
            #expect(lease.isPacking == (packing == .on))
            _ = try poll([Interest(bulk.socket)], timeout: .seconds(2))
            let frames = try #require(try bulk.socket.receive(maximumFrames: 2))
            let header = try frames[0].withUnsafeBytes { bytes in try Header.parse(bytes) }
            #expect(header.numberFormat == (packing == .on ? .packedFloat32 : .float32))
            #expect((frames[1].count < 1024) == (packing == .on))
        }
        let worker = try LoopbackWorker("w", at: running.address)
        #expect(try running.result().weights == Self.expected)
        _ = try worker.end()
    }

    @Test func `take a chunk that cannot be unpacked for a damaged one, which is asked for again`() throws {
        let running = try RunningCoordinator(
            configuration(.star, .on), StraightLineMaster(totalSteps: Self.steps)
        ) { _ in }
        let handmade = try HandmadeWorker(at: running.address)
        let (lease, bulk) = try handmade.join("handmade")
        try bulk.sendChunk(0, of: lease, .packedFloat32, [UInt8](repeating: 0xFF, count: 100))
        // Its slots go to whoever comes next.
        let worker = try LoopbackWorker("w", at: running.address)
        let result = try running.result()
        #expect(result.weights == Self.expected)
        #expect(running.notes().contains { if case .damagedSum = $0 { true } else { false } })
        _ = try worker.end()
    }
}
