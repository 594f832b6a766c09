import Adapters
import Foundation
import Recipe
import Testing
import Torch
import Training

@Suite struct `A training master` {
    private let forge: Forge

    init() throws {
        forge = try Forge()
        forge.recipe.optimizer.kind = .sgd
        forge.recipe.optimizer.weightDecay = 0
        forge.recipe.optimizer.maxGradientNorm = 0
        forge.recipe.optimizer.learningRate = 0.5
    }

    private func committed(_ outcome: StepOutcome) throws -> StepResult {
        guard case .committed(let result) = outcome else {
            throw Failure(description: "the step was not committed but \(outcome)")
        }
        return result
    }

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    @Test func `moves the weights along the mean over samples, however many each slot has`() throws {
        let master = try forge.master()
        let before = master.numbers
        var sum = [Float](repeating: 0, count: before.count)
        sum[0] = 6
        sum[before.count - 1] = -3
        let result = try committed(master.apply(sum, slots: [2, 1]))
        #expect(result.samples == 3 && result.loss == 1 && result.slotLosses == [1, 1])
        #expect(abs(result.gradientNorm - 5.0.squareRoot()) < 1e-6)
        #expect(result.rates == [.unet: 0.5, .textEncoder: 0.5])
        let moved = zip(master.numbers, before).map { $0 - $1 }
        #expect(abs(moved[0] + 1) < 1e-6 && abs(moved[before.count - 1] - 0.5) < 1e-6)
        #expect(moved.dropFirst().dropLast().allSatisfy { $0 == 0 })
        #expect(master.step == 1)
    }

    @Test(arguments: [Optimizer.Kind.adamW, .sgd])
    func `foresees, part by part in any order, the bits that a step will lead to`(kind: Optimizer.Kind) throws {
        forge.recipe.optimizer.kind = kind
        forge.recipe.optimizer.weightDecay = 0.1
        forge.recipe.optimizer.momentum = kind == .sgd ? 0.9 : 0
        let master = try forge.master()
        try master.advance(to: 3)
        let before = master.numbers
        var random = CounterRandom(seed: 5, purpose: .noise)
        let sum = random.normals(before.count)

        let step = master.foresee()
        var foreseen = [Float](repeating: .nan, count: before.count)
        var known = [Float](repeating: .nan, count: before.count)
        var written: [Range<Int>] = []
        // Cut where nothing begins: what is told by halves waits for the other half.
        let cuts = stride(from: 0, to: before.count, by: 37).map { $0..<min($0 + 37, before.count) }
        for range in cuts.filter({ $0.lowerBound % 2 == 1 }) + cuts.filter({ $0.lowerBound % 2 == 0 }).reversed() {
            known.replaceSubrange(range, with: sum[range])
            written += try known.withUnsafeBufferPointer { known in
                try foreseen.withUnsafeMutableBufferPointer { try step.take(range, of: known, into: $0) }
            }
        }
        #expect(written.flatMap { $0 }.sorted() == Array(before.indices))
        #expect(master.numbers == before)

        _ = try committed(master.apply(sum, slots: master.plan.slots(of: 3).map(\.samples.count)))
        #expect(master.numbers.map(\.bitPattern) == foreseen.map(\.bitPattern))
        #expect(master.numbers != before)
    }

    @Test func `foresees no step whose size depends on who is in, and not the last, which none follows`() throws {
        let master = try forge.master()
        #expect(master.canForesee)
        try master.advance(to: master.totalSteps - 1)
        #expect(!master.canForesee)
    }

    @Test func `divides by the loss scale, to the same bits`() throws {
        let plain = try forge.master()
        try plain.advance(to: 3)
        let other = try Forge()
        other.recipe = forge.recipe
        other.recipe.run.outputDirectory = other.folder.appending(path: "out").path
        other.recipe.precision.mixed = .fp16
        let scaled = try other.master()
        while scaled.step < 3 {
            var random = CounterRandom(seed: UInt64(scaled.step), purpose: .noise)
            let sum = random.normals(scaled.table.count).map { $0 * scaled.lossScale }
            _ = try committed(scaled.apply(sum))
        }
        #expect(scaled.numbers == plain.numbers)
    }

