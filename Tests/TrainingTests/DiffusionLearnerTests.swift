import Adapters
import Foundation
import Recipe
import Testing
import Torch
import Training

@Suite struct `A learner's gradient of a slot` {
    private let forge: Forge

    init() throws { forge = try Forge() }

    @Test func `is the same bits whoever computes it, and whatever was computed before`() throws {
        let first = try forge.learner()
        let second = try forge.learner()
        let slots = [0, 1, 2, 3, 4]
        let forward = try slots.map { try first.gradient(of: $0) }
        let backward = try slots.reversed().map { try second.gradient(of: $0) }.reversed()
        let again = try slots.map { try first.gradient(of: $0) }
        for (one, (other, third)) in zip(forward, zip(backward, again)) {
            #expect(one.values == other.values && one.values == third.values)
            #expect(one.1 == other.1 && one.1 == third.1)
            #expect(one.1.notFinite == nil && one.1.squaredNorm > 0 && one.1.loss > 0)
            #expect(one.1.sampleLosses.count == one.1.samples)
            #expect(abs(one.1.sampleLosses.reduce(0, +) / one.1.loss - 1) < 1e-6)
        }
        #expect(Set(forward.map(\.values)).count == 5)
    }

    @Test func `is the same bits where its pictures were decoded ahead`() throws {
        let plain = try forge.learner()
        let slots = [0, 1, 2, 3, 4]
        let expected = try slots.map { try plain.gradient(of: $0).values }
        let ahead = try forge.learner()
        ahead.expect(slots + [199, 200, -1])
        #expect(try slots.map { try ahead.gradient(of: $0).values } == expected)
        // What was expected in vain is only time lost.
        let wrong = try forge.learner()
        wrong.expect([4, 17])
        #expect(try slots.map { try wrong.gradient(of: $0).values } == expected)
    }

    @Test func `names a picture that changed although it was decoded ahead`() throws {
        let learner = try forge.learner()
        let pictures = forge.folder.appending(path: "data/3_a horse")
        for index in 0..<6 { try Data("no picture".utf8).write(to: pictures.appending(path: "\(index).png")) }
        learner.expect([0, 1])
        let error = try #require(throws: (any Error).self) { try learner.gradient(of: 0) }
        #expect("\(error)".contains(".png"))
    }

    @Test func `is another at other weights and in another step`() throws {
        let learner = try forge.learner()
        let (values, _) = try learner.gradient(of: 0)
        #expect(try learner.gradient(of: 0, step: 1).values != values)
        try learner.use(weights: Forge.weights(count: learner.table.count).map { $0 * 2 })
        #expect(try learner.gradient(of: 0).values != values)
    }

    @Test func `has the loss scale as a factor, exactly, and its norm does not`() throws {
        let learner = try forge.learner()
        let (plain, report) = try learner.gradient(of: 2)
        let (scaled, scaledReport) = try learner.gradient(of: 2, lossScale: 1024)
        #expect(scaled == plain.map { $0 * 1024 })
        #expect(report == scaledReport)
        let samples = Double(report.samples)
        let square = plain.reduce(0.0) { $0 + Double($1) * Double($1) } / (samples * samples)
        #expect(abs(report.squaredNorm / square - 1) < 1e-12)
    }

    @Test func `is the same with gradient checkpointing`() throws {
        let plain = try forge.learner().gradient(of: 1).values
        forge.recipe.precision.gradientCheckpointing = true
        let recomputed = try forge.learner().gradient(of: 1).values
        #expect(relativeError(recomputed, plain) <= 1e-6)
    }

    @Test func `is what it is in both parts when one alone is trained`() throws {
        let both = try forge.learner()
        let weights = Forge.weights(count: both.table.count)
        let whole = try both.gradient(of: 3).values
        for part in AdaptedPart.allCases {
            // B is zero in the part that is not trained, so that it is as if it were not there.
            var masked = weights
            for (group, range) in both.table.groups where group.part != part && group.half == .up {
                for index in range { masked[index] = 0 }
            }
            try both.use(weights: masked)
            let expected = try both.gradient(of: 3).values
            let own = both.table.entries.filter { $0.group.part == part }

            let alone = try Forge()
            alone.recipe = forge.recipe
            alone.recipe.network.trainsUNet = part == .unet
            alone.recipe.network.trainsTextEncoder = part == .textEncoder
            let learner = try alone.learner()
            #expect(learner.table.entries.map(\.name) == own.map(\.name))
            try learner.use(weights: own.flatMap { weights[$0.range] })
            let found = try learner.gradient(of: 3).values
            #expect(relativeError(found, own.flatMap { expected[$0.range] }) <= 1e-5)
            #expect(relativeError(found, own.flatMap { whole[$0.range] }) > 1e-4)
        }
    }

    @Test(arguments: [(Precision.Mixed.bf16, 0.1), (.fp16, 0.01)])
    func `is near in half precision`(precision: Precision.Mixed, limit: Double) throws {
        let exact = try forge.learner().gradient(of: 0).values
        forge.recipe.precision.mixed = precision
        let scale: Float = precision == .fp16 ? 1024 : 1
        let (values, report) = try forge.learner().gradient(of: 0, lossScale: scale)
        #expect(report.notFinite == nil)
        let error = relativeError(values.map { $0 / scale }, exact)
        #expect(error <= limit && error > 0)
    }

    @Test func `names what is not finite`() throws {
        let learner = try forge.learner()
        let (_, overflowed) = try learner.gradient(of: 0, lossScale: .greatestFiniteMagnitude)
        #expect(overflowed.notFinite == "text encoder" || overflowed.notFinite == "UNet")
        #expect(overflowed.sampleNames.count == overflowed.samples && overflowed.loss.isFinite)
        try learner.use(weights: [Float](repeating: .nan, count: learner.table.count))
        #expect(try learner.gradient(of: 0).1.notFinite == "loss")
        try learner.use(weights: Forge.weights(count: learner.table.count))
        #expect(try learner.gradient(of: 0).1.notFinite == nil)
    }

    @Test func `counts regularization pictures by prior_loss_weight`() throws {
        let source = forge.folder.appending(path: "data/3_a horse")
        let folder = forge.folder.appending(path: "reg/1_an animal")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: source.appending(path: "3.png"), to: folder.appending(path: "reg.png"))
        forge.recipe.data.regDataDirectory = forge.folder.appending(path: "reg").path
        forge.recipe.batch.trainBatchSize = 1
        forge.recipe.batch.gradientAccumulationSteps = 64
        let whole = try forge.learner()
        forge.recipe.data.priorLossWeight = 0.25
        let quarter = try forge.learner()
        var seen: Set<Bool> = []
        for slot in 0..<8 {
            let (values, report) = try whole.gradient(of: slot)
            let isRegularization = report.sampleNames == ["reg.png"]
            seen.insert(isRegularization)
            let (found, other) = try quarter.gradient(of: slot)
            #expect(found == values.map { isRegularization ? $0 / 4 : $0 })
            #expect(other.loss == (isRegularization ? report.loss / 4 : report.loss))
        }
        #expect(seen == [true, false])
    }

    @Test func `of a slot that the run does not have is refused`() throws {
        let learner = try forge.learner()
        let error = try #require(throws: LearnerError.self) { try learner.gradient(of: 200) }
        #expect(error.description.hasPrefix("slot 200 of a run that has 200 was asked for"))
    }
}
