import Foundation
import ProgramSupport
import Testing

extension `The lab` {
    @Test func `Case 25: a run is paused, loses a worker to a drain, and goes on`() async throws {
        try await scenario("pause, drain, resume", boxes: ["box1", "box2"]) { cluster in
            try cluster.start()
            try await cluster.play([.computing(step: 3): [.ask("pause")]])
            let paused = cluster.sighting.committed
            try await cluster.play([.after(seconds: 1): [.ask("drain box2")]])
            #expect(try await cluster.endOfWorker("box2").status == 0)
            #expect(cluster.sighting.committed == paused)
            try await cluster.play([.after(seconds: 0): [.ask("resume")]])
            try await cluster.finish()
        }
    }

    @Test func `Case 5: the disk is full for a while, and the run waits`() async throws {
        try await scenario("disk full", boxes: ["box1", "box2"]) { cluster in
            try cluster.mountDisk(megabytes: 64)
            try cluster.start()
            let times = try await cluster.play([
                .computing(step: 4): [.fillDisk],
                .said("paused before step"): [],
            ])
            let paused = cluster.sighting.committed
            try await cluster.play([.after(seconds: 5): []])
            #expect(cluster.sighting.committed == paused)
            try await cluster.play([.after(seconds: 0): [.freeDisk]])
            try await cluster.finish()
            try cluster.cost(of: .diskFull, at: times[0], noticed: "paused before step")
        }
    }
}