    @Test func `does a step again at half the loss scale when fp16 overflows`() throws {
        forge.recipe.precision.mixed = .fp16
        let master = try forge.master()
        let before = master.numbers
        let sum = [Float](repeating: 1, count: before.count)
        let outcome = try master.apply(sum, slots: [2, 2], leftOut: [LeftOutSlot(samples: ["0.png"], group: "UNet")])
        #expect(outcome == .repeated(reason: "fp16 gradients overflowed; the loss scale is now 32768"))
        #expect(master.lossScale == 32768 && master.step == 0 && master.numbers == before)
    }

    @Test func `goes on without a slot that is not finite`() throws {
        let master = try forge.master()
        let before = master.numbers
        let result = try committed(
            master.apply(
                [Float](repeating: 2, count: before.count), slots: [2],
                leftOut: [LeftOutSlot(samples: ["0.png"], group: "UNet")]))
        #expect(result.samples == 2)
        #expect(zip(master.numbers, before).allSatisfy { abs($0 - $1 + 0.5) < 1e-6 })
        let nothing = try committed(
            master.apply(
                [Float](repeating: 0, count: before.count), slots: [],
                leftOut: [LeftOutSlot(samples: ["0.png", "1.png"], group: "UNet")]))
        #expect(nothing.samples == 0 && master.step == 2)
    }

    @Test func `stops after ten such steps in a row, at the last good weights, and says which group`() throws {
        forge.recipe.run.saveEveryNSteps = 1
        let master = try forge.master()
        try master.advance(to: 3)
        let good = master.numbers
        let sum = [Float](repeating: 1, count: good.count)
        let wounded = [LeftOutSlot(samples: ["0.png"], group: "text encoder")]
        for _ in 1..<TrainingMaster.patience { _ = try committed(master.apply(sum, leftOut: wounded)) }
        #expect(master.step == 12 && master.numbers != good)
        guard case .stopped(let advice) = try master.apply(sum, leftOut: wounded) else {
            Issue.record("the run goes on")
            return
        }
        #expect(advice.hasPrefix("10 steps in a row were not finite (last in text encoder)"))
        #expect(advice.contains("lower text_encoder_lr first"))
        #expect(master.step == 3 && master.numbers == good)
    }

    @Test func `ends at the last good weights where they overflow and are to be saved`() throws {
        forge.recipe.optimizer.learningRate = 1e25
        forge.recipe.run.saveEveryNSteps = 2
        let master = try forge.master()
        let good = master.numbers
        var sum = [Float](repeating: 0, count: good.count)
        _ = try committed(master.apply(sum))
        sum[0] = 1e15
        guard case .stopped(let advice) = try master.apply(sum) else {
            Issue.record("the run goes on")
            return
        }
        #expect(advice.hasPrefix("the weights are not finite any more after step 2: "))
        #expect(advice.contains("lower text_encoder_lr first"))
        #expect(master.step == 0 && master.numbers == good && master.unsaved == nil)
        #expect(forge.names(in: "out").filter { $0.hasSuffix(".safetensors") }.isEmpty)
    }

    @Test func `writes a file in fp32, and says so, where the format asked for cannot hold the weights`() throws {
        forge.recipe.optimizer.learningRate = 1e6
        forge.recipe.run.saveEveryNSteps = 1
        forge.recipe.run.savePrecision = .fp16
        let master = try forge.master()
        var remarks: [String] = []
        master.remark = { remarks.append($0) }
        var sum = [Float](repeating: 0, count: master.table.count)
        sum[0] = 1
        _ = try committed(master.apply(sum))
        #expect(remarks.count == 1)
        #expect(remarks.first?.contains("cannot be stored as fp16; choose save_precision fp32 or bf16") == true)
        #expect(remarks.first?.hasSuffix("last-step00000001.safetensors is written in fp32 instead.") == true)
        #expect(master.unsaved == nil && forge.names(in: "out").contains("last-step00000001.safetensors"))
    }

