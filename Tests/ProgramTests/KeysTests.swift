import Foundation
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `keeps strangers out:` {
        private let furnace: Furnace
        private var home: [String: String] { ["XDG_CONFIG_HOME": furnace.path("settings")] }

        init() throws {
            furnace = try Furnace()
            try furnace.write()
        }

        @Test func `makes keys, says where they go, and overwrites none`() throws {
            let first = try furnace.danlu("keygen", environment: home).end()
            #expect(first.status == 0 && first.errors.isEmpty)
            let folder = furnace.path("settings/danlu/keys")
            for name in ["coordinator.key", "worker.key", "operator.key", "authorized_keys"] {
                #expect(first.output.contains("\(folder)/\(name): "))
                #expect(FileManager.default.fileExists(atPath: "\(folder)/\(name)"))
            }
            let again = try furnace.danlu("keygen", environment: home).end()
            #expect(
                again.refusal().hasSuffix(
                    "no key is ever overwritten: say --worker NAME to make a key for another worker"))
            let nowhere = try furnace.danlu("keygen", "--keys", "/dev/null/keys").end().refusal()
            #expect(nowhere.hasPrefix("/dev/null/keys is no folder for keys, and cannot be made one ("))
            #expect(!nowhere.contains("NSCocoaErrorDomain"))

            let named = try furnace.danlu("keygen", "--worker", "gpu1", "--operator", environment: home).end()
            #expect(named.status == 0 && named.output.contains("\(folder)/gpu1.key: copy it to the worker's box"))
        }

        @Test func `trains beyond the loopback with a worker that has a key`() throws {
            #expect(try furnace.danlu("keygen", environment: home).end().status == 0)
            let port = try TakenPort.free()
            let coordinator = try furnace.danlu(
                "coordinate", "recipe.toml", "--listen", "tcp://0.0.0.0:\(port)", environment: home)
            try coordinator.wait(forOutput: ":\(port) --key worker.key\n")
            #expect(coordinator.output.contains("They must reach ports \(port) and \(port + 1) of this box."))
            let key = furnace.path("settings/danlu/keys/worker.key")
            let stranger = try furnace.danlu("work", "tcp://127.0.0.1:\(port)", "--device", "cpu")
            try stranger.wait(for: "a sentence on its key", within: 60) {
                stranger.errors.contains("asks for a key")
            }
            let worker = try furnace.danlu(
                "work", "tcp://127.0.0.1:\(port)", "--key", key, "--name", "box", "--device", "cpu")
            let ended = try coordinator.end()
            #expect(ended.status == 0)
            #expect(ended.output.contains("(worker/box) joined") && ended.output.contains("turned away 127.0.0.1"))
            #expect(try worker.end(within: 30).status == 0)
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `shows how the run stands to who asks from anywhere with an operator's key, and to nobody else`()
            throws
        {
            #expect(try furnace.danlu("keygen", environment: home).end().status == 0)
            let address = "tcp://127.0.0.1:\(try TakenPort.free())"
            let coordinator = try furnace.danlu(
                "coordinate", "recipe.toml", "--listen", address, "--keys", furnace.path("settings/danlu/keys"))
            try coordinator.wait(forOutput: "Workers join with")
            let elsewhere = furnace.folder.appending(path: "elsewhere")
            try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: true)
            func ask(_ words: String...) throws -> Launched.Ended {
                try Launched(["status", address, "--wait", "10"] + words, in: elsewhere).end()
            }
            let shown = try ask("--key", furnace.path("settings/danlu/keys/operator.key"))
            #expect(
                shown.status == 0 && shown.output.contains("step 0 waits for a worker to join"), "\(shown.errors)")
            #expect(try ask("--key", furnace.path("settings/danlu/keys/worker.key")).refusal().contains("operator"))
            #expect(try ask().status == 1)
            coordinator.signal(SIGINT)
            #expect(try coordinator.end().status == 0)
        }

        @Test func `says what is wrong with a key`() throws {
            #expect(try furnace.danlu("keygen", environment: home).end().status == 0)
            let keys = furnace.path("settings/danlu/keys")
            let work = { [furnace] (key: String) in
                try furnace.danlu("work", "tcp://127.0.0.1:1", "--key", key).end().refusal()
            }
            #expect(try work("nowhere.key").hasPrefix("nowhere.key is not there: make keys with 'danlu keygen'"))
            #expect(try work("\(keys)/coordinator.key").contains("this is the coordinator's own key"))
            chmod("\(keys)/worker.key", 0o644)
            #expect(try work("\(keys)/worker.key").contains("is open to other users (mode 644)"))
            let coordinate = try furnace.danlu(
                "coordinate", "recipe.toml", "--keys", furnace.path("nowhere"), "--listen", "tcp://127.0.0.1:0")
            #expect(try coordinate.end().refusal().contains("danlu keygen --keys"))
        }
    }
}
