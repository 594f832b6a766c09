import Foundation
import Journal
import Recipe

/// A run in Prometheus' text format, for `/metrics`.
///
/// Names, units and types follow <https://prometheus.io/docs/practices/naming/>. A worker is a label of at most
/// ``RunReading/workerLimit`` values; the others are only counted.
struct MetricsText {
    static let type = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    init(_ reading: RunReading) {
        let pulse = reading.pulse
        family(
            "danlu_run_info", "Which run this is.",
            [(["run": pulse?.run ?? "", "name": pulse?.name ?? "", "version": pulse?.life?.version ?? ""], 1)])
        gauge(
            "danlu_journal_readable", "Whether all of the run's journal can be read.", reading.problems.isEmpty ? 1 : 0)
        gauge("danlu_coordinator_up", "Whether the run's coordinator answers.", reading.live == nil ? 0 : 1)
        gauge(
            "danlu_paused", "Whether the run holds still, or will after its step.",
            ["paused", "pausing"].contains(reading.live?.state) ? 1 : 0)
        family(
            "danlu_coordinator_starts_total", "Starts of the run's coordinator.", type: "counter",
            [([:], Double(pulse?.lives ?? 0))])
        gauge("danlu_steps_planned", "Optimizer steps that the run has.", pulse.map { Double($0.totalSteps) })
        gauge(
            "danlu_steps_done", "Optimizer steps that are done; falls when some are to be done again.",
            pulse.map { Double(($0.lastStep ?? -1) + 1) })
        gauge("danlu_epoch", "The epoch, from 1.", pulse?.epoch.map { Double($0 + 1) })
        gauge("danlu_last_step_timestamp_seconds", "When the last step was done.", pulse?.time?.timeIntervalSince1970)
        let last = reading.latest?.values ?? [:]
        gauge("danlu_loss", "The last step's mean loss.", last["loss"])
        gauge("danlu_average_loss", "The loss averaged over an epoch, as kohya's avr_loss.", last["average_loss"])
        gauge(
            "danlu_validation_loss", "The last mean loss on the pictures that are held out.",
            reading.validation.loss.last)
        family(
            "danlu_band_loss", "The last step's mean loss of the samples whose timesteps fell into a band.",
            TimestepBand.all.compactMap { band in
                last["band/\(band.number)"].map { (["timesteps": band.name], $0) }
            })
        family(
            "danlu_learning_rate", "The learning rate of a parameter group.",
            ParameterGroup.allCases.compactMap { group in
                last["rate/\(group.rawValue)"].map { (["group": group.rawValue], $0) }
            })
        gauge("danlu_gradient_norm", "The L2 norm of the mean gradient before clipping.", last["gradient_norm"])
        gauge("danlu_noise_scale_samples", "The gradient noise scale.", last["noise_scale"])
        gauge("danlu_effective_batch_samples", "The effective batch.", last["effective_batch"] ?? last["samples"])
        gauge("danlu_step_samples", "Samples in the last step's sum.", last["samples"])
        gauge(
            "danlu_step_duration_seconds", "What the last step took, from the first lease to the last sum.",
            last["seconds"])
        gauge(
            "danlu_workers", "Workers that are in.",
            reading.live.map { Double($0.workers.count) } ?? Double(pulse?.present ?? 0))
        workers(reading)
    }

    private mutating func workers(_ reading: RunReading) {
        let rows = reading.work.rows
        let live = reading.live?.workers.prefix(RunReading.workerLimit) ?? []
        family(
            "danlu_worker_last_seen_seconds", "How long ago anything was heard of a worker.",
            live.map { (["worker": $0.name], $0.lastSeen) })
        family(
            "danlu_worker_activity", "1 for what a worker is doing now.",
            live.map { (["worker": $0.name, "activity": $0.activity], 1) })
        family(
            "danlu_worker_step_seconds", "What a worker's mean step went to, over the last steps.",
            rows.flatMap { row in
                row.split.sorted { $0.key < $1.key }.map { (["worker": row.name, "part": $0.key], $0.value) }
            })
        family(
            "danlu_worker_samples_per_second", "A worker's speed while it computes, over the last steps.",
            rows.compactMap { row in
                row.samplesPerSecond.map { (["worker": row.name], $0) }
            })
        family(
            "danlu_worker_step_samples", "A worker's mean share of a step, over the last steps.",
            rows.map {
                (["worker": $0.name], Double($0.samples) / Double(max(1, $0.steps)))
            })
        family(
            "danlu_coordinator_step_seconds", "What else a mean step went to at the coordinator, over the last steps.",
            reading.work.coordinator.sorted { $0.key < $1.key }.map { (["part": $0.key], $0.value) })
    }

    private mutating func gauge(_ name: String, _ help: String, _ value: Double?) {
        family(name, help, value.map { [([:], $0)] } ?? [])
    }

    /// A family that nothing is known of is left out.
    private mutating func family(
        _ name: String, _ help: String, type: String = "gauge",
        _ samples: [(labels: [String: String], value: Double)]
    ) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        for (labels, value) in samples {
            let said = labels.sorted { $0.key < $1.key }.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
            text += "\(name)\(said.isEmpty ? "" : "{\(said)}") \(Self.number(value))\n"
        }
    }

    /// A label's value: backslash, quote and line feed in the format's manner, and of a bounded length.
    static func escaped(_ value: String) -> String {
        String(value.prefix(200)).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
            "\n", with: "\\n")
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return "\(value)"
    }
}
