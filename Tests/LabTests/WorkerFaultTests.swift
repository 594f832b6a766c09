import Foundation
import Testing

extension `The lab` {
    @Test func `Case 1: a worker is killed in the middle of sending a gradient`() async throws {
        try await scenario("worker killed while sending") { cluster in
            try cluster.start()
            // A gradient is 0.8 MB: at 4 Mbit it is under way for 1.6 s.
            let times = try await cluster.play([
                .computing(step: 2): [.shape("box2", .megabits(4))],
                .sending(step: 3, box: "box2", bytes: 300_000): [.kill("box2")],
            ])
            try await cluster.finish()
            try cluster.cost(of: "a worker is killed while it sends", at: times[1], noticed: "(box2) is gone")
        }
    }

    @Test func `Case 7: a worker stands still for ten seconds and goes on`() async throws {
        try await scenario("worker stopped 10 s", rate: .megabits(20)) { cluster in
            try cluster.start()
            let times = try await cluster.play([
                .computing(step: 3): [.stop("box2")],
                .after(seconds: 10): [.go(on: "box2")],
                .said("(box2) is ready"): [],
            ])
            try await cluster.finish()
            try cluster.cost(of: "a worker stands still for 10 s", at: times[0], noticed: "(box2) is gone")
        }
    }

    @Test func `Case 6: a cable is pulled and plugged in again`() async throws {
        try await scenario("cable pulled", rate: .megabits(20)) { cluster in
            try cluster.start()
            let times = try await cluster.play([
                .computing(step: 3): [.unplug("box1")],
                .said("(box1) is gone"): [.plug("box1")],
                .said("(box1) is ready"): [],
            ])
            try await cluster.finish()
            try cluster.cost(of: "a box's cable is pulled", at: times[0], noticed: "(box1) is gone")
        }
    }
}
