import Foundation
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `says in one sentence what is allowed instead of` {
        private let furnace: Furnace

        init() throws { furnace = try Furnace() }

        @Test(arguments: [
            ("network_dim", "0", "recipe.toml: network_dim = 0 must be a whole number in 1...4096"),
            ("network_dim", "\"many\"", "recipe.toml: network_dim must be a whole number in 1...4096, not \"many\""),
            ("learning_rate", "-1e-4", "recipe.toml: learning_rate = -0.0001 must be a number in 0...1000"),
            ("optimizer_type", "\"Adan\"", "recipe.toml: optimizer_type = \"Adan\" must be one of AdamW, SGD"),
            ("learning_rat", "1e-4", "recipe.toml: learning_rat: there is no such setting; did you mean learning_rate"),
            ("max_train_steps", "0", "recipe.toml: max_train_steps = 0 must be a whole number in 1..."),
            ("resolution", "\"large\"", "recipe.toml: resolution"),
            ("device", "\"gpu\"", "recipe.toml: device = \"gpu\" must be"),
        ])
        func `a value in the recipe`(key: String, value: String, complaint: String) throws {
            furnace.settings[key] = value
            #expect(try furnace.refusal().hasPrefix(complaint))
        }

        @Test func `a value on the command line`() throws {
            try furnace.write()
            let ended = try furnace.danlu("train", "recipe.toml", "--network_dim=0").end()
            #expect(ended.refusal().hasPrefix("--network_dim = 0 must be a whole number in 1...4096"))
        }

        @Test func `a recipe that is none, or not there`() throws {
            try Data("network_dim = [".utf8).write(to: furnace.folder.appending(path: "broken.toml"))
            #expect(try furnace.danlu("train", "broken.toml").end().refusal().hasPrefix("broken.toml:1:"))
            #expect(
                try furnace.danlu("train", "nowhere.toml").end().refusal()
                    == "nowhere.toml cannot be read: there is no such file.")
        }

        @Test func `a device that this box does not have`() throws {
            furnace.settings["device"] = "\"cuda:63\""
            #expect(try furnace.refusal().contains("'cuda:63' was asked for, but "))
            #expect(!FileManager.default.fileExists(atPath: furnace.path("out")))
            let worker = try furnace.danlu("work", "tcp://127.0.0.1:1", "--device", "cuda:63").end()
            #expect(worker.refusal().contains("'cuda:63' was asked for, but "))
        }

        @Test func `an address that is none, or open to the world`() throws {
            try furnace.write()
            let nonsense = "is not an address: write it as tcp://HOST:PORT"
            #expect(try furnace.danlu("work", "nonsense").end().refusal().contains(nonsense))
            let coordinate = { [furnace] (address: String) in
                try furnace.danlu(
                    "coordinate", "recipe.toml", "--listen", address,
                    environment: ["XDG_CONFIG_HOME": furnace.path("settings")]
                ).end().refusal()
            }
            #expect(try coordinate("nonsense").contains(nonsense))
            #expect(try coordinate("tcp://0.0.0.0:5570").contains("make keys with 'danlu keygen', or say --insecure"))
        }

        @Test func `a port that is taken`() throws {
            try furnace.write()
            let taken = try TakenPort()
            for port in [taken.number, taken.number - 1] {
                let ended = try furnace.danlu("coordinate", "recipe.toml", "--listen", "tcp://127.0.0.1:\(port)").end()
                #expect(
                    ended.refusal()
                        == "tcp://127.0.0.1:\(taken.number) is taken by another process: stop that one, or choose another port"
                )
            }
        }

        @Test func `settings of pictures that cannot be made`() throws {
            for (words, complaint) in [
                (["--width", "25"], "width: is 25, but a picture's sides must be multiples of 4"),
                (["--steps", "0"], "sample_steps: is 0"), (["--sampler", "best"], "--sampler = best: there are ddim"),
            ] {
                let sample = ["sample", "--model", Furnace.model.path, "--prompt", "a horse", "--height", "24"]
                #expect(try Launched(sample + words, in: furnace.folder).end().refusal().hasPrefix(complaint))
            }
        }

        @Test func `a flag that does not exist, with the usage`() throws {
            for words in [["train", "--frobnicate"], ["train", "--workers", "0"], ["sample"], ["paint"]] {
                let ended = try Launched(words, in: furnace.folder).end()
                #expect(ended.status == 64)
                #expect(ended.errors.hasPrefix("Error: ") && ended.errors.contains("Usage: danlu"))
            }
        }
    }
}
