import Foundation
import Testing

@testable import Monitor

/// A run of three workers, one of which is silent.
private func standing() -> Standing {
    var standing = Standing(
        state: "computing", sentence: "step 197: waiting for box3 (last seen 4.1 s ago, computing slot 17 of 24)",
        step: 197, totalSteps: 1600, slots: 24, slotsDone: 20, incarnation: 1)
    standing.epoch = 2
    standing.epochs = 10
    standing.loss = 0.12344
    standing.averageLoss = 0.1301
    standing.learningRates = ["unet": 1e-4, "textencoder": 5e-5]
    standing.secondsPerStep = 0.617
    standing.imagesPerSecond = 3.24
    standing.secondsLeft = 866
    standing.workers = [
        Standing.Worker(
            number: 1, name: "box1", device: "cuda:0", state: .idle, share: 0.5, imagesPerSecond: 1.62,
            split: Standing.Worker.Split(compute: 0.8, communicate: 0.06, wait: 0.14), lastSeen: 0.3,
            memory: 9_876_543_210, memoryTotal: 25_000_000_000),
        Standing.Worker(
            number: 2, name: "丹炉-二号", device: "cpu", state: .computing, share: 0.25, imagesPerSecond: 0.81,
            split: Standing.Worker.Split(compute: 0.9, communicate: 0.1, wait: 0), lastSeen: 0.1,
            memory: 1_288_490_188, memoryTotal: 8 << 30, slotsMissing: 2, slot: 21),
        Standing.Worker(
            number: 3, name: "box3", device: "cpu", state: .silent, share: 0.25, imagesPerSecond: 0.8,
            split: Standing.Worker.Split(compute: 0.85, communicate: 0.15, wait: 0), lastSeen: 4.1,
            memory: 1_200_000_000, memoryTotal: 8 << 30, slotsMissing: 4, slot: 17),
    ]
    return standing
}

private func screen(_ standing: Standing, _ terminal: Terminal) -> [String] {
    RunView(standing, on: terminal).live.map(\.plain)
}

