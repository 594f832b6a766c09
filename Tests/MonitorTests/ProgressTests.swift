import Foundation
@testable import Monitor
import Recipe
import Testing

private func report(
    step: Int = 197, of total: Int = 1600, loss: Double = 0.12344,
    rates: [ParameterGroup: Double] = [.unet: 1e-4, .textEncoder: 5e-5],
    samples: Int = 2, seconds: Double = 0.617, workers: Int = 1
) -> StepReport {
    StepReport(
        step: step, totalSteps: total, epoch: 2, epochs: 10, loss: loss, averageLoss: 0.1301, learningRates: rates,
        gradientNorm: 0.534, samples: samples, seconds: seconds, workers: workers)
}

private func throughput(_ report: StepReport) -> Throughput {
    var throughput = Throughput()
    throughput.add(seconds: report.seconds, samples: report.samples)
    return throughput
}

@Suite struct `The progress bar` {
    @Test func `says all in two lines of 80 columns`() {
        let report = report()
        let lines = ProgressLine.bar(report, throughput: throughput(report), width: 80)
        #expect(
            lines == [
                "  12% ━━━━╸───────────────────────────────────  197/1600  epoch 2/10  14:26 left",
                "  loss 0.1234  avr_loss 0.1301  1.62 it/s  3.24 images/s  lr unet 1e-4 te 5e-5",
            ])
    }

    @Test func `is ASCII where the terminal is`() {
        let report = report(step: 800)
        let lines = ProgressLine.bar(report, throughput: throughput(report), width: 80, unicode: false)
        #expect(lines[0] == "  50% [###################....................]  800/1600  epoch 2/10  8:14 left")
        #expect(lines.joined().utf8.allSatisfy { $0 < 128 })
    }

    @Test(arguments: [1, 5, 12, 20, 33, 40, 60, 79, 80, 100, 200])
    func `never is wider than the terminal, and says what matters most first`(width: Int) {
        let report = report(step: 1599, samples: 4096, seconds: 12_345, workers: 12)
        let lines = ProgressLine.bar(report, throughput: throughput(report), width: width)
        #expect(lines.count == 2)
        for line in lines { #expect(line.count <= width) }
        if width >= 20 {
            #expect(lines[0].contains("1599/1600"))
            #expect(lines[1].contains("loss 0.1234"))
        }
        if width >= 100 { #expect(lines[1].contains("norm 0.534")) }
    }

    @Test func `is empty at first and full at last`() {
        let first = report(step: 0)
        let last = report(step: 1600)
        #expect(ProgressLine.bar(first, throughput: Throughput(), width: 60)[0].hasPrefix("   0% ──"))
        #expect(ProgressLine.bar(first, throughput: Throughput(), width: 80)[0].hasSuffix("--:-- left"))
        let full = ProgressLine.bar(last, throughput: throughput(last), width: 80)[0]
        #expect(full.hasPrefix(" 100% ━━") && !full.contains("─") && full.hasSuffix("0:00 left"))
    }

    @Test func `shows one rate when all groups share it, and LoRA+'s halves apart`() {
        let shared = report(rates: [.unet: 1e-4, .textEncoder: 1e-4])
        #expect(ProgressLine.plain(shared, throughput: Throughput()).contains("  lr 1e-4  "))
        let plus = report(rates: [.unet: 1e-4, .unetUp: 1.6e-3, .textEncoder: 5e-5, .textEncoderUp: 8e-4])
        #expect(
            ProgressLine.plain(plus, throughput: Throughput()).contains(
                "  lr unet 1e-4 unet+ 1.6e-3 te 5e-5 te+ 8e-4  "))
    }

    @Test func `says nan where the loss is none`() {
        #expect(ProgressLine.plain(report(loss: .nan), throughput: Throughput()).contains("  loss nan  "))
    }
}

@Suite struct `A log line` {
    @Test func `says all in plain words`() {
        let report = report(seconds: 34, workers: 3)
        #expect(
            ProgressLine.plain(report, throughput: throughput(report))
                == "step 197/1600  epoch 2/10  loss 0.1234  avr_loss 0.1301  34.0 s/it  0.0588 images/s  "
                + "lr unet 1e-4 te 5e-5  norm 0.534  3 workers  13:15:02 left")
    }

    @Test func `comes by time, not by step`() {
        var display = ProgressDisplay(style: .lines)
        var shown: [Int] = []
        for step in 1...100 where display.show(report(step: step, of: 100), at: .milliseconds(300 * step)) != nil {
            shown.append(step)
        }
        #expect(shown == [1, 35, 69, 100])
    }

    @Test func `has no control codes and ends in a newline`() throws {
        var display = ProgressDisplay(style: .lines)
        let lineShown = display.show(report(), at: .zero)
        let line = try #require(lineShown)
        #expect(line.hasSuffix(" left\n"))
        #expect(!line.contains("\u{1B}") && !line.contains("\r"))
        let message = display.message("saved")
        #expect(message == "saved\n")
        let end = display.finish()
        #expect(end == "")
    }
}

