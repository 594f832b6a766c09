import Foundation
import Testing

extension `The lab` {
    @Test func `Case 22: every clock jumps by two hours, back and forth`() async throws {
        try await scenario("wrong clocks", boxes: ["box1", "box2"]) { cluster in
            let environment = try WrongClock.environment(in: cluster.lab.folder)
            let shown = try runTool(
                "/usr/bin/env", ["LD_PRELOAD=\(environment["LD_PRELOAD"] ?? "")", "date", "+%s"])
            let seconds = try #require(Double(shown.trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(abs(abs(seconds - Date.now.timeIntervalSince1970) - 3600) < 60)
            cluster.environment.merge(environment) { $1 }
            try cluster.start()
            try await cluster.finish()
            #expect(cluster.sighting.count(of: "is gone: ") == 0)
        }
    }
}