@Suite struct `The live view` {
    @Test func `shows the validation loss beside the others, where there is one`() throws {
        var standing = standing()
        standing.validationLoss = 0.15678
        #expect(
            screen(standing, Terminal(width: 80, height: 24))[1]
                == "  loss 0.1234  avr_loss 0.1301  val_loss 0.1568  1.62 it/s  3.24 images/s")
        #expect(try standing.json.contains("\"validation_loss\" : 0.15678"))
        #expect(try Standing(json: Data(standing.json.utf8)) == standing)
    }

    @Test func `says all in 80 columns`() {
        #expect(
            screen(standing(), Terminal(width: 80, height: 24)) == [
                "  12% ━━━━╸──────────────────────────────────  197/1600  epoch 2/10  14:26 left",
                "  loss 0.1234  avr_loss 0.1301  1.62 it/s  3.24 images/s  lr unet 1e-4 te 5e-5",
                "  step 197: waiting for box3 (last seen 4.1 s ago, computing slot 17 of 24)",
                "",
                "  worker    device state      share images/s comp comm wait   seen   memory",
                "  box1      cuda:0 idle         50%     1.62  80%   6%  14%  0.3 s  9.2 GiB",
                "  丹炉-二号 cpu    computing    25%    0.810  90%  10%   0%  0.1 s  1.2 GiB",
                "  box3      cpu    silent       25%    0.800  85%  15%   0%  4.1 s  1.1 GiB",
            ])
    }

    @Test func `says who makes a picture or measures the validation loss`() throws {
        var standing = standing()
        (standing.workers[0].state, standing.workers[1].state) = (.painting, .validating)
        let lines = screen(standing, Terminal(width: 80, height: 24))
        #expect(lines[5].hasPrefix("  box1      cuda:0 painting     50%"))
        #expect(lines[6].hasPrefix("  丹炉-二号 cpu    validating   25%"))
        #expect(try standing.json.contains("\"state\" : \"painting\""))
        #expect(try Standing(json: Data(standing.json.utf8)) == standing)
    }

    @Test func `is ASCII where the terminal is`() {
        let lines = screen(standing(), Terminal(width: 80, height: 24, unicode: false))
        #expect(lines[0] == "  12% [####.................................]  197/1600  epoch 2/10  14:26 left")
        #expect(lines[6] == "  ??-??    cpu    computing    25%    0.810  90%  10%   0%  0.1 s  1.2 GiB")
        #expect(lines.joined().utf8.allSatisfy { 0x20 <= $0 && $0 < 0x7F })
    }

    @Test func `leaves out what matters least where the terminal is narrow`() {
        #expect(
            screen(standing(), Terminal(width: 40, height: 24)) == [
                "  12% 197/1600  epoch 2/10  14:26 left",
                "  loss 0.1234  avr_loss 0.1301",
                "  step 197: waiting for box3 (last see…",
                "",
                "worker    state      images/s   seen",
                "box1      idle           1.62  0.3 s",
                "丹炉-二号 computing     0.810  0.1 s",
                "box3      silent        0.800  4.1 s",
            ])
        #expect(
            screen(standing(), Terminal(width: 20, height: 24)) == [
                "  12% 197/1600",
                "  loss 0.1234",
                "  step 197: waitin…",
                "",
                "worker   state",
                "box1     idle",
                "丹炉-…号 computing",
                "box3     silent",
            ])
    }

    @Test func `gives names and devices the room of a wide terminal`() {
        var standing = standing()
        standing.workers = [standing.workers[0]]
        standing.workers[0].name = "a-box-with-a-long-name.example.org"
        standing.workers[0].device = "cuda:0 of eight"
        #expect(
            Array(screen(standing, Terminal(width: 120, height: 24)).suffix(2)) == [
                "  worker                           device          state      share images/s comp comm wait   seen   memory",
                "  a-box-with-a-lon…ame.example.org cuda:0 of eight idle         50%     1.62  80%   6%  14%  0.3 s  9.2 GiB",
            ])
    }

    @Test(arguments: 1...140) func `is never wider or higher than its terminal`(size: Int) {
        var standing = standing()
        standing.sentence = "步骤 🔥 " + String(repeating: "waiting 丹炉 ", count: 40)
        standing.brief = standing.sentence
        standing.keptOut = [Standing.KeptOut(name: "box9", seconds: 20, reason: standing.sentence)]
        for unicode in [true, false] {
            for (width, height) in [(size, 24), (80, size), (size, size)] {
                let lines = RunView(standing, on: Terminal(width: width, height: height, unicode: unicode)).live
                #expect(lines.count <= max(1, height - 1))
                #expect(lines.allSatisfy { $0.columns <= max(1, width - 1) })
            }
        }
    }

    @Test func `of 10,000 workers shows those who want to be looked at, and counts the others`() {
        var standing = standing()
        standing.workers = (1...10_000).map { number in
            Standing.Worker(
                number: number, name: "box\(number)",
                state: number == 7777 ? .silent : number % 2 == 0 ? .idle : .computing,
                lastSeen: 0.1)
        }
        let lines = screen(standing, Terminal(width: 80, height: 24))
        #expect(lines.count == 17)
        #expect(
            lines[5].contains("box1 ") && lines[14].contains("box10 ") && lines[15].contains("box7777  –      silent"))
        #expect(lines[16] == "  and 9,989 others; of 10,000: 4,999 computing, 5,000 idle, 1 silent")
        let start = ContinuousClock.now
        for _ in 0..<10 { _ = screen(standing, Terminal(width: 80, height: 24)) }
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(RunView(standing, on: Terminal(width: 80, height: 24)).whole.count < 220)
    }

    @Test func `says what there is before the first step and after the last`() {
        let first = Standing(
            state: "waiting", sentence: "step 0 waits for a worker to join", step: 0, totalSteps: 1600, slots: 0,
            slotsDone: 0, incarnation: 1)
        #expect(
            screen(first, Terminal(width: 80, height: 24)) == [
                "   0% " + String(repeating: "─", count: 53) + "  0/1600  --:-- left",
                "  no step yet", "  step 0 waits for a worker to join",
            ])
        var last = standing()
        last.step = 1600
        last.secondsLeft = 0
        let bar = screen(last, Terminal(width: 80, height: 24))[0]
        #expect(bar.hasPrefix(" 100% ━━") && !bar.contains("─") && bar.hasSuffix("0:00 left"))
    }

    @Test func `names one of those it waits for where the whole sentence is too long`() {
        var standing = standing()
        standing.sentence =
            "step 197: waiting for " + (1...3).map { "box\($0) (last seen 0.1 s ago)" }.joined(separator: ", ")
        standing.brief = "step 197: waiting for box3 (last seen 4.1 s ago) and 2 others"
        #expect(screen(standing, Terminal(width: 80, height: 24))[2] == "  " + standing.brief)
        #expect(screen(standing, Terminal(width: 120, height: 24))[2] == "  " + standing.sentence)
    }

    @Test func `lets nothing of a name through to the terminal`() {
        var standing = standing()
        standing.workers[0].name = "box\u{1B}]0;title\u{07}\u{1B}[2J"
        standing.workers[0].device = "\u{9B}H"
        standing.sentence = "waiting for \u{1B}[31mred"
        standing.brief = standing.sentence
        standing.learningRates = ["unet\u{1B}[1m": 1]
        standing.keptOut = [Standing.KeptOut(name: "\u{1B}c", seconds: 1, reason: "\r\n\u{1B}[A")]
        standing.events = [Standing.Event(time: 0, sentence: "\u{1B}[?1049h")]
        let view = RunView(standing, on: Terminal(width: 120, height: 40, colour: false))
        for line in view.live + view.whole {
            #expect(line.text(colour: false).unicodeScalars.allSatisfy { $0.value >= 0x20 })
        }
        #expect(view.live.contains { $0.plain.hasPrefix("  box?]0;title??[2J") })
    }

    @Test func `stresses with colours that it ends, and only where they are wanted`() {
        let view = RunView(standing(), on: Terminal(width: 80, height: 24, colour: true)).live
        #expect(
            view[7].text(colour: true)
                == "  box3      cpu    \u{1B}[33msilent\u{1B}[0m       25%    0.800  85%  15%   0%  \u{1B}[33m4.1 s\u{1B}[0m"
                + "  1.1 GiB")
        for line in view {
            #expect(line.text(colour: false) == line.plain && !line.plain.contains("\u{1B}"))
            let begun = line.text(colour: true).components(separatedBy: "\u{1B}[").count - 1
            #expect(begun == 2 * (line.text(colour: true).components(separatedBy: "\u{1B}[0m").count - 1))
        }
    }
}

