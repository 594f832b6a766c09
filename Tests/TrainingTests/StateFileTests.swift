import Adapters
import Foundation
import Recipe
import Safetensors
import Testing
import Training

@Suite struct `A run's states` {
    private let forge: Forge
    private let states: StateFolder
    private let written: [TrainingState]

    init() throws {
        forge = try Forge()
        let folder = forge.folder.appending(path: "out")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        states = StateFolder(run: folder)
        written = (1...2).map { step in
            let cursor = TrainingState.Cursor(
                step: step, recipe: "recipe", shapes: "shapes", lossScale: LossScale(.fp16), noiseScale: NoiseScale(),
                memo: Data("memo \(step)".utf8), wounded: 0)
            var random = CounterRandom(seed: UInt64(step), purpose: .noise)
            return TrainingState(
                cursor: cursor, weights: random.normals(100), firstMoments: random.normals(100),
                secondMoments: random.normals(100))
        }
        for state in written { try states.save(state) }
    }

    private var newest: URL { forge.folder.appending(path: "out/state/step-0000000002.safetensors") }

    @Test func `come back as they were, the latest first`() throws {
        guard case .state(let state, let damaged) = try states.latest() else {
            Issue.record("nothing was found")
            return
        }
        #expect(state == written[1] && damaged.isEmpty)
        #expect(try states.load(1) == written[0])
    }

    @Test func `are named and passed over when any byte of them is changed`() throws {
        let whole = try Data(contentsOf: newest)
        let header = 8 + whole.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        // The length, the header's text, and each tensor's first and last byte.
        let file = try SafetensorsFile(path: newest.path)
        let edges = file.entries.values.flatMap { [header + $0.range.lowerBound, header + $0.range.upperBound - 1] }
        for place in [0, 3, 8, 40, header - 40] + edges {
            var bytes = whole
            bytes[place] ^= 1
            try bytes.write(to: newest)
            guard case .state(let state, let damaged) = try states.latest() else {
                Issue.record("nothing was found")
                continue
            }
            #expect(state == written[0], "byte \(place)")
            #expect(damaged.count == 1 && damaged[0].contains(newest.path), "byte \(place)")
        }
    }

    @Test func `are passed over when they end early, are empty, or are something else`() throws {
        let whole = try Data(contentsOf: newest)
        let foreign = forge.folder.appending(path: "foreign").path
        try SafetensorsWriter([OutgoingTensor(name: "weights", shape: [2], floats: [1, 2])]).write(to: foreign)
        for bytes in [
            whole.dropLast(), whole.prefix(whole.count / 2), whole.prefix(4), Data(), whole + Data([0]),
            try Data(contentsOf: URL(filePath: foreign)), Data("not a state".utf8),
        ] {
            try Data(bytes).write(to: newest)
            guard case .state(let state, let damaged) = try states.latest() else {
                Issue.record("nothing was found")
                continue
            }
            #expect(state == written[0] && damaged.count == 1, "\(bytes.count) bytes")
            #expect(damaged.allSatisfy { $0.contains(newest.path) }, "\(bytes.count) bytes")
        }
    }

    /// Looks into the folder as another coordinator does.
    ///
    /// A process that another test starts has all files of this one, the folder's lock among them, until it is another
    /// program.
    private func comeBack() throws -> RunFiles {
        for _ in 0..<400 {
            if let files = try? forge.files() { return files }
            Thread.sleep(forTimeInterval: 0.005)
        }
        return try forge.files()
    }

    @Test func `Case 4: leave the one before, and no litter, when the coordinator is killed at any byte of one`() throws
    {
        let whole = try Data(contentsOf: newest)
        try FileManager.default.removeItem(at: newest)
        let begun = forge.folder.appending(path: "out/state/.step-0000000002.safetensors.77-4.partial")
        for count in 0...whole.count {
            try whole.prefix(count).write(to: begun)
            let state = try comeBack().resume(recipe: "recipe", shapes: "shapes")
            #expect(state == written[0], "\(count) bytes")
            #expect(!FileManager.default.fileExists(atPath: begun.path), "\(count) bytes")
        }
    }

