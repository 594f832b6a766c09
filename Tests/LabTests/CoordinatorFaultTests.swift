import Foundation
import ProgramSupport
import Testing

extension `The lab` {
    @Test func `Case 3: the coordinator is killed between a step and the sending of its weights`() async throws {
        try await scenario("coordinator killed before it sends", boxes: ["box1", "box2"]) { cluster in
            try cluster.start()
            let times = try await cluster.play([
                .saved(step: 4): [.kill("coordinator")],
                .after(seconds: 0.1): [.startCoordinator],
            ])
            try await cluster.finish()
            #expect(cluster.sighting.count(of: "Going on after step 4 of") == 1)
            try cluster.cost(of: .coordinatorSending, at: times[0])
        }
    }

    @Test func `Case 4: the coordinator is killed while it writes a state`() async throws {
        try await scenario("coordinator killed while it saves", boxes: ["box1", "box2"]) { cluster in
            try cluster.start()
            let times = try await cluster.play([
                .saving(step: 4): [.kill("coordinator")],
                .after(seconds: 0.1): [.startCoordinator],
            ])
            try await cluster.finish()
            // The file may have been whole by then.
            let isLost = cluster.sighting.count(of: "Going on after step 3 of") == 1
            #expect(isLost || cluster.sighting.count(of: "Going on after step 4 of") == 1)
            let states = cluster.lab.folder.appending(path: "out/state").path
            let names = try FileManager.default.contentsOfDirectory(atPath: states)
            #expect(names.allSatisfy { $0.hasPrefix("step-") }, "\(names)")
            try cluster.cost(
                of: .coordinatorSaving, at: times[0], stepsLost: isLost ? 1 : 0)
        }
    }

    @Test func `Case 10: a second run asks for the same port`() async throws {
        try await scenario("two runs, one port", boxes: ["box1"]) { cluster in
            try cluster.start()
            try await cluster.play([.computing(step: 3): []])
            let second = try cluster.launchCoordinator(in: "coordinator", ["--output_dir", "other"])
            let refused = try await cluster.end(of: second, within: 30)
            #expect(refused.status == 1 && refused.errors.contains("is taken by another process"), "\(refused.errors)")
            #expect(refused.errors.count { $0 == "\n" } == 1)
            try await cluster.finish()
        }
    }

    /// The run's lock refuses the second where both boxes see one folder.
    ///
    /// Here they see it through one kernel, as boxes with a shared folder do whose locks hold from box to box. That an older
    /// coordinator's words count no more where they do not hold is not shown here: the stamps of a life are tested in `A
    /// coordinator`, and that one life of it hears what was meant for another in `A simulated cluster`.
    @Test func `Case 11: a second coordinator of the same run starts on another box`() async throws {
        try await scenario("two coordinators, one run", boxes: ["box1"]) { cluster in
            try cluster.start()
            try await cluster.play([.computing(step: 3): []])
            let second = try cluster.launchCoordinator(in: "box1")
            let refused = try await cluster.end(of: second, within: 30)
            #expect(refused.status == 1, "\(refused.errors)")
            #expect(refused.errors.contains("another Danlu is training in"), "\(refused.errors)")
            try await cluster.finish()
        }
    }
}