@Suite struct `What status prints` {
    @Test func `is the same and more: the whole sentence, and what happened last`() {
        var standing = standing()
        standing.workers = [standing.workers[0]]
        standing.sentence =
            "step 197: waiting for box2 (last seen 0.1 s ago, computing slot 21 of 24), box3 (last seen 4.1 s ago)"
        standing.keptOut = [Standing.KeptOut(name: "box4", seconds: 20, reason: "it left three times in a row")]
        standing.events = [
            Standing.Event(time: 1_700_000_000, sentence: "W3 (box3) is ready"),
            Standing.Event(
                time: 1_700_000_061,
                sentence:
                    "W4 (box4) is gone: it has not opened its bulk connection: is port 5571 open to it? Or is it not?"),
        ]
        #expect(
            RunView(standing, on: Terminal(canRedraw: false, width: 80, height: 24)).whole.map(\.plain) == [
                "  12% ━━━━╸──────────────────────────────────  197/1600  epoch 2/10  14:26 left",
                "  loss 0.1234  avr_loss 0.1301  1.62 it/s  3.24 images/s  lr unet 1e-4 te 5e-5",
                "  step 197: waiting for box2 (last seen 0.1 s ago, computing slot 21 of 24),",
                "    box3 (last seen 4.1 s ago)",
                "",
                "  worker   device state      share images/s comp comm wait   seen   memory",
                "  box1     cuda:0 idle         50%     1.62  80%   6%  14%  0.3 s  9.2 GiB",
                "  kept out for 0:20: box4, it left three times in a row",
                "",
                "  \(Figures.timeOfDay(1_700_000_000))  W3 (box3) is ready",
                "  \(Figures.timeOfDay(1_700_000_061))  W4 (box4) is gone: it has not opened its bulk connection: is port",
                "            5571 open to it? Or is it not?",
            ])
    }

    @Test func `is in JSON what scripts can rely on`() throws {
        var standing = standing()
        standing.workers = [standing.workers[0]]
        standing.workers[0].name = "box\u{1B}[2J\"1"
        standing.events = [Standing.Event(time: 1_700_000_000, sentence: "W1 is ready")]
        let json = try standing.json
        #expect(json.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "schema", "state", "sentence", "brief", "step", "total_steps", "epoch", "epochs", "slots", "slots_done",
                "loss", "average_loss", "learning_rates", "seconds_per_step", "images_per_second", "seconds_left",
                "incarnation", "workers", "kept_out", "events",
            ])
        #expect(object["schema"] as? Int == 1 && object["total_steps"] as? Int == 1600)
        #expect(object["learning_rates"] as? [String: Double] == ["unet": 1e-4, "textencoder": 5e-5])
        let worker = try #require((object["workers"] as? [[String: Any]])?.first)
        #expect(
            Set(worker.keys) == [
                "number", "name", "device", "state", "share", "images_per_second", "split", "last_seen", "memory",
                "memory_total", "slots_missing",
            ])
        #expect(worker["name"] as? String == "box\u{1B}[2J\"1" && worker["state"] as? String == "idle")
        #expect(worker["split"] as? [String: Double] == ["compute": 0.8, "communicate": 0.06, "wait": 0.14])
        #expect(try Standing(json: Data(json.utf8)) == standing)
    }
}
