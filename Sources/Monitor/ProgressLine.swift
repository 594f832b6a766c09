import Recipe

/// How a step report looks in a log file or a pipe: values in, text out.
package enum ProgressLine {
    /// The line of a log file or a pipe, without a newline.
    package static func plain(_ report: StepReport, throughput: Throughput) -> String {
        let facts =
            ["step \(report.step)/\(report.totalSteps)", "epoch \(report.epoch)/\(report.epochs)"]
            + numbers(report, throughput)
            + [norm(report), noise(report), batch(report), workers(report)].compactMap { $0 }
            + ["\(remaining(report, throughput)) left"]
        return facts.joined(separator: "  ")
    }

    private static func numbers(_ report: StepReport, _ throughput: Throughput) -> [String] {
        var numbers = [
            "loss \(Figures.loss(report.loss))", "avr_loss \(Figures.loss(report.averageLoss))",
            Figures.speed(secondsPerStep: throughput.secondsPerStep),
        ]
        if let speed = throughput.samplesPerSecond { numbers.append("\(Figures.significant(speed)) images/s") }
        if !report.learningRates.isEmpty { numbers.append("lr \(rates(report.learningRates))") }
        return numbers
    }

    /// `unet 1e-4 te 5e-5`, or the one number that all groups share.
    static func rates(_ rates: [String: Double]) -> String {
        if let first = rates.values.first, rates.values.allSatisfy({ $0 == first }) { return Figures.rate(first) }
        let order = ParameterGroup.allCases.map(\.rawValue)
        return rates.sorted { ($0.key.place(in: order), $0.key) < ($1.key.place(in: order), $1.key) }
            .map { name, rate in
                let short = name.replacing("textencoder", with: "te").replacing(" plus", with: "+")
                return "\(short) \(Figures.rate(rate))"
            }.joined(separator: " ")
    }

    private static func norm(_ report: StepReport) -> String? {
        report.gradientNorm.map { "norm \(Figures.significant($0))" }
    }

    private static func noise(_ report: StepReport) -> String? {
        report.noiseScale.map { "noise scale \(Figures.significant($0))" }
    }

    /// `batch 8`, or `batch 8 (lr for 5.20)` on the way there; where the batch is fixed the plan has said it.
    private static func batch(_ report: StepReport) -> String? {
        guard let batch = report.effectiveBatch, let scaled = report.scaledBatch else { return nil }
        let isThere = abs(scaled - Double(batch)) < 1e-9 * Double(batch)
        return "batch \(batch)" + (isThere ? "" : " (lr for \(Figures.significant(scaled)))")
    }

    private static func workers(_ report: StepReport) -> String? {
        report.workers > 1 ? Figures.count(report.workers, "worker") : nil
    }

    private static func remaining(_ report: StepReport, _ throughput: Throughput) -> String {
        Figures.clock(throughput.secondsPerStep.map { $0 * Double(max(0, report.totalSteps - report.step)) })
    }
}

extension String {
    fileprivate func place(in order: [String]) -> Int { order.firstIndex(of: self) ?? order.count }
}
