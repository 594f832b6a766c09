import Adapters
import Foundation
import Layers
import Safetensors
import StableDiffusion
import Testing
import Torch

/// A small Stable Diffusion with the adapter that PEFT was given too, and the batch it was trained on.
private struct TrainingStep {
    let adapters: AdapterSet
    let textEncoder: TextEncoder
    let unet: UNet
    let batch: SafetensorsFile
    private let clipSkip: Int

    init(_ model: String, _ batch: String) throws {
        let checkpoint = try Fixtures.checkpoint(model)
        let table = try Fixtures.table(model)
        let file = try LoRAFile(path: Fixtures.path("training/\(model).adapter.safetensors"))
        adapters = try AdapterSet(
            table, floats: table.weights(continuing: file, initial: [Float](repeating: 0, count: table.count)))
        textEncoder = try TextEncoder(
            Weights(
                checkpoint.weights(of: .textEncoder, as: .float32), adaptedBy: adapters.plan(for: .textEncoder)),
            checkpoint.configuration.textEncoder)
        unet = try UNet(
            Weights(checkpoint.weights(of: .unet, as: .float32), adaptedBy: adapters.plan(for: .unet)),
            checkpoint.configuration.unet)
        try adapters.requireAllPlaced()
        self.batch = try SafetensorsFile(path: Fixtures.path("training/\(model).\(batch).safetensors"))
        clipSkip = try #require(self.batch.metadata["clip_skip"].flatMap(Int.init))
    }

    func tensor(_ name: String) throws -> Tensor { try batch.tensor(name) }

    /// What the model says of the batch.
    func prediction() throws -> Tensor {
        let states = try textEncoder(
            Tensor.of(batch.integers("input_ids"), shape: batch.entry("input_ids").shape), clipSkip: clipSkip)
        return try unet(
            tensor("noisy_latents"), timesteps: Tensor.of(batch.integers("timesteps")).to(.float32), context: states)
    }

    /// The sum over samples of their weighted mean squared errors.
    func loss() throws -> Tensor {
        let error = try prediction() - tensor("target")
        let perSample = try (error * error).mean(over: [1, 2, 3])
        return try (perSample * tensor("loss_weights") * tensor("snr_weights")).sum()
    }
}

extension SafetensorsFile {
    fileprivate func tensor(_ name: String) throws -> Tensor {
        try Tensor.of(floats(of: name), shape: entry(name).shape)
    }

    fileprivate func integers(_ name: String) throws -> [Int] {
        try bytes(of: name).withMemoryRebound(to: Int64.self) { $0.map { Int($0) } }
    }
}

@Suite(.serialized) struct `A training step's gradients` {
    @Test(arguments: ["tiny-sd1", "tiny-sd2"], ["plain", "weighted"])
    func `agree with PEFT's, key by key`(model: String, batch: String) throws {
        let step = try TrainingStep(model, batch)
        let table = step.adapters.table
        let gradient = try step.adapters.gradient(of: step.loss()).floats()
        var (told, asTold) = (RangeSet<Int>(), [Float](repeating: .nan, count: table.count))
        try asTold.withUnsafeMutableBufferPointer { flat in
            try step.adapters.gradient(of: step.loss(), into: flat) { range in
                #expect(told.intersection(RangeSet(range)).isEmpty)
                told.insert(contentsOf: range)
                #expect(Array(flat[range]) == Array(gradient[range]))
            }
        }
        #expect(asTold == gradient)
        let compared = try compare(gradient, by: table, with: step.batch) { entry in
            // Under clip skip the last layer of the text encoder plays no part.
            #expect(entry.group.part == .textEncoder && gradient[entry.range].allSatisfy { $0 == 0 }, "\(entry.name)")
        }
        #expect(compared > table.entries.count / 2)
    }

