import Foundation
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `tells somebody who does not watch` {
        private let furnace: Furnace

        init() throws { furnace = try Furnace() }

        @Test func `of a loss that is NaN, and of a run that fails over it, by webhook and by command`() throws {
            // Far beyond what any training bears: the numbers are gone after a step.
            for (key, value) in ["learning_rate": "1000", "optimizer_type": "\"SGD\"", "max_grad_norm": "0"] {
                furnace.settings[key] = value
            }
            furnace.settings["max_train_steps"] = "40"
            try furnace.write()
            let letterbox = try Letterbox()
            let ended = try furnace.danlu(
                "train", "recipe.toml", "--workers", "1", "--notify-command", "echo $DANLU_EVENT >> notices",
                environment: ["DANLU_NOTIFY_WEBHOOK": "http://127.0.0.1:\(letterbox.port)/hook/s3cret"]
            ).end()
            #expect(ended.refusal().contains("steps in a row were not finite"))
            #expect(!ended.output.contains("s3cret"))
            let letters = letterbox.letters
            #expect(letters.map { $0.body["event"] as? String } == ["not_a_number", "failed"], "\(letters)")
            #expect(
                letters.allSatisfy {
                    $0.head.hasPrefix("POST /hook/s3cret HTTP/1.1\r\n") && $0.body["run"] as? String == "horse"
                        && $0.body["folder"] as? String == furnace.path("out")
                        && $0.body["total_steps"] as? Int == 40
                        && $0.body["content"] as? String == $0.body["text"] as? String
                })
            let texts = letters.compactMap { $0.body["text"] as? String }
            #expect(texts.first?.contains("which was not finite wherever it was computed") == true, "\(texts)")
            #expect(texts.last?.contains("failed after step ") == true)
            let step = try #require(ended.refusal().firstMatch(of: /the weights are those of step ([0-9]+) again/))
            #expect(letters.last?.body["step"] as? Int == Int(step.1))
            #expect(try String(contentsOfFile: furnace.path("notices"), encoding: .utf8) == "not_a_number\nfailed\n")
        }

        @Test func `of a run that is done, and goes on when nobody takes the notice`() throws {
            let letterbox = try Letterbox()
            furnace.settings["max_train_steps"] = "2"
            try furnace.write()
            let ended = try furnace.danlu(
                "train", "recipe.toml", "--notify-webhook", "http://127.0.0.1:\(letterbox.port)/", "--notify-command",
                "echo no such chat >&2; false"
            ).end()
            #expect(ended.status == 0)
            #expect(letterbox.letters.map { $0.body["event"] as? String } == ["done"])
            #expect(
                ended.output.contains(
                    "the notify command did not take the notice 'done': it ended with status 1: no such chat"))
        }

        @Test func `unless there can be no such place, which it says before anything runs, the plan included`() throws {
            try furnace.write()
            let sentence = "the webhook's address must be http://HOST/… or https://HOST/…"
            for (words, environment, place) in [
                (["--notify-webhook", "ftp://box3/"], [:], "--notify-webhook"),
                (["--notify-webhook", "chat", "--plan"], [:], "--notify-webhook"),
                (["--plan"], ["DANLU_NOTIFY_WEBHOOK": "chat"], "DANLU_NOTIFY_WEBHOOK"),
            ] {
                let refused = try Launched(
                    ["train", "recipe.toml"] + words, in: furnace.folder, environment: environment
                ).end()
                #expect(refused.refusal() == "\(place): \(sentence)")
                #expect(refused.output.isEmpty && !FileManager.default.fileExists(atPath: furnace.path("out")))
            }
        }
    }
}
