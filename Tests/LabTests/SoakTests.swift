import Foundation
import ProgramSupport
import TestSupport
import Testing

extension `The lab` {
    /// Somebody or other is killed every half to two seconds; what is not there is started.
    @Test func `Case 24: soak: workers and the coordinator are killed all the time`() async throws {
        let minutes = ProcessInfo.processInfo.environment["DANLU_LAB_MINUTES"].flatMap(Double.init)
        let seed = ProcessInfo.processInfo.environment["DANLU_LAB_SEED"].flatMap(UInt64.init) ?? 24
        let length = Duration.seconds(minutes.map { $0 * 60 } ?? 25)
        var raged = Duration.zero
        var round = 0
        repeat {
            round += 1
            try await scenario(
                "soak, seed \(seed), round \(round)", boxes: ["box1", "box2", "box3", "box4"],
                recipe: LabRecipe(steps: 20)
            ) { cluster in
                var storm = Storm(cluster, seed: seed &+ UInt64(round))
                raged += try await storm.rage(atMost: length - raged)
                try await cluster.finish()
                storm.report()
            }
        } while raged < length
    }
}

/// Kills and starts, by a seed.
private struct Storm {
    private let cluster: Cluster
    private var generator: SeededGenerator
    private var births = 0
    private var deaths = 0
    private var coordinatorDeaths = 0
    /// Of each life of the coordinator, the most that it had of each.
    private var descriptors: [Int] = [0]
    private var kilobytes: [Int] = [0]

    init(_ cluster: Cluster, seed: UInt64) {
        self.cluster = cluster
        generator = SeededGenerator(seed: seed)
    }

    /// Goes on until the time is over, or the run; then starts what is missing.
    ///
    /// - Returns: how long it went on.
    mutating func rage(atMost length: Duration) async throws -> Duration {
        try cluster.startCoordinator()
        let boxes = cluster.boxes.keys.filter { $0 != "coordinator" }.sorted()
        for box in boxes { try start(box) }
        try await cluster.play([.computing(step: 2): []])
        let began = ContinuousClock.now
        while ContinuousClock.now - began < length, try cluster.process("coordinator").isRunning {
            try await Task.sleep(for: .milliseconds(Int.random(in: 500...2000, using: &generator)))
            measure()
            let box = boxes.randomElement(using: &generator) ?? boxes[0]
            if Int.random(in: 0..<12, using: &generator) == 0 {
                try await killCoordinator()
            } else if let worker = cluster.workers[box], worker.isRunning {
                deaths += 1
                worker.signal(SIGKILL)
            } else {
                try start(box)
            }
        }
        let raged = ContinuousClock.now - began
        for box in boxes where cluster.workers[box]?.isRunning != true { try start(box) }
        return raged
    }

    /// A name of its own for each: who comes back three times within a minute is kept out for a while.
    private mutating func start(_ box: String) throws {
        births += 1
        try cluster.startWorker(box, named: "\(box)/\(births)")
    }

    private mutating func killCoordinator() async throws {
        let coordinator = try cluster.process("coordinator")
        guard coordinator.isRunning else { return }
        coordinator.signal(SIGKILL)
        _ = try await cluster.end(of: coordinator)
        coordinatorDeaths += 1
        descriptors.append(0)
        kilobytes.append(0)
        try cluster.startCoordinator()
    }

    private mutating func measure() {
        guard let process = cluster.coordinator?.identifier else { return }
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count) ?? 0
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let resident =
            status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            .flatMap { Int($0.filter(\.isNumber)) } ?? 0
        descriptors[descriptors.count - 1] = max(descriptors[descriptors.count - 1], open)
        kilobytes[kilobytes.count - 1] = max(kilobytes[kilobytes.count - 1], resident)
    }

    /// Files and memory do not grow with the number of workers that came and went.
    func report() {
        let (files, megabytes) = (descriptors.max() ?? 0, (kilobytes.max() ?? 0) / 1000)
        cluster.say(
            "\(births) workers started, \(deaths) killed, the coordinator killed \(coordinatorDeaths) times; "
                + "it had at most \(files) descriptors and \(megabytes) MB")
        // A handful of its own, and for each of four workers two connections, living or not yet known to be dead.
        #expect(files <= 100)
        #expect(megabytes <= 600)
    }
}
