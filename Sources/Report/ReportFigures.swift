import Foundation
import Journal
import Monitor

/// The numbers at the top of a report.
struct ReportFigures {
    let all: [(name: String, value: String)]

    init(_ report: RunReport) {
        guard let overview = report.overview else {
            all = []
            return
        }
        func latest(_ title: String, _ line: String) -> JournalReader.Point? {
            report.curves.first { $0.title == title }?.lines.first { $0.name == line }?.points.last
        }
        let samples = report.workers.reduce(0) { $0 + $1.samples }
        var figures = [("of \(Figures.count(overview.totalSteps, "step"))", "\((overview.lastStep ?? -1) + 1)")]
        if let last = report.last {
            figures.append((last.epoch == 0 ? "epoch" : "epochs", "\(last.epoch + 1)"))
            figures += last.averageLoss.map { [("avr_loss", Figures.loss($0))] } ?? []
            figures += latest("Loss", "validation loss").map { [("validation loss", Figures.loss($0.mean))] } ?? []
        }
        figures.append(("computing", ReportText.duration(report.seconds)))
        if report.seconds > 0 { figures.append(("samples/s", Figures.significant(Double(samples) / report.seconds))) }
        figures.append((report.workers.count == 1 ? "worker" : "workers", "\(report.workers.count)"))
        if overview.lives.count > 1 { figures.append(("starts of the coordinator", "\(overview.lives.count)")) }
        if let size = report.result?.size { figures.append(("the LoRA's file", Figures.bytes(size))) }
        all = figures.map { (name: $0.0, value: $0.1) }
    }
}

/// What each worker did, and of what all did.
struct WorkerShares {
    struct Worker {
        let name: String
        let samples: Int
        let steps: Int
        /// Of the samples of all, from 0 to 1.
        let share: Double
        /// Samples a second of computing.
        let speed: Double?
        let state: String
        /// Seconds, by part.
        let spent: [String: Double]
    }

    let all: [Worker]

    init(_ report: RunReport) {
        let present = report.overview?.lives.last?.outcome == nil ? "in" : "stayed to the end"
        let total = max(1, report.workers.reduce(0) { $0 + $1.samples })
        all = report.workers.sorted { ($1.samples, $0.name) < ($0.samples, $1.name) }.map { worker in
            let stays = worker.stays == 1 ? "" : ", joined \(worker.stays) times"
            return Worker(
                name: worker.name, samples: worker.samples, steps: worker.steps,
                share: Double(worker.samples) / Double(total),
                speed: worker.seconds > 0 ? Double(worker.samples) / worker.seconds : nil,
                state: (worker.left == nil ? present : worker.reason ?? "left") + stays,
                spent: report.spent[worker.name] ?? [:])
        }
    }
}