    @Test func `Case 4: are passed over when the power failed before any of their bytes was on disk`() throws {
        let whole = try Data(contentsOf: newest)
        for count in 0..<whole.count {
            try whole.prefix(count).write(to: newest)
            guard case .state(let state, let damaged) = try states.latest() else {
                Issue.record("nothing was found")
                return
            }
            #expect(state == written[0] && damaged.count == 1, "\(count) bytes")
        }
    }

    @Test func `are never given up in silence`() throws {
        for step in [1, 2] {
            try Data().write(to: forge.folder.appending(path: "out/state/step-000000000\(step).safetensors"))
        }
        let error = try #require(throws: StateError.self) { try states.latest() }
        #expect(error.description.hasPrefix("no state of this run is whole, so it cannot go on"))
    }

    @Test func `stay when the next one cannot be written`() throws {
        // A folder is in the way of the new file, as a full disk would be.
        let place = forge.folder.appending(path: "out/state/step-0000000003.safetensors")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: place.appending(path: "in the way"))
        var next = written[1]
        next.cursor.step = 3
        let error = try #require(throws: SafetensorsError.self) { try states.save(next) }
        #expect(error.description.contains(place.path))
        guard case .state(let state, let damaged) = try states.latest() else {
            Issue.record("nothing was found")
            return
        }
        #expect(state == written[1] && damaged.count == 1)
        #expect(forge.names(in: "out/state").filter { $0.hasPrefix(".") }.isEmpty)
    }

    @Test func `of another recipe or other shapes are refused with what to do`() throws {
        let files = try forge.files()
        #expect(try files.resume(recipe: "recipe", shapes: "shapes") == written[1])
        for (recipe, shapes, field) in [("other", "shapes", "recipe"), ("recipe", "other", "adapter")] {
            let error = try #require(throws: StateError.self) { try files.resume(recipe: recipe, shapes: shapes) }
            #expect(error.description.contains("holds another run (its \(field) is"))
            #expect(error.description.contains("--fresh"))
        }
    }

    @Test func `are forgotten when the run starts over, but not the LoRA files`() throws {
        try Data().write(to: forge.folder.appending(path: "out/last.safetensors"))
        let files = try forge.files(fresh: true)
        #expect(try files.resume(recipe: "recipe", shapes: "shapes") == nil)
        #expect(forge.names().contains("last.safetensors") && forge.names(in: "out/state").isEmpty)
    }
}

@Suite struct `A run's folder` {
    @Test func `belongs to one coordinator at a time`() throws {
        let forge = try Forge()
        do {
            let files = try forge.files()
            let error = try #require(throws: RunFilesError.self) { try forge.files() }
            #expect(error.description.contains("another Danlu is training in \(files.directory.path)"))
        }
        _ = try forge.files()
    }

    @Test func `has a name for the run, and a number that grows with each start`() throws {
        let forge = try Forge()
        var identities: [RunFiles.Identity] = []
        for _ in 0..<3 { identities.append(try forge.files().nextIdentity()) }
        // Each start leaves room for the joins of the one before.
        #expect(zip(identities, identities.dropFirst()).allSatisfy { $1.incarnation >= $0.incarnation + 10_000 })
        #expect(Set(identities.map(\.first)).count == 1 && Set(identities.map(\.second)).count == 1)
    }

    @Test func `loses what a killed coordinator had only begun to write`() throws {
        let forge = try Forge()
        let begun = ["out/.horse.safetensors.77-123.partial", "out/state/.step-0000000009.safetensors.77-4.partial"]
        let kept = ["out/horse.safetensors", "out/.notes.partial"]
        try FileManager.default.createDirectory(
            at: forge.folder.appending(path: "out/state"), withIntermediateDirectories: true)
        for name in begun + kept { try Data("x".utf8).write(to: forge.folder.appending(path: name)) }
        _ = try forge.files()
        for name in begun { #expect(!FileManager.default.fileExists(atPath: forge.folder.appending(path: name).path)) }
        for name in kept { #expect(FileManager.default.fileExists(atPath: forge.folder.appending(path: name).path)) }
    }
}
