import Foundation
import ProgramSupport
import Testing

extension `The lab` {
    @Test func `Case 1: a worker is killed in the middle of sending a gradient`() async throws {
        try await scenario("worker killed while sending") { cluster in
            // What a dead process has given to its kernel is still sent: too little for the rest of a gradient.
            try cluster.box("box2").limitSendBuffers(to: 65_536)
            // Where workers add up among themselves, they send each other weights too.
            try cluster.start("--topology", "star")
            // A gradient is 0.8 MB: at 4 Mbit it is under way for 1.6 s. Until its step, nothing is left on the way.
            let times = try await cluster.play([
                .computing(step: 3): [.shape("box2", .megabits(4))],
                .sending(step: 3, box: "box2", bytes: 300_000): [.kill("box2")],
            ])
            try await cluster.finish()
            // It was that step's gradient, and not the whole of it; the one before had come.
            let slots = try cluster.slots(of: "box2")
            #expect(slots[1] > 0 && slots[2...].allSatisfy { $0 == 0 }, "\(slots)")
            try cluster.cost(
                of: .killedSending, at: times[1], within: .seconds(6), noticed: cluster.notices(of: "box2"))
        }
    }

    @Test func `shown off: one of three boxes is killed in the middle of a step`() async throws {
        try await scenario("worker killed while computing") { cluster in
            try cluster.start()
            let times = try await cluster.play([.computing(step: 4): [.kill("box1")]])
            try await cluster.finish()
            try cluster.cost(
                of: .killedComputing, at: times[0], within: .seconds(6), noticed: cluster.notices(of: "box1"))
        }
    }

    @Test func `Case 7: a worker stands still for ten seconds and goes on`() async throws {
        try await scenario("worker stopped 10 s", rate: .megabits(20)) { cluster in
            try cluster.start()
            let times = try await cluster.play([
                .computing(step: 3): [.stop("box2")],
                .after(seconds: 10): [.go(on: "box2")],
            ])
            try await cluster.finish()
            try cluster.cost(of: .stopped, at: times[0], noticed: ["(box2) is gone"])
            // It came back, or the run was over; in either case it goes in peace.
            #expect(try await cluster.endOfWorker("box2").status == 0)
        }
    }

    @Test func `Case 25: every worker is sent away, and comes back`() async throws {
        try await scenario("all workers gone and back", boxes: ["box1", "box2"]) { cluster in
            try cluster.start()
            let times = try await cluster.play([.computing(step: 4): [.terminate("box1"), .terminate("box2")]])
            for name in ["box1", "box2"] {
                let left = try await cluster.endOfWorker(name, within: 20)
                #expect(left.status == 0 && left.errors.contains("left the run"), "\(left.errors)")
            }
            let before = cluster.sighting.committed
            _ = try await cluster.wait(for: "word that nobody is there") {
                cluster.sighting.line(with: "waiting for a worker", after: times[0])
            }
            try await cluster.play([.after(seconds: 1): []])
            #expect(cluster.sighting.committed == before)
            try cluster.startWorker("box1")
            try cluster.startWorker("box2")
            try await cluster.finish()
            try cluster.cost(of: .allGone, at: times[0], noticed: ["is gone: it left"])
        }
    }

    @Test func `Case 25: a worker is asked to go at once, and the coordinator later too`() async throws {
        try await scenario("SIGTERM", boxes: ["box1", "box2"]) { cluster in
            try cluster.start()
            try await cluster.play([.computing(step: 3): [.terminate("box1")]])
            #expect(try await cluster.endOfWorker("box1", within: 20).status == 0)
            try await cluster.play([.computing(step: 5): [.terminate("coordinator")]])
            let stopped = try await cluster.end(of: cluster.process("coordinator"), within: 30)
            #expect(stopped.status == 0 && stopped.errors.isEmpty, "\(stopped.errors)")
            #expect(stopped.output.contains("the same command goes on from there"))
            #expect(try await cluster.endOfWorker("box2").status == 0)
            try cluster.startCoordinator()
            try cluster.startWorker("box2")
            try await cluster.finish()
        }
    }
}
