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
            try cluster.cost(of: .diskFull, at: times[0], noticed: ["paused before step"])
        }
    }

    @Test(arguments: ["write", "fsync"])
    func `Case 5: the disk answers with errors for a while, and the run waits`(call: String) async throws {
        try await scenario("disk broken: \(call)", boxes: ["box1"]) { cluster in
            let sign = cluster.lab.folder.appending(path: "broken")
            cluster.environment.merge(try BrokenDisk.environment(in: cluster.lab.folder, sign: sign)) { $1 }
            try cluster.start()
            try await cluster.play([.computing(step: 3): []])
            try Data(call.utf8).write(to: sign)
            try await cluster.play([.said("paused before step"): []])
            let paused = cluster.sighting.committed
            #expect(cluster.sighting.count(of: "Input/output error") > 0)
            try await cluster.play([.after(seconds: 6): []])
            // It has tried again meanwhile, and nothing of what failed is left.
            #expect(cluster.sighting.committed == paused)
            let states = cluster.lab.folder.appending(path: "out/state").path
            let names = try FileManager.default.contentsOfDirectory(atPath: states)
            #expect(names.allSatisfy { $0.hasPrefix("step-") }, "\(names)")
            try FileManager.default.removeItem(at: sign)
            try await cluster.finish()
        }
    }
}
