import Foundation
import ProgramSupport

/// Runs a tool of the system to its end.
///
/// - Returns: what it printed.
/// - Throws: a complaint with what it said, when it ends with anything but 0.
@discardableResult
func runTool(_ path: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
        throw Launched.Complaint(description: "\(path) \(arguments.joined(separator: " ")): \(said)\(printed)")
    }
    return printed
}

/// Runs lines of shell, and stops at the first that fails.
@discardableResult
func runShell(_ lines: String) throws -> String { try runTool("/bin/sh", ["-ec", lines]) }
