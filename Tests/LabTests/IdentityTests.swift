import Foundation
import ProgramSupport
import Testing

extension `The lab` {
    @Test func `Case 21: no key, an unknown key, another coordinator's key and a revoked one`() async throws {
        try await scenario("keys that are not welcome") { cluster in
            let keys = cluster.lab.folder.appending(path: "keys")
            let foreign = cluster.lab.folder.appending(path: "foreign")
            try await SharedKeys.make(for: ["box1", "box2", "box3"], in: keys)
            try await SharedKeys.make(for: ["box3"], in: foreign)
            cluster.keys = keys
            try revoke("box3", in: keys)
            try cluster.startCoordinator("--min-workers", "2")
            try cluster.startWorker("box1")
            try cluster.startWorker("box2")
            try await cluster.play([.computing(step: 2): []])

            let unknown = try cluster.launchWorker("box3", in: "box3")
            let wrong = try cluster.launchWorker("box3", in: "box3", key: foreign.appending(path: "box3.key"))
            let keyless = try cluster.box("box3").danlu(
                ["work", cluster.address, "--device", "cpu"], in: cluster.lab.folder, environment: cluster.environment)
            try await hear("is not on the coordinator's list of authorized keys", from: unknown, cluster)
            try await hear("is not the coordinator that this key is for", from: wrong, cluster)
            try await hear("asks for a key: start this worker with --key", from: keyless, cluster)
            let address = try cluster.box("box3").address
            for reason in [
                "is not on the list of authorized keys", "its key is for another coordinator", "it uses no key",
            ] {
                let line = try await cluster.wait(for: "line with the address of '\(reason)'", within: 20) {
                    cluster.coordinator?.output.split(separator: "\n").first {
                        $0.contains("turned away \(address)") && $0.contains(reason)
                    }
                }
                cluster.say("\(line)")
            }

            try revoke("box2", in: keys)
            let revoked = try await cluster.endOfWorker("box2", within: 20)
            #expect(revoked.status == 1 && revoked.errors.contains("not on the list of authorized keys"))
            cluster.say("box2: \(revoked.errors.split(separator: "\n").last ?? "")")
            let ended = try await cluster.finish()
            #expect(ended.output.contains("(box2) is gone: its key was revoked"))
            #expect(!ended.output.contains("(box1) is gone") && !ended.output.contains("(box3) joined"))
        }
    }

    @Test func `Case 12: two more boxes say that they are the first`() async throws {
        try await scenario("one name, three boxes") { cluster in
            try cluster.startCoordinator("--min-workers", "2")
            try cluster.startWorker("box1")
            try await cluster.play([.said("(box1) is ready"): []])
            // One has the first box's key, the other its name only.
            let twin = try cluster.launchWorker(
                "box1", in: "box2", key: SharedKeys.folder.appending(path: "box1.key"))
            let places = try ["box2", "box1"].map { try cluster.box($0).address }
            try await hear("the worker name is box1 (from \(places[0]):", from: twin, cluster)
            try await hear("and taken by worker 1 (from \(places[1]):", from: twin, cluster)
            try cluster.startWorker("box3", named: "box1")
            let ended = try await cluster.finish()
            #expect(ended.output.contains("(box3/box1) joined"))
            #expect(!ended.output.contains("(box1) is gone"))
        }
    }
}

/// Takes the key of this name off the list.
private func revoke(_ name: String, in keys: URL) throws {
    let list = keys.appending(path: "authorized_keys")
    let lines = try String(contentsOf: list, encoding: .utf8).split(separator: "\n")
    let left = lines.filter { !$0.hasSuffix(" \(name)") }
    try #require(left.count == lines.count - 1)
    try Data((left.joined(separator: "\n") + "\n").utf8).write(to: list, options: .atomic)
}

/// Waits until a worker says something.
private func hear(_ text: String, from worker: Launched, _ cluster: Cluster) async throws {
    let line = try await cluster.wait(for: "word of a worker that '\(text)'", within: 30) {
        worker.errors.split(separator: "\n").first { $0.contains(text) }
    }
    cluster.say("\(line)")
}
