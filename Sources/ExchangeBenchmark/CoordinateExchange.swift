import ArgumentParser
import Coordination
import Foundation
import Monitor
import Recipe
import Wire

/// The coordinator's side: one JSON line for all steps.
struct CoordinateExchange: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinate", abstract: "Coordinate steps of one slot per worker, and print their times.")

    @Option(help: "Where to listen, tcp://HOST:PORT.")
    var listen = "tcp://127.0.0.1:0"

    @Option(help: "Workers that take part.")
    var workers = 2

    @Option(help: "Slots of a step for each worker.")
    var slots = 1

    @Option(help: "Numbers in a gradient.")
    var parameters = 6_750_000

    @Option(help: "Steps that are timed, after two that are not, and ten more in which the way of packing is found.")
    var steps = 5

    @Option(help: "Bytes in a chunk.")
    var chunk: Int?

    @Option(help: "Chunks that may be under way to one receiver.")
    var credit: Int?

    @Option(help: "auto, star or sharded.")
    var topology = "star"

    @Option(help: "fp32, bf16 or int8.")
    var gradientFormat = "fp32"

    @Option(help: "fp32 (all weights each time), bf16 or int8 (what has changed).")
    var updateFormat = "fp32"

    @Option(help: "Whether fp32 numbers go in fewer bytes: auto, on or off.")
    var packing = "auto"

    @Option(help: "A folder of keys, made if it is empty: encrypts everything. Workers use its worker.key.")
    var keys: String?

    /// What is printed.
    private struct Figures: Encodable {
        var sentence: String?
        var parameters: Int
        var workers: Int
        var stepSeconds: [Double]
        /// Where they went, a mean over workers and steps.
        var broadcast = 0.0
        var compute = 0.0
        var send = 0.0
        var wait = 0.0
        var reduce = 0.0
        var optimizer = 0.0
    }

    private var warmUp: Int { packing == Packing.auto.rawValue ? 12 : 2 }

    func run() throws {
        var configuration = try CoordinatorService.Configuration(
            address: Address(listen), runID: .random(), incarnation: 1, run: Data(), software: "benchmark",
            libtorch: "none")
        if let keys {
            let folder = KeysFolder(keys)
            if !folder.hasCoordinatorKey { _ = try folder.generate(name: nil, isOperator: false) }
            configuration.identity = try CoordinatorIdentity(folder)
        } else {
            configuration.insecure = true
        }
        configuration.minimumWorkers = workers
        configuration.sharesBySpeed = false
        guard let topology = Topology(rawValue: topology) else { throw ValidationError("no topology \(topology)") }
        configuration.topology = topology
        guard let format = GradientFormat(rawValue: gradientFormat) else {
            throw ValidationError("no gradient format \(gradientFormat)")
        }
        configuration.gradientFormat = format
        guard let update = GradientFormat(rawValue: updateFormat) else {
            throw ValidationError("no update format \(updateFormat)")
        }
        configuration.updateFormat = update
        guard let packing = Packing(rawValue: packing) else { throw ValidationError("no packing \(packing)") }
        configuration.packing = packing
        let master = BenchmarkMaster(
            parameterCount: parameters, totalSteps: steps + warmUp, slots: slots * workers,
            tolerance: format == .fp32 ? 0 : 0.02)
        // Nobody is late here, however long gradients take on the way.
        configuration.patience.late = .seconds(600)
        configuration.patience.gathering = .seconds(60)
        if let chunk { configuration.chunkBytes = chunk }
        if let credit { configuration.creditChunks = credit }
        let clock = ContinuousClock()
        var ends: [ContinuousClock.Instant] = []
        var contributions: [StepContribution] = []
        let service = try CoordinatorService(configuration, master: master) { happening in
            switch happening {
            case .stepped(let contribution, _):
                ends.append(clock.now)
                contributions.append(contribution)
            case .standing: break
            case .note(let note): FileHandle.standardError.write(Data("\(note)\n".utf8))
            }
        }
        // Whoever starts the workers waits for this line.
        print(service.address)
        fflush(nil)
        _ = try service.run()
        let seconds = zip(ends.dropFirst(warmUp), ends.dropFirst(warmUp - 1)).map { ($0 - $1) / .seconds(1) }
        var figures = Figures(parameters: parameters, workers: workers, stepSeconds: seconds)
        for step in contributions.dropFirst(warmUp) {
            let part = 1 / Double(steps * step.shares.count)
            figures.broadcast += step.shares.reduce(0) { $0 + $1.times.broadcast } * part
            figures.compute += step.shares.reduce(0) { $0 + $1.times.compute } * part
            figures.send += step.shares.reduce(0) { $0 + $1.times.send } * part
            figures.wait += step.shares.reduce(0) { $0 + $1.times.wait } * part
            figures.reduce += step.reduceSeconds / Double(steps)
            figures.optimizer += step.optimizerSeconds / Double(steps)
        }
        var cost = StepCost()
        for step in contributions.dropFirst(warmUp) {
            cost.add(
                seconds: step.seconds + step.optimizerSeconds, optimizer: step.optimizerSeconds,
                workers: step.shares.map {
                    StepCost.Parts(
                        broadcast: $0.times.broadcast, compute: $0.times.compute, send: $0.times.send,
                        wait: $0.times.wait)
                })
        }
        figures.sentence = cost.sentence
        print(String(decoding: try JSONEncoder().encode(figures), as: UTF8.self))
    }
}
