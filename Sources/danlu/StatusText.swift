import Coordination
import Recipe

/// How a run stands, in lines of at most 80 columns: values in, text out.
enum StatusText {
    private static let width = 80
    /// Workers that are listed; of more, their number.
    private static let limit = 200

    static func text(_ status: RunStatus) -> String {
        let snapshot = status.snapshot
        let share = status.totalSteps > 0 ? 100 * snapshot.step / status.totalSteps : 0
        var facts = ["step \(snapshot.step) of \(status.totalSteps) (\(share)%)"]
        if let epoch = status.epoch, let epochs = status.epochs { facts.append("epoch \(epoch) of \(epochs)") }
        facts.append(snapshot.state.rawValue)
        facts.append("\(snapshot.slotsDone) of \(snapshot.slotCount) slots")
        if let loss = status.loss { facts.append("loss \(rounded(loss, 4))") }
        var lines = wrapped(facts.joined(separator: "  ")) + wrapped(snapshot.sentence)
        if !snapshot.workers.isEmpty { lines += [""] + table(status) }
        for name in snapshot.quarantined.prefix(limit) {
            lines += wrapped("kept out for \(Int(name.seconds.rounded(.up))) s: \(name.name), \(name.reason)")
        }
        return lines.joined(separator: "\n")
    }

    private static func table(_ status: RunStatus) -> [String] {
        let workers = status.snapshot.workers
        let columns = [-34, -16, 11, 9, 10]
        func row(_ cells: [String]) -> String {
            zip(cells, columns).map { cell, width in
                let text = clipped(cell, abs(width) - 1)
                let space = String(repeating: " ", count: abs(width) - text.count)
                return width < 0 ? text + space : space + text
            }.joined()
        }
        var lines = [row(["worker", "state", "slots", "images/s", "last seen"])]
        for worker in workers.prefix(limit) {
            let speed = worker.speed.flatMap { slots in
                status.samplesPerSlot.map { rounded(slots * $0, 2) }
            }
            lines.append(
                row([
                    worker.name, state(of: worker), worker.slots.map { "\($0.lowerBound)–\($0.upperBound - 1)" } ?? "–",
                    speed ?? "–", "\(rounded(worker.lastSeen, 1)) s",
                ]))
        }
        if workers.count > limit { lines.append("and \(workers.count - limit) others") }
        return lines
    }

    private static func state(of worker: Snapshot.Worker) -> String {
        if worker.isSuspect { return "silent" }
        if worker.isLeaving { return "leaving" }
        return switch worker.activity {
        case .starting: "loading"
        case .connecting: "connecting"
        case .receivingWeights: "gets weights"
        case .computing: "computing"
        case .idle: "idle"
        }
    }

    private static func rounded(_ number: Double, _ places: Int) -> String {
        guard number.isFinite else { return "\(number)" }
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        return "\((number * scale).rounded() / scale)"
    }

    /// Names come from elsewhere: what would move the cursor is shown as a question mark.
    private static func clipped(_ text: String, _ width: Int) -> String {
        let plain = printable(text)
        return plain.count <= width ? plain : plain.prefix(max(0, width - 1)) + "…"
    }

    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: "?"
                    default: scalar
                    }
                }))
    }

    private static func wrapped(_ text: String) -> [String] {
        printable(text).wrapped(indent: 0, width: width).split(separator: "\n").map { clipped(String($0), width) }
    }
}
