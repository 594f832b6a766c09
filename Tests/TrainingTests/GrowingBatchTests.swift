import Adapters
import Foundation
import Recipe
import Testing
import Training

@Suite struct `A master whose batch grows with the world` {
    private let forge: Forge

    init() throws {
        forge = try Forge()
        // Ten slots in an epoch, two for each worker.
        forge.recipe.batch.gradientAccumulationSteps = 2
        forge.recipe.batch.policy = .perWorker
        forge.recipe.batch.rampSteps = 4
        forge.recipe.run.maxTrainSteps = 12
        forge.recipe.schedule.kind = .linear
    }

    private func another(_ change: (inout Recipe) -> Void) throws -> Forge {
        let other = try Forge()
        other.recipe = forge.recipe
        other.recipe.run.outputDirectory = other.folder.appending(path: "out").path
        change(&other.recipe)
        return other
    }

    /// One step of so many workers, with a gradient that is a function of where it begins.
    private func step(_ master: TrainingMaster, workers: Int) throws -> StepResult {
        var random = CounterRandom(seed: UInt64(master.firstSlot), purpose: .noise)
        let slots = [Int](repeating: 2, count: min(master.slotLimit, 2 * workers))
        guard
            case .committed(let result) = try master.apply(
                random.normals(master.table.count), slots: slots, workers: workers)
        else { throw CocoaError(.featureUnsupported) }
        return result
    }

    @Test func `makes, alone, the same bits and rates as the fixed policy`() throws {
        let fixed = try another {
            $0.batch.policy = .fixed
            $0.run.saveEveryNSteps = 3
        }
        forge.recipe.run.saveEveryNSteps = 3
        let (one, other) = (try forge.master(), try fixed.master())
        while !one.isComplete {
            let (grown, plain) = (try step(one, workers: 1), try step(other, workers: 1))
            #expect(grown.rates == plain.rates && grown.firstSlot == plain.firstSlot && grown.epoch == plain.epoch)
            #expect(grown.totalSteps == 12 && plain.totalSteps == 12)
        }
        #expect(other.isComplete && one.step == 12)
        #expect(one.numbers == other.numbers)
        #expect(forge.names().contains("last-step00000009.safetensors"))
        #expect(forge.names() == fixed.names())
    }

    @Test func `takes fewer, larger steps over the same samples, at rates that follow without a jump`() throws {
        forge.recipe.schedule.kind = .constant
        let master = try forge.master()
        let results = try [1, 1, 4, 4, 4, 4].map { try step(master, workers: $0) }
        // Epochs end at 10 and 20; the run has 24 slots: two epochs and two base steps.
        #expect(results.map(\.firstSlot) == [0, 2, 4, 10, 18, 20] && master.firstSlot == 24 && master.isComplete)
        #expect(results.map(\.epoch) == [0, 0, 0, 1, 1, 2])
        #expect(results.map(\.effectiveBatch) == [4, 4, 16, 16, 16, 16])
        #expect(results.map(\.scaledBatch) == [4, 4, 7, 10, 13, 16])
        let rates = results.map { $0.rates[.unet] ?? 0 }
        let expected = [1, 1, 1.75, 2.5, 3.25, 4].map { 1e-4 * $0.squareRoot() }
        #expect(zip(rates, expected).allSatisfy { abs($0 - $1) < 1e-16 })
    }

    @Test func `goes on from its state with another world, at the next slot and on the same ramp`() throws {
        forge.recipe.schedule.kind = .constant
        forge.recipe.run.maxTrainSteps = 40
        let straight = try forge.master()
        let worlds = [2, 2, 3, 3, 1, 1, 2]
        let results = try worlds.map { try step(straight, workers: $0) }
        let other = try another { _ in }
        var broken: [StepResult] = []
        for (index, workers) in worlds.enumerated() {
            // A new life for each step.
            let master = try other.master()
            #expect(master.step == index)
            broken.append(try step(master, workers: workers))
            try master.saveState()
        }
        #expect(broken == results)
        #expect(try other.master().numbers == straight.numbers)
        #expect(try other.master().firstSlot == straight.firstSlot)
    }

    @Test func `says how many steps there will be if the world stays, and saves by samples`() throws {
        forge.recipe.run.maxTrainSteps = 20
        forge.recipe.run.saveEveryNSteps = 4
        forge.recipe.run.saveEveryNEpochs = 2
        forge.recipe.run.outputName = "horse"
        let master = try forge.master()
        master.workers = 5
        #expect(master.totalSteps == 4)
        #expect(try step(master, workers: 1).totalSteps == 20)
        // From slot 2 to the epoch's end, then three epochs in two steps each.
        #expect(try step(master, workers: 4).totalSteps == 8)
        while !master.isComplete { _ = try step(master, workers: 4) }
        #expect(master.firstSlot == 40 && master.step == 8)
        #expect(
            forge.names().filter { $0.hasSuffix(".safetensors") } == [
                "horse-000002.safetensors", "horse-step00000004.safetensors", "horse-step00000008.safetensors",
                "horse-step00000012.safetensors", "horse-step00000016.safetensors", "horse.safetensors",
            ])
    }
}
