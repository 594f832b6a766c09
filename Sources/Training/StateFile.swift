package import Foundation
package import Recipe
import Safetensors

/// All that a run needs to go on from a step: master weights, moments, and the numbers beside them.
package struct TrainingState: Equatable, Sendable {
    /// What is no tensor.
    package struct Cursor: Codable, Equatable, Sendable {
        /// Steps applied.
        package var step: Int
        /// ``Recipe/Recipe/hash`` of the run.
        package var recipe: String
        /// ``Adapters/ShapeTable/hash`` of the buffers.
        package var shapes: String
        package var lossScale: LossScale
        package var noiseScale: NoiseScale
        /// What whoever watches wants back, in a form of its own.
        package var memo: Data?
        /// Steps in a row that had to leave samples out.
        package var wounded: Int
        /// The place in the run at which the next step begins; nil in states that are older than it.
        package var firstSlot: Int?
        /// Where learning rates are on their way to another batch; nil where the batch is fixed.
        package var ramp: BatchRamp?

        package init(
            step: Int, recipe: String, shapes: String, lossScale: LossScale, noiseScale: NoiseScale, memo: Data?,
            wounded: Int, firstSlot: Int? = nil, ramp: BatchRamp? = nil
        ) {
            self.step = step
            self.recipe = recipe
            self.shapes = shapes
            self.lossScale = lossScale
            self.noiseScale = noiseScale
            self.memo = memo
            self.wounded = wounded
            self.firstSlot = firstSlot
            self.ramp = ramp
        }
    }

    package var cursor: Cursor
    package var weights: [Float]
    package var firstMoments: [Float]
    package var secondMoments: [Float]

    package init(cursor: Cursor, weights: [Float], firstMoments: [Float], secondMoments: [Float]) {
        self.cursor = cursor
        self.weights = weights
        self.firstMoments = firstMoments
        self.secondMoments = secondMoments
    }
}

/// The `state/` folder of a run: one file a state, written whole or not at all; the two last are kept.
package struct StateFolder {
    private let folder: URL
    private static let kept = 2

    /// - Parameter run: the run's directory.
    package init(run: URL) {
        folder = run.appending(path: "state", directoryHint: .isDirectory)
    }

    private func file(of step: Int) -> URL {
        folder.appending(
            path: "step-" + String(repeating: "0", count: max(0, 10 - "\(step)".count)) + "\(step).safetensors")
    }

    /// The steps there are files of, latest first.
    package var steps: [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.compactMap { name in
            guard name.hasPrefix("step-"), name.hasSuffix(".safetensors") else { return nil }
            return Int(name.dropFirst(5).dropLast(12))
        }.sorted(by: >)
    }

    /// Whether the file at `path` is one of its states.
    package func contains(_ path: String) -> Bool {
        URL(filePath: path).deletingLastPathComponent().path == folder.path
    }

    /// Removes every state.
    package func forget() {
        for step in steps { try? FileManager.default.removeItem(at: file(of: step)) }
    }

    /// Writes `state`, then forgets all but the two last.
    ///
    /// - Returns: its path.
    @discardableResult
    package func save(_ state: TrainingState) throws -> String {
        try makeDirectory(folder.path)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let cursor = [UInt8](try encoder.encode(state.cursor))
        let tensors = [
            OutgoingTensor(name: "cursor", type: .uint8, shape: [cursor.count], bytes: cursor),
            OutgoingTensor(name: "weights", shape: [state.weights.count], floats: state.weights),
            OutgoingTensor(name: "first_moments", shape: [state.firstMoments.count], floats: state.firstMoments),
            OutgoingTensor(name: "second_moments", shape: [state.secondMoments.count], floats: state.secondMoments),
        ]
        let hash = try TensorHashes(of: SafetensorsWriter(tensors)).model
        let writer = try SafetensorsWriter(tensors, metadata: ["format": "danlu state", "data_sha256": hash])
        let path = file(of: state.cursor.step).path
        try writer.write(to: path)
        for step in steps.dropFirst(Self.kept) { try? FileManager.default.removeItem(at: file(of: step)) }
        return path
    }

    /// What was found when a run looked for its past.
    package enum Found {
        case nothing
        /// - Parameter damaged: files that could not be used, a sentence each.
        case state(TrainingState, damaged: [String])
    }

    /// The latest state that is whole; damaged ones are passed over and named.
    ///
    /// - Throws: ``StateError/damaged(_:)`` when there are files but none is whole.
    package func latest() throws -> Found {
        var damaged: [String] = []
        for step in steps {
            do {
                return .state(try load(step), damaged: damaged)
            } catch {
                damaged.append("\(error)")
            }
        }
        guard damaged.isEmpty else { throw StateError.damaged(damaged) }
        return .nothing
    }

    /// - Throws: when the file is not whole.
    package func load(_ step: Int) throws -> TrainingState {
        let path = file(of: step).path
        let file = try SafetensorsFile(path: path)
        guard file.metadata["format"] == "danlu state", let expected = file.metadata["data_sha256"] else {
            throw StateError.foreign(path)
        }
        guard file.tensorDataHash == expected else { throw StateError.hash(path) }
        let cursor = try JSONDecoder().decode(TrainingState.Cursor.self, from: Data(file.bytes(of: "cursor")))
        func floats(_ name: String) throws -> [Float] {
            guard try file.entry(name).type == .float32 else { throw StateError.foreign(path) }
            return try file.bytes(of: name).withMemoryRebound(to: UInt8.self) { bytes in
                [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
                    count = bytes.count / 4
                    _ = UnsafeMutableRawBufferPointer(buffer).initializeMemory(as: UInt8.self, from: bytes)
                }
            }
        }
        return TrainingState(
            cursor: cursor, weights: try floats("weights"), firstMoments: try floats("first_moments"),
            secondMoments: try floats("second_moments"))
    }
}

/// A state file that cannot be used.
package enum StateError: Error, CustomStringConvertible {
    case foreign(String)
    case hash(String)
    case damaged([String])
    case otherRun(
        path: String, field: String, found: String, wanted: String, differences: [String] = [])

    package var description: String {
        switch self {
        case .foreign(let path): "\(path) is no state of a Danlu run"
        case .hash(let path): "\(path) is damaged: its contents do not have the hash that was written with them"
        case .damaged(let reasons):
            "no state of this run is whole, so it cannot go on (\(reasons.joined(separator: "; "))): "
                + "start anew in another output_dir, or from a saved LoRA with network_weights"
        case .otherRun(let path, let field, let found, let wanted, let differences):
            "\(path) holds another run (its \(field) is \(found.prefix(12)), this recipe's is \(wanted.prefix(12))"
                + differences.prefix(3).map { "; \($0)" }.joined()
                + (differences.count > 3 ? "; and \(differences.count - 3) more" : "") + "): "
                + "choose another output_dir, or say --fresh to start over there"
        }
    }
}
