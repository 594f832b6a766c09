import ArgumentParser
import Coordination
import Foundation
import Monitor
import Wire

struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Have a run hold still after its step, until 'danlu resume'.")

    @OptionGroup var options: OperatorOptions

    func run() throws { try options.perform(.pause) }
}

struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Have a paused run go on.")

    @OptionGroup var options: OperatorOptions

    func run() throws { try options.perform(.resume) }
}

struct SaveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "save", abstract: "Have a run write down its state after its step.")

    @OptionGroup var options: OperatorOptions

    func run() throws { try options.perform(.save) }
}

struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Let a worker go after its step.")

    @Argument(help: "The worker's name or number; a box's name stands for all of its devices.")
    var worker: String

    @OptionGroup var options: OperatorOptions

    func run() throws { try options.perform(.drain(worker: worker)) }
}

struct AdmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admit", abstract: "Let a worker back in that is kept out for a while.")

    @Argument(help: "The worker's name; a box's name stands for all of its devices.")
    var worker: String

    @OptionGroup var options: OperatorOptions

    func run() throws { try options.perform(.admit(worker: worker)) }
}

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "End a run after its step; asked twice, at once. The command that started it goes on from there.")

    @OptionGroup var options: OperatorOptions

    func run() throws { try options.perform(.stop) }
}

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how a run stands, its workers, and whom it waits for.")

    @OptionGroup var options: OperatorOptions

    @Flag(help: "Print JSON, for scripts.")
    var json = false

    func run() throws {
        let reply = try options.ask(.status)
        guard let status = reply.status else { throw Failure(reply.sentence) }
        let standing = Standing(status)
        if json { return Console.output.line(try standing.json) }
        let terminal = Console.output.terminal
        for line in RunView(standing, on: terminal).whole {
            Console.output.write(line.text(colour: terminal.colour) + "\n")
        }
    }
}
