import Foundation
import Images
import Journal
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `makes pictures while it trains` {
        private let furnace: Furnace

        init() throws {
            furnace = try Furnace()
            furnace.settings["sample_prompts"] = "\"prompts.txt\""
            furnace.settings["sample_every_n_steps"] = "2"
            furnace.settings["sample_at_first"] = "true"
            try prompts(
                "a horse --d 5 --s 3 --w 24 --h 24 --l 4\n# a comment\na horse, at night --n a deer --s 2 --ss euler_a --am 0.5\n"
            )
        }

        private func prompts(_ text: String) throws {
            try Data(text.utf8).write(to: furnace.folder.appending(path: "prompts.txt"))
        }

        /// The pictures' files by name.
        private func pictures(_ furnace: Furnace) throws -> [String: Data] {
            let folder = furnace.folder.appending(path: "out/samples")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".png") }
            return try Dictionary(
                uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: folder.appending(path: $0))) })
        }

        @Test func `the same ones with one worker and three, and the LoRA is what it is without`() throws {
            let ended = try furnace.train(workers: 1).end()
            #expect(ended.status == 0 && ended.errors.isEmpty, "\(ended.errors)")
            let alone = try pictures(furnace)
            #expect(
                alone.keys.sorted()
                    == ["000000", "000002", "000004"].flatMap { ["step-\($0)-00.png", "step-\($0)-01.png"] })
            #expect(Set(alone.values).count == 6)
            #expect(try furnace.fingerprint() == Furnace.expected())
            #expect(ended.output.contains("picture 1 of step 2 was made by local-1"))
            let kinds = try JournalReader(run: furnace.folder.appending(path: "out")).events().map(\.kind)
            #expect(kinds.filter { $0 == "picture" }.count == 6)

            let other = try Furnace()
            other.settings = furnace.settings
            other.settings["sample_prompts"] = "\"\(furnace.path("prompts.txt"))\""
            #expect(try other.train(workers: 3).end().status == 0)
            #expect(try other.fingerprint() == Furnace.expected())
            #expect(try pictures(other) == alone)

            let adapted = try #require(alone["step-000002-01.png"])
            let text = try #require(PNGText.read([UInt8](adapted))["parameters"])
            #expect(
                text.hasPrefix("a horse, at night\nNegative prompt: a deer\nSteps: 2, Sampler: euler_a, CFG scale: 7.5")
            )
            #expect(text.contains("Size: 24x24") && text.contains("<lora:horse-step2:0.5>"))
            // What is written down makes the same picture again.
            let lines = try String(contentsOfFile: furnace.path("out/samples/prompts.txt"), encoding: .utf8)
            #expect(
                lines.hasSuffix(
                    "a horse, at night --n a deer --w 24 --h 24 --d 7 --s 2 --l 7.5 --ss euler_a --am 0.5\n"))
        }

        @Test func `which are those that the saved file makes`() throws {
            furnace.settings["sample_every_n_steps"] = "5"
            #expect(try furnace.train(workers: 2).end().status == 0)
            let ended = try furnace.danlu(
                "sample", "--model", Furnace.model.path, "--lora", "out/horse.safetensors", "--prompts",
                "out/samples/prompts.txt", "--threads", "1", "--device", "cpu", "--output", "again"
            ).end()
            #expect(ended.status == 0, "\(ended.errors)")
            for (name, again) in [("step-000005-00.png", "000-5.png"), ("step-000005-01.png", "001-7.png")] {
                let pair = try ["out/samples/" + name, "again/" + again].map {
                    try PictureFile(path: furnace.path($0)).decoded()
                }
                let distance = zip(pair[0].samples, pair[1].samples).map { abs(Int($0) - Int($1)) }.max()
                #expect(try #require(distance) <= 1, "\(name)")
            }
        }

        @Test func `and again elsewhere when the worker that makes one is killed`() throws {
            let undisturbed = try Furnace()
            try prompts((0..<6).map { "a horse --d \($0) --s 30 --w 40 --h 40\n" }.joined())
            furnace.settings["sample_every_n_steps"] = "100"
            undisturbed.settings = furnace.settings
            undisturbed.settings["sample_prompts"] = "\"\(furnace.path("prompts.txt"))\""
            #expect(try undisturbed.train(workers: 1).end().status == 0)

            let run = try furnace.train(workers: 2)
            try run.wait(forOutput: "picture 0 of step 0 was made by local-")
            let maker = run.output.contains("picture 0 of step 0 was made by local-1") ? "local-1" : "local-2"
            let painter = try #require(
                run.workers.first {
                    (try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8))?.contains(maker) == true
                })
            kill(painter, SIGKILL)
            #expect(try run.end().status == 0)
            #expect(try furnace.fingerprint() == Furnace.expected())
            #expect(try pictures(furnace) == pictures(undisturbed))
        }

        @Test func `and those that waited when the coordinator was killed, where a state has their weights`() throws {
            let undisturbed = try Furnace()
            try prompts((0..<2).map { "a horse --d \($0) --s 30 --w 32 --h 32\n" }.joined())
            furnace.settings["sample_at_first"] = "false"
            furnace.settings["save_every_n_steps"] = "2"
            undisturbed.settings = furnace.settings
            undisturbed.settings["sample_prompts"] = "\"\(furnace.path("prompts.txt"))\""
            #expect(try undisturbed.train(workers: 1).end().status == 0)

            let run = try furnace.train(workers: 2)
            let state = furnace.path("out/state/step-0000000004.safetensors")
            try run.wait(for: "second state") { FileManager.default.fileExists(atPath: state) }
            run.signal(SIGKILL)
            _ = try run.end()
            // Most are missing; on a machine that is quick at pictures this one is, too.
            try? FileManager.default.removeItem(atPath: furnace.path("out/samples/step-000002-01.png"))
            #expect(try pictures(furnace).count < 4)
            let again = try furnace.train(workers: 1).end()
            #expect(again.status == 0 && again.output.contains("Going on after step 4"), "\(again.output)")
            #expect(try pictures(furnace) == pictures(undisturbed))
            #expect(try pictures(furnace).count == 4)
            #expect(try furnace.fingerprint() == undisturbed.fingerprint())
        }

        @Test func `of prompts that it makes from the captions`() throws {
            furnace.settings["sample_prompts"] = "\"auto\""
            furnace.settings["sample_every_n_steps"] = "100"
            furnace.settings["sample_sampler"] = "\"euler\""
            #expect(try furnace.train().end().status == 0)
            let lines = try String(contentsOfFile: furnace.path("out/samples/prompts.txt"), encoding: .utf8)
            let rest = " --w 24 --h 24 --d 7 --s 30 --l 7.5 --ss euler\n"
            #expect(
                lines == "# group: the trigger alone\na horse\(rest)# group: the trigger and other words\n"
                    + "a horse, at night\(rest)# group: a caption\na horse, number 0, on a meadow\(rest)")
            #expect(try pictures(furnace).count == 3)
        }

        @Test(arguments: [
            ("a horse --s many\n", "prompts.txt:1: --s = 'many'"), ("a horse --w 25\n", "width: is 25"),
            ("# nothing\n", "there is no prompt in it"), ("a horse --s 1000\n", "sample_steps: is 1000"),
            (String(repeating: "a horse\n", count: 101), "has 101 prompts and may have 100"),
        ])
        func `unless the prompts cannot be used, which it says before anything runs`(text: String, sentence: String)
            throws
        {
            try prompts(text)
            let ended = try furnace.train().end()
            #expect(ended.status != 0 && ended.errors.contains(sentence), "\(ended.errors)")
            #expect(!FileManager.default.fileExists(atPath: furnace.path("out")))
        }
    }
}
