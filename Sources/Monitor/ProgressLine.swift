import Recipe

/// How a step report looks on a terminal and in a file: values in, text out.
package enum ProgressLine {
    /// The bar of a terminal: two lines of at most `width` columns.
    ///
    /// The first has the bar, the step, the epoch and the time left; the second loss, `avr_loss`, speed, images per
    /// second and the learning rate of each group, and gradient norm, noise scale and workers where they fit. What does
    /// not fit is left out, the least important first.
    ///
    /// - Parameter unicode: whether the terminal shows more than ASCII.
    package static func bar(
        _ report: StepReport, throughput: Throughput, width: Int, unicode: Bool = true
    ) -> [String] {
        let share = report.totalSteps > 0 ? min(max(Double(report.step) / Double(report.totalSteps), 0), 1) : 0
        let percent = String(Int(share * 100))
        let left = String(repeating: " ", count: max(0, 4 - percent.count)) + percent + "%"
        let facts = fitting(
            [
                "\(report.step)/\(report.totalSteps)", "epoch \(report.epoch)/\(report.epochs)",
                "\(remaining(report, throughput)) left",
            ], width: width - left.count - 1)
        let room = width - left.count - facts.count - 3
        let bar = room >= 6 ? " " + drawn(share, width: min(room, 60), unicode: unicode) + "  " : " "
        return [
            String((left + bar + facts).prefix(max(width, 0))),
            fitting(
                numbers(report, throughput)
                    + [norm(report), noise(report), batch(report), workers(report)].compactMap { $0 },
                width: width - 2, indent: 2),
        ]
    }

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

    /// As many of `facts`, from the first, as fit into `width` columns.
    private static func fitting(_ facts: [String], width: Int, indent: Int = 0) -> String {
        var text = ""
        for fact in facts {
            let longer = text.isEmpty ? fact : text + "  " + fact
            guard longer.count <= width else { break }
            text = longer
        }
        return text.isEmpty ? "" : String(repeating: " ", count: indent) + text
    }

    private static func drawn(_ share: Double, width: Int, unicode: Bool) -> String {
        guard unicode else {
            let filled = Int(share * Double(width - 2))
            return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - 2 - filled) + "]"
        }
        let halves = Int(share * Double(width * 2))
        let filled = String(repeating: "━", count: halves / 2) + (halves % 2 == 1 ? "╸" : "")
        return filled + String(repeating: "─", count: width - filled.count)
    }
}

extension String {
    fileprivate func place(in order: [String]) -> Int { order.firstIndex(of: self) ?? order.count }
}