@Suite struct `A terminal's display` {
    @Test func `draws over what it drew`() throws {
        var display = ProgressDisplay(style: .bar(unicode: true))
        let firstShown = display.show(report(step: 1), at: .zero)
        let first = try #require(firstShown)
        #expect(!first.hasPrefix("\r") && !first.hasSuffix("\n"))
        let second = display.show(report(step: 2), at: .milliseconds(50))
        #expect(second == nil)
        let thirdShown = display.show(report(step: 3), at: .milliseconds(150))
        let third = try #require(thirdShown)
        #expect(third.hasPrefix("\r\u{1B}[1A"))
        #expect(third.contains("3/1600"))
        #expect(third.components(separatedBy: "\n").count == 2)
    }

    @Test func `lets messages stand above the bar`() {
        var display = ProgressDisplay(style: .bar(unicode: true))
        let early = display.message("hello")
        #expect(early == "hello\n")
        _ = display.show(report(), at: .zero)
        let message = display.message("saved deer-000001.safetensors")
        #expect(message.hasPrefix("\r\u{1B}[1A\u{1B}[Jsaved deer-000001.safetensors\n"))
        #expect(message.contains("197/1600"))
    }

    @Test func `always shows the last step and leaves it standing`() throws {
        var display = ProgressDisplay(style: .bar(unicode: true))
        _ = display.show(report(step: 1599), at: .zero)
        let lastShown = display.show(report(step: 1600), at: .milliseconds(1))
        let last = try #require(lastShown)
        #expect(last.hasSuffix("\n"))
        let end = display.finish()
        #expect(end == "")
    }

    @Test func `is a bar only where one can be drawn`() {
        func terminal(_ isTerminal: Bool, _ environment: [String: String], width: Int = 0) -> Terminal {
            Terminal(isTerminal: isTerminal, measuredWidth: width, environment: environment)
        }
        #expect(terminal(true, ["TERM": "xterm", "LANG": "C.UTF-8"], width: 132).style == .bar(unicode: true))
        #expect(terminal(true, ["TERM": "xterm", "LC_ALL": "C", "LANG": "de_DE.utf8"]).style == .bar(unicode: false))
        #expect(terminal(true, ["TERM": "dumb"]).style == .lines)
        #expect(terminal(false, ["TERM": "xterm"]).style == .lines)
        #expect(terminal(true, [:], width: 132).width == 132)
        #expect(terminal(true, ["COLUMNS": "100"]).width == 100)
        #expect(terminal(false, [:]).width == 80)
    }
}

@Suite struct `A figure` {
    @Test(arguments: [
        (0, "0:00"), (59.6, "1:00"), (866, "14:26"), (3723, "1:02:03"), (-1, "--:--"), (Double.nan, "--:--"),
    ])
    func `of time is a clock's`(seconds: Double, text: String) { #expect(Figures.clock(seconds) == text) }

    @Test(arguments: [
        (0, "0"), (1e-4, "1e-4"), (1.62e-4, "1.62e-4"), (2e-6, "2e-6"), (0.01, "0.01"), (1.5, "1.5"), (1e-10, "1e-10"),
    ])
    func `of a learning rate is short`(rate: Double, text: String) { #expect(Figures.rate(rate) == text) }

    @Test(arguments: [(0.617, "1.62 it/s"), (34, "34.0 s/it"), (0.001, "1000 it/s"), (1, "1.00 it/s"), (0, "? it/s")])
    func `of speed turns over at a second`(seconds: Double, text: String) {
        #expect(Figures.speed(secondsPerStep: seconds) == text)
    }

    @Test(arguments: [
        (9 << 20, "9.0 MiB"), (144 << 20, "144.0 MiB"), (512, "512 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"),
    ])
    func `of size has its unit`(bytes: Int, text: String) { #expect(Figures.bytes(bytes) == text) }

    @Test func `of throughput is smoothed, and right from the first step`() {
        var throughput = Throughput()
        #expect(throughput.secondsPerStep == nil && throughput.samplesPerSecond == nil)
        throughput.add(seconds: 2, samples: 4)
        #expect(abs((throughput.secondsPerStep ?? 0) - 2) < 1e-12)
        #expect(abs((throughput.samplesPerSecond ?? 0) - 2) < 1e-12)
        for _ in 0..<200 { throughput.add(seconds: 1, samples: 4) }
        #expect(abs((throughput.secondsPerStep ?? 0) - 1) < 1e-6)
        throughput.add(seconds: .nan, samples: 4)
        #expect(abs((throughput.samplesPerSecond ?? 0) - 4) < 1e-5)
    }
}

@Suite struct `A batch that grows with the world` {
    @Test func `stands in the line, with the batch that learning rates are on their way from`() {
        func line(_ batch: Int, _ scaled: Double?) -> String {
            var report = report(workers: 2)
            report.effectiveBatch = batch
            report.scaledBatch = scaled
            return ProgressLine.plain(report, throughput: throughput(report))
        }
        #expect(line(8, 8).contains("  batch 8  2 workers"))
        #expect(line(8, 5.2).contains("  batch 8 (lr for 5.20)  2 workers"))
        #expect(!line(8, nil).contains("batch"))
    }
}
