import Dataset
import Foundation
import Images
import Recipe
import Testing

@Suite struct `Pictures held out for validation` {
    /// A folder of as many pictures with as many captions, no two alike.
    private func pictures(_ count: Int, in folder: TemporaryFolder, _ name: String = "a") throws -> String {
        for number in 0..<count {
            // Bytes behind the picture's end make each file another.
            try folder.write(
                "\(name)/\(name)\(number).png",
                readFile(fixture("plain.png"), limit: 1 << 20) + Array("\(name)\(number)".utf8))
            try folder.write("\(name)/\(name)\(number).txt", "horse \(number)")
        }
        return folder.path + "/" + name
    }

    private func subset(_ path: String, split: Double, seed: UInt64? = nil, repeats: Int = 1) -> TrainingData.Subset {
        var subset = TrainingData.Subset(path, repeats: repeats)
        subset.validationSplit = split
        subset.validationSeed = seed
        return subset
    }

    @Test func `are never among those that are trained on`() throws {
        let folder = try TemporaryFolder()
        let path = try pictures(10, in: folder)
        var recipe = Recipe()
        recipe.data = .of([subset(path, split: 0.3, repeats: 5)])
        let manifest = try Manifest.make(from: recipe)
        #expect(manifest.pictures.count == 7 && manifest.heldOut.count == 3)
        #expect(manifest.pictures.map(\.index) == Array(0..<7) && manifest.heldOut.map(\.index) == [0, 1, 2])
        #expect(Set(manifest.pictures.map(\.name)).isDisjoint(with: manifest.heldOut.map(\.name)))
        #expect(Set(manifest.pictures.map(\.sha256)).isDisjoint(with: manifest.heldOut.map(\.sha256)))
        #expect(manifest.trainedCount(of: manifest.folders[0]) == 7)
        let plan = try TrainingPlan(recipe: recipe, buckets: manifest.plannedBuckets(recipe))
        #expect(plan.samplesPerEpoch == 35)
        let trained = Set((0..<3).flatMap { plan.order(of: $0).slots.flatMap(\.samples).map(\.picture) })
        #expect(trained == Set(0..<7))
        #expect(try JSONDecoder().decode(Manifest.self, from: JSONEncoder().encode(manifest)) == manifest)
        #expect(manifest.table(recipe.data, tokenLimit: 75) { _ in 1 }.contains("7 + 3 held out"))
    }

    @Test func `follow validation_seed, or else the run's`() throws {
        let folder = try TemporaryFolder()
        let path = try pictures(12, in: folder)
        func names(_ own: UInt64?, run: UInt64) throws -> [String] {
            try Manifest.make(from: .of([subset(path, split: 0.5, seed: own)]), seed: run).heldOut.map(\.name).sorted()
        }
        #expect(try names(nil, run: 1) == names(1, run: 2))
        #expect(try names(1, run: 3) == names(1, run: 4))
        #expect(try names(1, run: 0) != names(2, run: 0))
    }

    @Test func `name the data, and nothing held out leaves its name`() throws {
        let folder = try TemporaryFolder()
        let path = try pictures(4, in: folder)
        func hash(_ split: Double, seed: UInt64 = 0) throws -> String {
            try Manifest.make(from: .of([subset(path, split: split, seed: seed)])).hash
        }
        #expect(try hash(0) == Manifest.make(from: .of([.init(path)])).hash)
        #expect(try hash(0.5) != hash(0))
        #expect(try hash(0.25) != hash(0.5))
    }

    @Test func `may be a folder of their own`() throws {
        let folder = try TemporaryFolder()
        let paths = try [pictures(3, in: folder), pictures(2, in: folder, "b")]
        let manifest = try Manifest.make(from: .of([.init(paths[0]), subset(paths[1], split: 1)]))
        #expect(manifest.pictures.map(\.name) == ["a0.png", "a1.png", "a2.png"])
        #expect(Set(manifest.heldOut.map(\.name)) == ["b0.png", "b1.png"])
        #expect(manifest.notes.isEmpty)
    }

    @Test func `of a folder that is listed twice are the same`() throws {
        let folder = try TemporaryFolder()
        let path = try pictures(8, in: folder)
        var data = TrainingData.of([subset(path, split: 0.25)])
        data.datasets.append(data.datasets[0])
        data.datasets[1].width = 128
        let manifest = try Manifest.make(from: data)
        #expect(Set(manifest.pictures.map(\.name)).isDisjoint(with: manifest.heldOut.map(\.name)))
        #expect(manifest.heldOut.count == 4 && Set(manifest.heldOut.map(\.name)).count == 2)
        #expect(manifest.notes.isEmpty)
    }

    @Test func `that are also trained on as a copy are named`() throws {
        let folder = try TemporaryFolder()
        let path = try pictures(2, in: folder)
        try folder.write("b/copy.png", readFile(path + "/a0.png", limit: 1 << 20))
        let manifest = try Manifest.make(from: .of([.init(path), subset(folder.path + "/b", split: 1)]))
        #expect(
            manifest.notes.contains { $0.contains("1 of 1 pictures that are held out") && $0.contains("b/copy.png") })
    }

    @Test func `are none of the regularization pictures, which balance what is left`() throws {
        let folder = try TemporaryFolder()
        let paths = try [pictures(4, in: folder), pictures(8, in: folder, "r")]
        var regularization = subset(paths[1], split: 0.5)
        regularization.isRegularization = true
        let manifest = try Manifest.make(from: .of([subset(paths[0], split: 0.5), regularization]))
        #expect(manifest.heldOut.count == 2 && manifest.heldOut.allSatisfy { !$0.isRegularization })
        #expect(manifest.pictures.filter(\.isRegularization).reduce(0) { $0 + $1.repeats } == 2)
    }

    @Test func `that would be all or none are refused in one sentence`() throws {
        let folder = try TemporaryFolder()
        let path = try pictures(3, in: folder)
        #expect(
            sentence { try Manifest.make(from: .of([subset(path, split: 1)])) }
                == "validation_split holds all 3 pictures out and leaves none to train on: lower it, or add pictures")
        #expect(
            sentence { try Manifest.make(from: .of([subset(path, split: 0.1)])) }
                == "validation_split = 0.1 of 3 pictures holds none out and there would be nothing to validate: raise it, "
                + "add pictures, or leave it out")
    }

    @Test(arguments: [(10, 0.1, 1), (10, 0.25, 3), (4, 0.5, 2), (3, 1, 3), (5, 0.05, 0), (0, 0.5, 0)])
    func `are the nearest whole number`(count: Int, split: Double, heldOut: Int) {
        let places = ValidationSplit.heldOut(of: count, split: split, seed: 4)
        #expect(places.count == heldOut && places == places.sorted() && places.allSatisfy { (0..<count).contains($0) })
    }
}
