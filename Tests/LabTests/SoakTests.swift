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
    /// Of each life of the coordinator, how much it had of each from look to look.
    private var descriptors: [[Int]] = [[]]
    private var connections: [[Int]] = [[]]
    private var kilobytes: [[Int]] = [[]]

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
        descriptors.append([])
        connections.append([])
        kilobytes.append([])
        try cluster.startCoordinator()
    }

    private mutating func measure() {
        guard let process = cluster.coordinator?.identifier else { return }
        let folder = "/proc/\(process)/fd/"
        let open = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let connected = open.filter {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: folder + $0))?.hasPrefix("socket:") ?? false
        }
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let resident =
            status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            .flatMap { Int($0.filter(\.isNumber)) } ?? 0
        guard !open.isEmpty, resident > 0 else { return }
        descriptors[descriptors.count - 1].append(open.count)
        connections[connections.count - 1].append(connected.count)
        kilobytes[kilobytes.count - 1].append(resident)
    }

    /// Files and memory do not grow with the number of workers that came and went: there are ceilings, and in the last
    /// third of the coordinator's longest life it has no more than in the one before.
    func report() {
        let most = descriptors.joined().max() ?? 0
        let megabytes = (kilobytes.joined().max() ?? 0) / 1000
        cluster.say(
            "\(births) workers started, \(deaths) killed, the coordinator killed \(coordinatorDeaths) times; "
                + "it had at most \(most) descriptors and \(megabytes) MB")
        // A handful of its own, and for each of four workers two connections, living or not yet known to be dead.
        #expect(most <= 100)
        #expect(megabytes <= 600)

        let life = descriptors.indices.max { descriptors[$0].count < descriptors[$1].count } ?? 0
        let files = zip(descriptors[life], connections[life]).map { $0 - $1 }
        guard let connected = Thirds(connections[life]), let opened = Thirds(files.map { -$0 }),
            let memory = Thirds(kilobytes[life])
        else {
            return cluster.say("no life of the coordinator was long enough to compare its thirds")
        }
        cluster.say(
            "in \(files.count) looks, third by third: connections \(connected), fewest files \(-opened.middle), then "
                + "\(-opened.last), kB \(memory)")
        // Two workers more may be alive, or not yet known to be dead, at the moment when one looks: two connections each.
        #expect(connected.last <= connected.middle + 4)
        // A state may be saved at that moment, but not at every one.
        #expect(opened.last >= opened.middle)
        // What the allocator keeps, and the sums of one worker more.
        #expect(memory.last <= memory.middle + 16_000)
    }
}

/// The most of what was seen in the middle third of a time and in its last.
private struct Thirds: CustomStringConvertible {
    let middle: Int
    let last: Int

    /// - Returns: nil when there is too little to tell a growth by.
    init?(_ values: [Int]) {
        guard values.count >= 12 else { return nil }
        let third = values.count / 3
        (middle, last) = (values[third..<2 * third].max() ?? 0, values[(2 * third)...].max() ?? 0)
    }

    var description: String { "\(middle), then \(last)" }
}
