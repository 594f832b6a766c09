import ArgumentParser
import Coordination
import Foundation
import Recipe
import Torch
import Training
import Wire
import ZeroMQ

/// One box's part of a run.
struct WorkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work", abstract: "Compute for a coordinator; it says what.")

    @Argument(help: "The coordinator's address, tcp://HOST:PORT.")
    var coordinator: String

    @Option(help: "This worker's key file, if the coordinator asks for one.")
    var key: String?

    @Option(help: "What to call this worker; the name of its key and of this box unless said.")
    var name: String?

    @Option(help: "auto, cpu or cuda:N; several, as in cuda:0,cuda:1, are that many workers.")
    var device = "auto"

    @OptionGroup var cache: CacheOptions

    @Option(
        help: """
            A port at which other workers may connect, so that gradients need not all go through the coordinator; 0 is any.
            """)
    var dataPort: UInt16?

    @Flag(help: "Open the data port beyond this box although there is no key, and so nothing is encrypted.")
    var insecure = false

    @Option(help: ArgumentHelp("The process that started this one, on the same box.", visibility: .hidden))
    var local: Int32?

    func run() throws {
        let devices = device.split(separator: ",", omittingEmptySubsequences: false).map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        if devices.count > 1 { try runSeveral(devices) } else { try runOne() }
    }

    /// A process for each device.
    private func runSeveral(_ devices: [String]) throws {
        for device in devices { _ = try Device(parsing: device) }
        guard dataPort == nil || dataPort == 0 else {
            throw Failure("several workers on this box cannot share the data port \(dataPort ?? 0): say --data-port 0")
        }
        let options =
            (dataPort == nil ? [] : ["--data-port", "0"]) + (insecure ? ["--insecure"] : [])
            + (key.map { ["--key", $0] } ?? []) + cache.arguments
        let name = WorkerName.make(name, key: try key.map { try KeyFile.client($0) })
        let workers = DeviceWorkers(devices: devices, name: name) { [coordinator] name, device in
            ["work", coordinator, "--name", name, "--device", device, "--local", "\(getpid())"] + options
        }
        try workers.run()
    }

    private func runOne() throws {
        // Of a local worker the terminal's Ctrl-C is the coordinator's to answer.
        if let local { ParentWatch.start(local) }
        LibTorch.keepMemory()
        let device = try Device(parsing: device)
        let key = try key.map { try KeyFile.client($0) }
        var application = Application(
            name: WorkerName.make(name, key: key), instance: .random(in: .min ... .max), software: Danlu.version,
            libtorch: LibTorch.version,
            exactnessClass: ExactnessClass(device: device).description,
            cores: ProcessInfo.processInfo.activeProcessorCount, memoryBytes: ProcessInfo.processInfo.physicalMemory)
        application.device = "\(device)"
        var configuration = try WorkerService.Configuration(address: Address(coordinator), application: application)
        configuration.key = key
        if let dataPort { configuration.dataEndpoint = try dataEndpoint(dataPort, towards: configuration) }
        if case .cuda = device { configuration.memory = { Status.Memory(of: device) } }
        let service = try WorkerService(configuration) { sentence in Console.error.line("worker: \(sentence)") }
        LeaveTaking.prepare(service, ignoringInterrupt: local != nil)
        let provisions = Provisions(cache) { sentence in Console.error.line("worker: \(sentence)") }
        Console.error.line("worker: looking for the coordinator at \(coordinator)")
        let end = try service.run { welcome, contents in
            LibTorch.threads = welcome.threads
            LibTorch.setDeterministic(true)
            let run = try provisions.run(of: welcome, from: contents)
            let mixed = run.recipe.precision.mixed
            if mixed.scalarType(on: device) != mixed.scalarType {
                Console.error.line(
                    "worker: this processor has no \(mixed.rawValue) arithmetic, so fp32 is computed instead")
            }
            return try ClusterLearner(run, device: device, pictures: provisions.pictures)
        }
        switch end {
        case .dismissed(_, let reason): Console.error.line("worker: dismissed: \(reason)")
        case .left: Console.error.line("worker: left the run")
        case .refused(let refusal): throw Failure("refused by \(coordinator): \(refusal)")
        case .failed(let reason): throw Failure(reason)
        }
    }
}

extension WorkCommand {
    /// Where this box looks from as the coordinator sees it, and with it, most likely, the other workers.
    private func dataEndpoint(_ port: UInt16, towards configuration: WorkerService.Configuration) throws -> Address {
        let own = try Address(host: configuration.address.ownHost, port: port)
        guard own.isLoopback || configuration.key != nil || insecure else {
            throw Failure(
                "the data port \(own) could be reached from other machines, and there is no key to protect it: "
                    + "say --key, leave --data-port out, or allow it aloud with --insecure")
        }
        return own
    }
}

extension Status.Memory {
    /// What is used on a CUDA device, by whoever uses it; nil where it does not say.
    fileprivate init?(of device: Device) {
        guard let (free, total) = try? device.memory(), 0 <= free, free <= total else { return nil }
        self.init(used: UInt64(total - free), total: UInt64(total))
    }
}

/// Ends a local worker whose coordinator is gone.
private enum ParentWatch {
    static func start(_ parent: pid_t) {
        let thread = Thread {
            while getppid() == parent { Thread.sleep(forTimeInterval: 1) }
            _exit(3)
        }
        thread.name = "parent watch"
        thread.start()
    }
}
