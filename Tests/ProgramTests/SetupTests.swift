import Foundation
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `is set up, or says in one sentence why not, when` {
        private static let setup = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Cluster/setup").standardizedFileURL.path

        private func refusal(_ environment: [String: String]) throws -> String {
            let folder = FileManager.default.temporaryDirectory.appending(path: "danlu-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let ended = try Launched([], in: folder, executable: Self.setup, environment: environment).end(within: 60)
            #expect(ended.status == 1)
            #expect(ended.errors.split(separator: "\n").count == 1)
            return ended.errors
        }

        @Test func `LIBTORCH names no libtorch`() throws {
            #expect(
                try refusal(["LIBTORCH": "/nowhere"]).hasPrefix(
                    "setup: LIBTORCH=/nowhere has no lib/libtorch_cpu.so and include/ATen: name the folder"))
        }

        @Test func `there is no Swift`() throws {
            let refusal = try refusal(["PATH": "/usr/bin:/bin"])
            #expect(refusal.hasPrefix("setup: Swift 6.1 or newer is missing: install it from"))
        }
    }
}
