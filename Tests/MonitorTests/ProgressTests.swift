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

@Suite struct `Learning rates in a line` {
    @Test func `are one where all groups share it, and LoRA+'s halves apart`() {
        let shared = report(rates: [.unet: 1e-4, .textEncoder: 1e-4])
        #expect(ProgressLine.plain(shared, throughput: Throughput()).contains("  lr 1e-4  "))
        let plus = report(rates: [.unet: 1e-4, .unetUp: 1.6e-3, .textEncoder: 5e-5, .textEncoderUp: 8e-4])
        #expect(
            ProgressLine.plain(plus, throughput: Throughput()).contains(
                "  lr unet 1e-4 unet+ 1.6e-3 te 5e-5 te+ 8e-4  "))
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

    @Test func `says nan where the loss is none`() {
        #expect(ProgressLine.plain(report(loss: .nan), throughput: Throughput()).contains("  loss nan  "))
    }

    @Test func `comes by time, not by step, and at the last in any case`() {
        var interval = StepInterval()
        var said: [Int] = []
        for step in 1...100 where interval.isDue(report(step: step, of: 100), at: .milliseconds(300 * step)) {
            said.append(step)
        }
        #expect(said == [1, 35, 69, 100])
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

    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (812 << 20, "812 MiB"), (1_300_000_000, "1.2 GiB"),
        (1023 << 20, "1023 MiB"), (80 << 30, "80.0 GiB"), (Int.max, "8.0 EiB"), (-5, "0 B"),
    ])
    func `of memory has eight characters at most`(bytes: Int, text: String) {
        #expect(Figures.size(bytes) == text && text.count <= 8)
    }

    @Test(arguments: [
        (0.04, "0.0 s"), (4.1, "4.1 s"), (9.96, "10 s"), (99.6, "2 min"), (5939, "99 min"), (7200, "2 h"),
        (200_000, "2 d"), (1e12, "9999 d"), (-1, "?"), (Double.nan, "?"),
    ])
    func `of age has six characters at most`(seconds: Double, text: String) {
        #expect(Figures.age(seconds) == text && text.count <= 6)
    }

    @Test func `of a share is a percentage, whatever it is a share of`() {
        #expect(Figures.percent(1, of: 3) == "33%" && Figures.percent(1, of: 0) == "0%")
        #expect(Figures.percent(2, of: 1) == "100%" && Figures.percent(.nan, of: 1) == "0%")
        #expect(Figures.grouped(10_000) == "10,000" && Figures.grouped(999) == "999")
        #expect(Figures.grouped(1_234_567) == "1,234,567")
    }

    @Test(arguments: [0, 1_700_000_000, 1_700_000_061, 4_000_000_000]) func `of a time of day is this box's`(
        time: Double
    ) {
        let parts = Calendar.current.dateComponents([.hour, .minute, .second], from: Date(timeIntervalSince1970: time))
        let text = String(format: "%02d:%02d:%02d", parts.hour ?? -1, parts.minute ?? -1, parts.second ?? -1)
        #expect(Figures.timeOfDay(time) == text)
        #expect(Figures.timeOfDay(.nan) == "--:--:--" && Figures.timeOfDay(1e300) == "--:--:--")
    }

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
