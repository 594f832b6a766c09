import Adapters
import Foundation
import Layers
import ProgramSupport
import Safetensors
import StableDiffusion
import Testing
import Torch

extension `The program` {
    /// Skipped where there is no Python with diffusers and PEFT; `Cluster/test` brings one.
    @Suite(
        .enabled("needs .deps/clients, or DANLU_CLIENTS") { ClientPython.isThere })
    struct `makes a LoRA that diffusers and PEFT` {
        private let furnace: Furnace

        init() throws {
            furnace = try Furnace()
            furnace.settings["learning_rate"] = "3e-2"
            furnace.settings["save_precision"] = "\"fp16\""
            let ended = try furnace.train().end()
            try #require(ended.status == 0, "\(ended.errors)")
        }

        @Test(arguments: [1, 0.6]) func `load and understand as Danlu does`(weight: Double) throws {
            let theirs = try client(weight: weight)
            let ours = try Client.prediction(lora: furnace.path("out/horse.safetensors"), weight: weight)
            #expect(relativeError(ours, theirs) <= 1e-4)
            #expect(try relativeError(Client.prediction(lora: nil), theirs) > 1e-2)
        }

        @Test func `merge into the base as Danlu does`() throws {
            let theirs = try client("--fuse", weight: 1)
            let lora = furnace.path("out/horse.safetensors")
            #expect(try relativeError(Client.prediction(lora: lora, merged: true), theirs) <= 1e-4)
            #expect(try relativeError(Client.prediction(lora: lora), theirs) <= 1e-4)
        }

        @Test func `find the metadata of kohya's files in`() throws {
            let script = ClientPython.folder.appending(path: "read_metadata.py").path
            let ended = try Launched(
                [script, furnace.path("out/horse.safetensors")], in: furnace.folder, executable: ClientPython.path
            ).end()
            #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
            for entry in [#""ss_network_dim": "3""#, #""ss_steps": "5""#, #""ss_output_name": "horse""#] {
                #expect(ended.output.contains(entry))
            }
        }

        private func client(_ more: String..., weight: Double) throws -> [Float] {
            let words = [
                ClientPython.folder.appending(path: "load_in_diffusers.py").path, Furnace.model.path,
                furnace.path("out/horse.safetensors"), Client.inputs, furnace.path("theirs.safetensors"),
                "--weight", "\(weight)",
            ]
            let ended = try Launched(words + more, in: furnace.folder, executable: ClientPython.path).end(within: 200)
            try #require(ended.status == 0, "\(ended.output)\(ended.errors)")
            return try SafetensorsFile(path: furnace.path("theirs.safetensors")).floats(of: "prediction")
        }
    }
}

/// The other side of the comparison, and this one.
private enum Client {
    static let inputs = Furnace.fixtures.appending(path: "training/tiny-sd1.plain.safetensors").path
    /// What Danlu's UNet says of the inputs, with a LoRA file beside the model or merged into it.
    static func prediction(lora: String?, weight: Double = 1, merged: Bool = false) throws -> [Float] {
        let checkpoint = try Checkpoint(at: Furnace.model)
        let files = try lora.map { [(file: try LoRAFile(path: $0), weight: weight)] } ?? []
        func weights(_ part: ModelPart, _ adapted: AdaptedPart) throws -> Weights {
            let base = try checkpoint.weights(of: part, as: .float32)
            let adapters = AppliedAdapters(files, part: adapted)
            return merged ? Weights(MergedWeights(base, with: adapters)) : Weights(base, adaptedBy: adapters)
        }
        let textEncoder = try TextEncoder(
            weights(.textEncoder, .textEncoder), checkpoint.configuration.textEncoder)
        let unet = try UNet(weights(.unet, .unet), checkpoint.configuration.unet)

        let file = try SafetensorsFile(path: inputs)
        func integers(_ name: String) throws -> Tensor {
            let bytes = try file.bytes(of: name)
            let numbers = stride(from: 0, to: bytes.count, by: 8).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: Int.self)
            }
            return try Tensor.of(numbers, shape: file.entry(name).shape)
        }
        return try withoutGradients {
            let latents = try Tensor.of(file.floats(of: "noisy_latents"), shape: file.entry("noisy_latents").shape)
            let context = try textEncoder(integers("input_ids"))
            return try unet(latents, timesteps: integers("timesteps"), context: context).floats()
        }
    }
}

/// ‖a − b‖ / ‖b‖; infinite for arrays of different lengths.
private func relativeError(_ a: [Float], _ b: [Float]) -> Double {
    guard a.count == b.count else { return .infinity }
    let difference = zip(a, b).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    return (difference / b.reduce(0.0) { $0 + Double($1) * Double($1) }).squareRoot()
}
