package import Adapters
package import Foundation
import Images
package import Recipe

/// A run's directory: the resolved recipe, the states, and the LoRA files, each loadable at any instant.
///
/// Whoever holds one owns the directory: a second coordinator on it is refused.
package final class RunFiles {
    package let directory: URL
    package let states: StateFolder
    private let recipe: Recipe
    private let lock: DirectoryLock
    private let metadata: (ShapeTable, _ step: Int, _ epoch: Int) throws -> [String: String]

    /// Makes the directory if need be, and takes it.
    ///
    /// - Parameters:
    ///   - fresh: whether states that lie there are to be forgotten.
    ///   - metadata: what a LoRA file says of itself after so many steps, in so many finished epochs.
    /// - Throws: a sentence when it cannot be written, or another coordinator holds it.
    package init(
        recipe: Recipe, fresh: Bool,
        metadata: @escaping (ShapeTable, _ step: Int, _ epoch: Int) throws -> [String: String]
    ) throws {
        directory = URL(filePath: recipe.run.outputDirectory, directoryHint: .isDirectory)
        self.recipe = recipe
        self.metadata = metadata
        do {
            try makeDirectory(directory.path)
        } catch {
            throw RunFilesError.notWritable(directory.path, reason: error.reason)
        }
        lock = try DirectoryLock(directory)
        states = StateFolder(run: directory)
        removeUnfinished()
        if fresh { states.forget() }
    }

    /// Removes what a killed coordinator had begun to write under another name; nobody else writes here now.
    private func removeUnfinished() {
        for folder in [directory, directory.appending(path: "state")] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            for name in names where name.hasPrefix(".") && name.contains(".safetensors.") && name.hasSuffix(".partial")
            {
                try? FileManager.default.removeItem(at: folder.appending(path: name))
            }
        }
    }

    /// The state to go on from, checked to be this run's.
    package func resume(recipe wanted: String, shapes: String) throws -> TrainingState? {
        guard case .state(let state, let damaged) = try states.latest() else { return nil }
        notes.append(contentsOf: damaged.map { "passed over a state: \($0)" })
        guard state.cursor.recipe == wanted else {
            throw StateError.otherRun(
                path: directory.path, field: "recipe", found: state.cursor.recipe, wanted: wanted,
                differences: recipeThere.map { recipe.differences(from: $0) } ?? [])
        }
        guard state.cursor.shapes == shapes else {
            throw StateError.otherRun(
                path: directory.path, field: "adapter", found: state.cursor.shapes, wanted: shapes)
        }
        return state
    }

    /// The recipe of the run that is here, where it can be read.
    private var recipeThere: Recipe? {
        let file = directory.appending(path: "recipe.toml")
        guard let size = try? file.resourceValues(forKeys: [.fileSizeKey]).fileSize, size < 1 << 20,
            let text = try? String(contentsOf: file, encoding: .utf8)
        else { return nil }
        return try? RecipeReader.read(toml: text)
    }

    /// What the user should hear of.
    package private(set) var notes: [String] = []

    /// kohya's `{name}-{epoch:06d}`.
    package func name(ofEpoch epoch: Int) -> String { "\(recipe.run.outputName)-\(padded(epoch, 6))" }
    /// kohya's `{name}-step{step:08d}`.
    package func name(ofStep step: Int) -> String { "\(recipe.run.outputName)-step\(padded(step, 8))" }
    package var finalName: String { recipe.run.outputName }

    private func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// Writes a LoRA file, whole or not at all.
    ///
    /// - Returns: its path.
    package func saveAdapter(
        named name: String, table: ShapeTable, weights: [Float], precision: Run.SavePrecision, step: Int, epoch: Int
    ) throws -> String {
        let path = directory.appending(path: name + ".safetensors").path
        let precision: SavePrecision =
            switch precision {
            case .fp32: .fp32
            case .fp16: .fp16
            case .bf16: .bf16
            }
        try LoRAFile.write(
            table, weights: weights, precision: precision, metadata: try metadata(table, step, epoch), to: path)
        return path
    }

    /// A run's name, and which start of its coordinator this is.
    package struct Identity: Codable {
        package var first: UInt64
        package var second: UInt64
        /// Grows with each start.
        package var incarnation: UInt64
    }

    /// The run's name, made at its first start, with the number of this start; written down before it is given out.
    package func nextIdentity() throws -> Identity {
        let path = directory.appending(path: "run.json")
        var identity =
            (try? JSONDecoder().decode(Identity.self, from: Data(contentsOf: path)))
            ?? Identity(first: .random(in: .min ... .max), second: .random(in: .min ... .max), incarnation: 0)
        // Joins count up from here; no life of a coordinator sees a million of them.
        identity.incarnation += 1 << 20
        try write(String(decoding: JSONEncoder().encode(identity), as: UTF8.self), to: "run.json")
        return identity
    }

    /// Removes a text file of the run, if it is there.
    package func remove(_ name: String) {
        try? FileManager.default.removeItem(at: directory.appending(path: name))
    }

    /// Writes a text file of the run, whole or not at all.
    package func write(_ text: String, to name: String) throws {
        let path = directory.appending(path: name).path
        do {
            try writeAtomically([UInt8](text.utf8), to: path)
        } catch {
            throw RunFilesError.notWritable(path, reason: error.reason)
        }
    }
}

/// A run's directory that cannot be used.
package enum RunFilesError: Error, CustomStringConvertible {
    case notWritable(String, reason: String)
    case taken(String)

    package var description: String {
        switch self {
        case .notWritable(let path, let reason):
            "output_dir: \(path) cannot be written (\(reason)): choose a folder of yours on a disk with room"
        case .taken(let path):
            "output_dir: another Danlu is training in \(path): stop it, or choose another output_dir"
        }
    }
}