    @Test func `counts only steps in a row`() throws {
        let master = try forge.master()
        let sum = [Float](repeating: 1e-3, count: master.table.count)
        for step in 0..<30 {
            let wounded = step % 10 == 9 ? [] : [LeftOutSlot(samples: ["0.png"], group: "UNet")]
            _ = try committed(master.apply(sum, leftOut: wounded))
        }
        #expect(master.step == 30)
    }

    @Test func `does not move for a sum that is not finite`() throws {
        let master = try forge.master()
        let before = master.numbers
        var sum = [Float](repeating: 0, count: before.count)
        sum[7] = .infinity
        _ = try committed(master.apply(sum))
        #expect(master.numbers == before && master.step == 1)
    }

    @Test func `goes on from its state to the same bits, optimizer and loss scale included`() throws {
        forge.recipe.optimizer.kind = .adamW
        forge.recipe.optimizer.learningRate = 1e-2
        forge.recipe.precision.mixed = .fp16
        forge.recipe.run.saveEveryNSteps = 3
        let straight = try forge.master()
        let overflow = [LeftOutSlot(samples: ["0.png"], group: "UNet")]
        _ = try straight.apply([Float](repeating: 0, count: straight.table.count), leftOut: overflow)
        try straight.advance(to: 7)

        let other = try Forge()
        other.recipe = forge.recipe
        other.recipe.run.outputDirectory = other.folder.appending(path: "out").path
        do {
            let first = try other.master()
            _ = try first.apply([Float](repeating: 0, count: first.table.count), leftOut: overflow)
            first.remember = { Data("seen \($0.step)".utf8) }
            try first.advance(to: 5)
        }
        let second = try other.master()
        #expect(second.step == 3 && second.lossScale == 32768)
        #expect(second.memo == Data("seen 2".utf8))
        try second.advance(to: 7)
        #expect(second.numbers == straight.numbers)
        #expect(second.lossScale == straight.lossScale)
    }

    @Test func `keeps what could not be written until it can be, and the step is done all the same`() throws {
        forge.recipe.run.outputName = "horse"
        forge.recipe.run.saveEveryNSteps = 2
        let master = try forge.master()
        // Folders are in the way of the new files, as a full disk would be.
        let places = ["out/horse-step00000002.safetensors", "out/state/step-0000000002.safetensors"].map {
            forge.folder.appending(path: $0)
        }
        for place in places {
            try FileManager.default.createDirectory(
                at: place.appending(path: "in the way"), withIntermediateDirectories: true)
        }
        try master.advance(to: 2)
        #expect(master.step == 2 && master.unsaved?.contains(places[0].path) == true)
        try FileManager.default.removeItem(at: places[0])
        #expect(throws: (any Error).self) { try master.saveState() }
        #expect(master.unsaved != nil && forge.names().contains("horse-step00000002.safetensors"))
        try FileManager.default.removeItem(at: places[1])
        var saved: [String] = []
        master.didSave = { path, step in saved.append("\(step) \(path)") }
        try master.saveState()
        #expect(master.unsaved == nil && saved == ["2 \(places[1].path)"])
        #expect(forge.names(in: "out/state") == ["step-0000000000.safetensors", "step-0000000002.safetensors"])
    }

    @Test func `saves files and states when the recipe says, and keeps two states`() throws {
        forge.recipe.run.outputName = "horse"
        forge.recipe.run.maxTrainSteps = 5
        forge.recipe.run.saveEveryNSteps = 2
        forge.recipe.run.saveEveryNEpochs = 1
        let master = try forge.master()
        #expect(forge.names(in: "out/state") == ["step-0000000000.safetensors"])
        try master.advance(to: 5)
        // Ten slots in an epoch, five in a step.
        #expect(
            forge.names().filter { $0.hasSuffix(".safetensors") } == [
                "horse-000001.safetensors", "horse-000002.safetensors", "horse-step00000002.safetensors",
                "horse-step00000004.safetensors", "horse.safetensors",
            ])
        #expect(forge.names(in: "out/state") == ["step-0000000004.safetensors", "step-0000000005.safetensors"])
        let file = try LoRAFile(path: forge.folder.appending(path: "out/horse.safetensors").path)
        #expect(file.modules.count == master.table.layers.count)
    }
}
