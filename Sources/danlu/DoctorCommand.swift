import ArgumentParser
import Coordination
import Foundation
import Torch
import Training
import Wire

/// Finds out why a box cannot join, or that it can.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Test whether a worker on this box could join, and say which hop fails.",
        discussion: "Ends with status 0 only if it could. Nothing is changed, and no run is disturbed.")

    @Argument(help: "The coordinator's address, tcp://HOST:PORT.")
    var coordinator: String

    @Option(help: "The key file that the worker will use.")
    var key: String?

    @Option(help: "auto, cpu or cuda:N, as the worker will be told.")
    var device = "auto"

    func run() throws {
        let address = try Address(coordinator)
        let key = try key.map { try KeyFile.client($0) }
        var failures: [String] = []
        func show(_ finding: Checkup.Finding) {
            let mark = finding.isGood.map { $0 ? "ok  " : "FAIL" } ?? "    "
            let subject = finding.subject.padding(toLength: 17, withPad: " ", startingAt: 0)
            Console.output.line("\(mark)  \(subject)\(finding.sentence)")
            if finding.isGood == false { failures.append(finding.subject) }
        }

        show(BoxFacts.device(device))
        show(BoxFacts.memory())
        show(BoxFacts.disk(CacheOptions.standard))
        let checkup = Checkup(of: address, key: key, observe: show)
        let isReached = try checkup.run()
        if let answer = checkup.answer {
            show(compare("Danlu", Danlu.version, answer.software, fix: "install Danlu \(answer.software) here"))
            show(
                compare(
                    "libtorch", LibTorch.version, answer.libtorch,
                    fix: "install libtorch \(answer.libtorch) here, or name one with LIBTORCH"))
            if let wanted = answer.exactnessClass, let device = try? Device(parsing: device) {
                show(
                    compare(
                        "exactness class", ExactnessClass(device: device).description, wanted,
                        fix: "use a box of that class, or run the coordinator without --exact"))
            }
        }
        guard isReached, failures.isEmpty else {
            throw Failure(
                "a worker on this box could not join \(coordinator): see \(failures.joined(separator: ", ")) above")
        }
        Console.output.line("A worker on this box can join \(coordinator).")
    }

    private func compare(_ subject: String, _ here: String, _ there: String, fix: String) -> Checkup.Finding {
        here == there
            ? Checkup.Finding(subject, true, "\(here), as at the coordinator")
            : Checkup.Finding(subject, false, "\(here) here and \(there) at the coordinator: \(fix)")
    }
}
