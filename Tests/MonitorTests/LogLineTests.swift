import Foundation
import Logging
import Recipe
import Synchronization
import Testing

@testable import Monitor

@Suite struct `A log` {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private let lines = Lines()

    private func logger(_ format: LogFormat) -> Logger {
        let lines = lines
        return Logger(label: "test") { _ in LineLogHandler(format) { line in lines.all.withLock { $0.append(line) } } }
    }

    private func said() -> [String] { lines.all.withLock { $0 } }

    @Test func `in plain format has the sentences, which cannot reach into a terminal`() {
        let logger = logger(.plain)
        logger.info("W1 (box\u{1B}[2J) joined", metadata: ["event": "joined"])
        logger.warning("one\ntwo")
        logger.debug("not said")
        #expect(said() == ["W1 (box?[2J) joined\n", "one\ntwo\n"])
    }

    @Test func `in JSON has an object in each line, with numbers as numbers`() throws {
        var logger = logger(.json)
        logger[metadataKey: "run"] = "horse"
        logger.warning(
            "a \"sentence\"\nof two lines",
            metadata: [
                "event": "step", "step": .stringConvertible(7), "loss": .stringConvertible(0.25),
                "average_loss": .stringConvertible(Double.nan), "late": .stringConvertible(true),
                "learning_rates": .dictionary(["unet": .stringConvertible(1e-4)]), "names": ["a", "b"],
            ])
        let line = try #require(said().first)
        #expect(said().count == 1 && line.hasSuffix("}\n") && line.filter { $0 == "\n" }.count == 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["message"] as? String == "a \"sentence\"\nof two lines")
        #expect(object["level"] as? String == "warning" && object["event"] as? String == "step")
        #expect(object["run"] as? String == "horse" && object["step"] as? Int == 7)
        #expect(
            object["loss"] as? Double == 0.25 && object["average_loss"] is NSNull && object["late"] as? Bool == true)
        #expect(
            object["learning_rates"] as? [String: Double] == ["unet": 1e-4]
                && object["names"] as? [String] == ["a", "b"])
        let time = try #require(object["time"] as? String)
        #expect(
            abs(
                try Date(time, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)).timeIntervalSinceNow
            ) < 60)
    }

    @Test func `of a step has all that is known of it`() throws {
        let report = StepReport(
            step: 5, totalSteps: 10, epoch: 1, epochs: 2, loss: .nan, averageLoss: 0.5, learningRates: [.unet: 1e-4],
            gradientNorm: 0.25, noiseScale: nil, samples: 8, effectiveBatch: 8, seconds: 0.5, workers: 2)
        logger(.json).info("step 5/10", metadata: report.metadata)
        let line = try #require(said().first)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "time", "level", "message", "event", "step", "total_steps", "epoch", "epochs", "loss", "average_loss",
                "learning_rates", "samples", "seconds", "workers", "gradient_norm", "effective_batch",
            ])
        #expect(object["loss"] is NSNull && object["samples"] as? Int == 8)

        var timed = report
        timed.times = StepTimeSplit(
            workers: [.init(name: "box1", slots: 3, broadcast: 0.5, compute: 2, send: 0.25, wait: 1)], reduce: 0.125,
            optimizer: 0.75)
        logger(.json).info("step 5/10", metadata: timed.metadata)
        let second = try #require(
            try JSONSerialization.jsonObject(with: Data(said()[1].utf8)) as? [String: Any])
        #expect(second["reduce_seconds"] as? Double == 0.125 && second["optimizer_seconds"] as? Double == 0.75)
        #expect(
            second["workers_seconds"] as? [String: [String: Double]]
                == ["box1": ["slots": 3, "broadcast": 0.5, "compute": 2, "send": 0.25, "wait": 1]])
    }
}
