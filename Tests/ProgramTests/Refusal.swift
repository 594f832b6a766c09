import Foundation
import ProgramSupport
import Testing

extension String {
    /// Whether this is what a user should find on standard error: `Error: `, one line, and no more.
    var isOneSentence: Bool {
        hasPrefix("Error: ") && hasSuffix("\n") && dropLast().allSatisfy { $0 != "\n" } && count > 30
    }
}

extension Launched.Ended {
    /// The sentence with which the program refused, after a look at all that must be so when it does.
    func refusal(_ location: SourceLocation = #_sourceLocation) -> String {
        #expect(status == 1, sourceLocation: location)
        #expect(errors.isOneSentence, sourceLocation: location)
        return String(errors.dropFirst("Error: ".count).dropLast())
    }
}

extension Furnace {
    /// Files that are there although nothing was made, and files that were begun and never finished.
    var leftovers: [String] {
        let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return files.filter {
            $0.hasSuffix(".tmp") || $0.hasSuffix("horse.safetensors") || $0.contains(".safetensors.")
        }
    }

    /// What `danlu train` refuses this furnace's recipe with.
    func refusal(_ location: SourceLocation = #_sourceLocation) throws -> String {
        let ended = try train().end(within: 60)
        #expect(leftovers.isEmpty, sourceLocation: location)
        return ended.refusal(location)
    }
}
