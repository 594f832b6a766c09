import Foundation
import Testing
import ZeroMQ

@testable import Coordination

@Suite struct `A folder of keys` {
    let keys: TemporaryKeys

    init() throws { keys = try TemporaryKeys() }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func `has the coordinator's key, a worker's and an operator's, which fit`() throws {
        let folder = keys.folder
        let coordinator = try KeyFile(contentsOf: folder.coordinatorKey)
        #expect(coordinator.coordinator == nil)
        let worker = try KeyFile.client(folder.key("worker"))
        #expect(worker.name == "worker" && worker.coordinator == coordinator.keys.publicKey)
        let list = try AllowList(contentsOf: folder.allowList)
        #expect(list.entries.count == 2)
        #expect(list.entries[worker.keys.publicKey] == .init(name: "worker", isOperator: false))
        let pilot = try KeyFile.client(folder.key("operator"))
        #expect(list.entries[pilot.keys.publicKey]?.isOperator == true)
    }

    @Test func `is for its owner alone`() throws {
        #expect(try mode(keys.folder.path) == 0o700)
        for name in try FileManager.default.contentsOfDirectory(atPath: keys.folder.path) {
            #expect(try mode(keys.folder.path + "/" + name) == 0o600)
        }
    }

    @Test func `takes in more keys, keeps the comments, and never overwrites one`() throws {
        let old = try String(contentsOfFile: keys.folder.allowList, encoding: .utf8)
        #expect(try keys.folder.generate(name: "gpu-1.left", isOperator: true) == [keys.folder.key("gpu-1.left")])
        let new = try String(contentsOfFile: keys.folder.allowList, encoding: .utf8)
        #expect(new.hasPrefix(old) && new.hasSuffix(" gpu-1.left operator\n"))

        let before = try Data(contentsOf: URL(filePath: keys.folder.key("worker")))
        for name in ["worker", "coordinator", nil] {
            let error = #expect(throws: KeyError.self) { try keys.folder.generate(name: name, isOperator: false) }
            #expect(error?.description.contains("no key is ever overwritten") == true)
        }
        #expect(try Data(contentsOf: URL(filePath: keys.folder.key("worker"))) == before)
        #expect(try String(contentsOfFile: keys.folder.allowList, encoding: .utf8) == new)
    }

    @Test(arguments: ["", "a/b", "../x", "-rf", "ü", "a b", String(repeating: "a", count: 65)])
    func `refuses names that are none`(name: String) throws {
        let error = #expect(throws: KeyError.self) { try keys.folder.generate(name: name, isOperator: false) }
        #expect(error?.description.contains("is no name for a worker") == true)
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o644])
    func `is not used when others may read a key`(mode: mode_t) throws {
        chmod(keys.folder.key("worker"), mode)
        let error = #expect(throws: KeyError.self) { try KeyFile.client(keys.folder.key("worker")) }
        #expect(error?.description.contains("is open to other users (mode \(String(mode, radix: 8)))") == true)
        #expect(error?.description.contains("chmod 600") == true)
    }

    @Test func `is not used when others may write the list`() throws {
        chmod(keys.folder.allowList, 0o622)
        let error = #expect(throws: KeyError.self) { try AllowList(contentsOf: keys.folder.allowList) }
        #expect(error?.description.contains("is open to other users (mode 622)") == true)
    }

    @Test func `says what is wrong with a key file`() throws {
        let path = keys.folder.key("worker")
        let good = try String(contentsOfFile: path, encoding: .utf8)
        let lines = good.split(separator: "\n").map(String.init)
        let other = try KeyPair.random()
        let cases: [(String, String)] = [
            ("", "name is missing"), ("\0\u{1}", "worker.key:1: "), ("name = worker\n", "secret is missing"),
            (good + good, "is said twice"), (good.replacing("secret = ", with: "secret = x"), "secret is no key"),
            (lines.filter { !$0.hasPrefix("coordinator") }.joined(separator: "\n"), "coordinator is missing"),
            (good.replacing("name = worker", with: "name = a/b"), "is no name for a worker"),
            (
                lines.map { $0.hasPrefix("public") ? "public = \(other.publicKey)" : $0 }.joined(separator: "\n"),
                "public does not belong to the secret"
            ),
            (String(repeating: "#\n", count: 4000), "has 8000 bytes, where 4096 are allowed"),
        ]
        for (text, complaint) in cases {
            try Data(text.utf8).write(to: URL(filePath: path))
            let error = #expect(throws: KeyError.self) { try KeyFile.client(path) }
            #expect(error?.description.contains(complaint) == true, "\(complaint): \(error?.description ?? "")")
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(throws: KeyError.missing(path: path)) { try KeyFile.client(path) }
        mkfifo(path, 0o600)
        #expect(throws: KeyError.unreadable(path: path, reason: "it is not a file")) { try KeyFile.client(path) }
    }
}

@Suite struct `A list of authorized keys` {
    private func complaint(_ text: String) -> String {
        do throws(KeyError) {
            _ = try AllowList(text, path: "list")
            return ""
        } catch {
            return error.description
        }
    }

    @Test func `reads names, operators and comments`() throws {
        let keys = try (0..<3).map { _ in try KeyPair.random().publicKey }
        let text = """
            # who may come

            \(keys[0]) gpu1
              \(keys[1])\tgpu2 operator   # the one upstairs
            #\(keys[2]) gpu3
            """
        let list = try AllowList(text, path: "list")
        #expect(list.entries.count == 2)
        #expect(list.entries[keys[0]] == .init(name: "gpu1", isOperator: false))
        #expect(list.entries[keys[1]] == .init(name: "gpu2", isOperator: true))
    }

    @Test func `names the line that is wrong`() throws {
        let (a, b) = try (KeyPair.random().publicKey, KeyPair.random().publicKey)
        for (text, words) in [
            ("nonsense gpu1", "list:1: the first word is no public key"), ("\n\(a)", "list:2: the name is missing"),
            ("\(a) gpu1 admin", "list:1: only the word 'operator' may follow the name, not 'admin'"),
            ("\(a) gpu1 operator x", "list:1: only the word 'operator'"),
            ("\(a) gpu1\n\(b) gpu1", "list:2: 'gpu1' is on line 1 already"),
            ("\(a) gpu1\n\(a) gpu2", "list:2: '\(a)' is on line 1 already"),
            ("\(a) gpu/1", "list:1: 'gpu/1' is no name"), ("\(a.dropLast()) gpu1", "list:1: the first word"),
        ] {
            #expect(complaint(text).hasPrefix(words), "\(complaint(text))")
        }
    }

    @Test func `is bounded`() throws {
        let folder = try TemporaryKeys()
        try folder.write(list: String(repeating: "# nobody\n", count: 200_000))
        let error = #expect(throws: KeyError.self) { try AllowList(contentsOf: folder.folder.allowList) }
        #expect(error?.description.contains("where 1048576 are allowed") == true)
    }
}
