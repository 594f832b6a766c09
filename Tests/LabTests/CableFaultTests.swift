import Foundation
import Testing

extension `The lab` {
    @Test func `Case 6: a cable is pulled and plugged in again`() async throws {
        try await scenario("cable pulled", rate: .megabits(20)) { cluster in
            try cluster.start()
            let times = try await cluster.play([
                .computing(step: 3): [.unplug("box1")],
                .said("(box1) is gone"): [.plug("box1")],
            ])
            try await cluster.finish()
            try cluster.cost(of: .unplugged, at: times[0], noticed: ["(box1) is gone"])
        }
    }

    @Test func `Case 9: the coordinator no longer hears a worker that hears it`() async throws {
        try await scenario("coordinator deaf to a worker", rate: .megabits(20)) { cluster in
            try cluster.start()
            let times = try await cluster.play([
                .computing(step: 3): [.deafen("coordinator", to: "box1")],
                .said("(box1) is gone"): [.hear("coordinator", "box1")],
            ])
            try await cluster.finish()
            try cluster.cost(
                of: .unheard, at: times[0], noticed: ["(box1) is gone"])
        }
    }

    @Test func `Case 9: a worker no longer hears the coordinator, which hears it`() async throws {
        try await scenario("worker deaf to the coordinator", rate: .megabits(20)) { cluster in
            try cluster.start()
            let times = try await cluster.play([
                .computing(step: 3): [.deafen("box2", to: "coordinator")],
                .after(seconds: 8): [.hear("box2", "coordinator")],
            ])
            try await cluster.finish()
            try cluster.cost(of: .deaf, at: times[0], noticed: cluster.notices(of: "box2"))
        }
    }

    @Test func `Case 23: a worker hangs on a cable of 1 Mbit`() async throws {
        try await scenario("slow cable") { cluster in
            try cluster.start()
            let times = try await cluster.play([.computing(step: 2): [.shape("box3", .megabits(1))]])
            try await cluster.finish()
            // Slow is not dead.
            #expect(cluster.sighting.count(of: "(box3) is gone") == 0)
            let slots = try cluster.slots(of: "box3")
            cluster.say("it brought \(slots) slots of each step")
            // The step in which its cable slowed down may have been shared out already.
            let share = slots.prefix(1).max() ?? 0
            #expect(share > 0 && slots[3...].allSatisfy { $0 < share }, "\(slots)")
            try cluster.cost(of: .slowCable, at: times[0])
        }
    }

    @Test func `Case 23: a worker hangs on a cable that loses 30 packets of 100, 300 ms away`() async throws {
        try await scenario("lossy cable") { cluster in
            // In the third box the worker speaks to a middleman, which takes its time.
            let coordinator = try cluster.box("coordinator").address
            let middleman = try cluster.box("box3").inside {
                try Middleman(ports: [Cluster.port, Cluster.port + 1], to: coordinator, delay: .milliseconds(150))
            }
            defer { middleman.close() }
            try cluster.startCoordinator("--min-workers", "3")
            try cluster.startWorker("box1")
            try cluster.startWorker("box2")
            try cluster.startWorker("box3", at: "tcp://127.0.0.1:\(Cluster.port)")
            let times = try await cluster.play([.computing(step: 2): [.lose("box3", 30)]])
            try await cluster.finish()
            let lost = try cluster.box("box3").lostPackets()
            cluster.say("\(lost) packets were lost")
            #expect(lost > 0)
            cluster.say("it brought \(try cluster.slots(of: "box3")) slots of each step")
            try cluster.cost(of: .lossyCable, at: times[0])
        }
    }
}