    @Test func `agree with PEFT's for a UNet that is told of sizes and the whole text, too`() throws {
        let checkpoint = try UNetCheckpoint(at: Fixtures.folder.appending(path: "tiny-sdxl"))
        let parameters = checkpoint.configuration.parameters.parameters.map { ($0.name, $0.shape) }
        let table = try ShapeTable(TargetModules.layers(of: .unet, among: parameters, rank: 3, alpha: 2))
        let file = try LoRAFile(path: Fixtures.path("training/tiny-sdxl.adapter.safetensors"))
        let adapters = try AdapterSet(
            table, floats: table.weights(continuing: file, initial: [Float](repeating: 0, count: table.count)))
        let unet = try UNet(
            Weights(checkpoint.weights(as: .float32), adaptedBy: adapters.plan(for: .unet)), checkpoint.configuration)
        try adapters.requireAllPlaced()

        let batch = try SafetensorsFile(path: Fixtures.path("training/tiny-sdxl.plain.safetensors"))
        let prediction = try unet(
            batch.tensor("noisy_latents"), timesteps: Tensor.of(batch.integers("timesteps")).to(.float32),
            context: batch.tensor("encoder_hidden_states"),
            added: AddedConditions(text: batch.tensor("text_embeds"), sizes: batch.tensor("time_ids")))
        #expect(try relativeError(prediction, batch.tensor("prediction")) <= 1e-4)
        let error = try prediction - batch.tensor("target")
        let loss = try (error * error).mean(over: [1, 2, 3])
        #expect(try relativeError(loss, batch.tensor("loss")) <= 1e-4)
        let gradient = try adapters.gradient(of: loss.sum()).floats()
        let compared = try compare(gradient, by: table, with: batch) { Issue.record("no gradient of \($0.name)") }
        #expect(compared == table.entries.count)
    }

    /// Holds each number's gradient against the reference's, relative to the largest of its matrix.
    ///
    /// - Returns: how many matrices were compared: all that the reference speaks of.
    private func compare(
        _ gradient: [Float], by table: ShapeTable, with batch: SafetensorsFile,
        missing: (ShapeTable.Entry) throws -> Void
    ) throws -> Int {
        var compared = 0
        for entry in table.entries {
            guard batch.entries["gradient.\(entry.name)"] != nil else {
                try missing(entry)
                continue
            }
            let expected = try batch.floats(of: "gradient.\(entry.name)")
            let largest = expected.reduce(0) { max($0, abs($1)) }
            let error = zip(gradient[entry.range], expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(error <= 1e-4 * largest, "\(entry.name): \(error) of \(largest)")
            compared += 1
        }
        #expect(compared == batch.names.filter { $0.hasPrefix("gradient.") }.count)
        return compared
    }

    @Test func `come from an adapter whose prediction is that of the model it is merged into`() throws {
        let step = try TrainingStep("tiny-sd1", "plain")
        let checkpoint = try Fixtures.checkpoint("tiny-sd1")
        let file = try LoRAFile(path: Fixtures.path("training/tiny-sd1.adapter.safetensors"))
        func merged(_ part: AdaptedPart) throws -> Weights {
            let base = try checkpoint.weights(of: part == .unet ? .unet : .textEncoder, as: .float32)
            return Weights(MergedWeights(base, with: AppliedAdapters([(file, 1)], part: part)))
        }
        let ids = try step.batch.integers("input_ids")
        let timesteps = try step.batch.integers("timesteps")
        let textEncoder = try TextEncoder(merged(.textEncoder), checkpoint.configuration.textEncoder)
        let unet = try UNet(merged(.unet), checkpoint.configuration.unet)
        let states = try textEncoder(Tensor.of(ids, shape: step.batch.entry("input_ids").shape))
        let prediction = try unet(
            step.tensor("noisy_latents"), timesteps: Tensor.of(timesteps).to(.float32), context: states)
        #expect(try relativeError(step.prediction(), prediction) <= 1e-5)
        #expect(try relativeError(prediction, step.tensor("prediction")) <= 1e-4)
    }
}
