import Adapters
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

    func tensor(_ name: String) throws -> Tensor {
        try Tensor.of(batch.floats(of: name), shape: batch.entry(name).shape)
    }

    /// What the model says of the batch.
    func prediction() throws -> Tensor {
        let ids = try batch.bytes(of: "input_ids").withMemoryRebound(to: Int64.self) { $0.map { Int($0) } }
        let states = try textEncoder(
            Tensor.of(ids, shape: batch.entry("input_ids").shape), clipSkip: clipSkip)
        return try unet(
            tensor("noisy_latents"), timesteps: Tensor.of(timesteps()).to(.float32), context: states)
    }

    private func timesteps() throws -> [Int] {
        try batch.bytes(of: "timesteps").withMemoryRebound(to: Int64.self) { $0.map { Int($0) } }
    }

    /// The sum over samples of their weighted mean squared errors.
    func loss() throws -> Tensor {
        let error = try prediction() - tensor("target")
        let perSample = try (error * error).mean(over: [1, 2, 3])
        return try (perSample * tensor("loss_weights") * tensor("snr_weights")).sum()
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
        var compared = 0
        for entry in table.entries {
            let actual = Array(gradient[entry.range])
            guard step.batch.entries["gradient.\(entry.name)"] != nil else {
                // Under clip skip the last layer of the text encoder plays no part.
                #expect(entry.group.part == .textEncoder && actual.allSatisfy { $0 == 0 }, "\(entry.name)")
                continue
            }
            let expected = try step.batch.floats(of: "gradient.\(entry.name)")
            let largest = expected.reduce(0) { max($0, abs($1)) }
            let error = zip(actual, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(error <= 1e-4 * largest, "\(entry.name): \(error) of \(largest)")
            compared += 1
        }
        #expect(compared == step.batch.names.filter { $0.hasPrefix("gradient.") }.count)
        #expect(compared > table.entries.count / 2)
    }

    @Test func `come from an adapter whose prediction is that of the model it is merged into`() throws {
        let step = try TrainingStep("tiny-sd1", "plain")
        let checkpoint = try Fixtures.checkpoint("tiny-sd1")
        let file = try LoRAFile(path: Fixtures.path("training/tiny-sd1.adapter.safetensors"))
        func merged(_ part: AdaptedPart) throws -> Weights {
            let base = try checkpoint.weights(of: part == .unet ? .unet : .textEncoder, as: .float32)
            return Weights(MergedWeights(base, with: AppliedAdapters([(file, 1)], part: part)))
        }
        let ids = try step.batch.bytes(of: "input_ids").withMemoryRebound(to: Int64.self) { $0.map { Int($0) } }
        let timesteps = try step.batch.bytes(of: "timesteps").withMemoryRebound(to: Int64.self) { $0.map { Int($0) } }
        let textEncoder = try TextEncoder(merged(.textEncoder), checkpoint.configuration.textEncoder)
        let unet = try UNet(merged(.unet), checkpoint.configuration.unet)
        let states = try textEncoder(Tensor.of(ids, shape: step.batch.entry("input_ids").shape))
        let prediction = try unet(
            step.tensor("noisy_latents"), timesteps: Tensor.of(timesteps).to(.float32), context: states)
        #expect(try relativeError(step.prediction(), prediction) <= 1e-5)
        #expect(try relativeError(prediction, step.tensor("prediction")) <= 1e-4)
    }
}
