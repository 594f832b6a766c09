import Foundation
import ProgramSupport
import Testing

extension `The lab` {
    @Test func `Case 18: bits are flipped on the way to the coordinator`() async throws {
        try await scenario("bits flipped on the way") { cluster in
            // CURVE would end a connection at its first flipped bit, and our own checksums would never see one.
            cluster.keys = nil
            // In the third box the worker speaks to a middleman, which passes on to the coordinator.
            let coordinator = try cluster.box("coordinator").address
            let middleman = try cluster.box("box3").inside {
                try Middleman(ports: [Cluster.port, Cluster.port + 1], to: coordinator, flipEvery: 2_500_000)
            }
            defer { middleman.close() }
            try cluster.startCoordinator("--min-workers", "3")
            try cluster.startWorker("box1")
            try cluster.startWorker("box2")
            try cluster.startWorker("box3", at: "tcp://127.0.0.1:\(Cluster.port)")
            try await cluster.finish()
            cluster.say("\(middleman.flipped) bits were flipped")
            #expect(middleman.flipped > 0)
        }
    }

    @Test func `Case 20: connections say nothing, half a greeting, or a byte now and then`() async throws {
        try await scenario("mute connections", rate: .megabits(20)) { cluster in
            try cluster.start()
            try await cluster.play([.computing(step: 2): []])
            let coordinator = try cluster.box("coordinator").address
            let greeting: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0]
            let mute = try cluster.box("box3").inside {
                try (0..<120).map { number in
                    let port = Cluster.port + number % 2
                    return try MuteConnection(to: coordinator, port: port, saying: number % 3 == 0 ? greeting : [])
                }
            }
            cluster.say("\(mute.count) connections say nothing or half a greeting")
            let began = ContinuousClock.now
            while mute.contains(where: { !$0.isClosed }) {
                try #require(ContinuousClock.now - began < .seconds(20), "they are still let speak")
                // A third of them says a byte now and then.
                for connection in mute.prefix(40) { connection.dribble() }
                try await Task.sleep(for: .milliseconds(200))
            }
            let patience = ContinuousClock.now - began
            cluster.say("all of them were closed after \(patience)")
            try await cluster.finish()
            #expect(cluster.sighting.count(of: "is gone: ") == 0)
        }
    }
}
