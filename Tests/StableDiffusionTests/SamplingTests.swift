import Foundation
import Layers
import Testing
import Torch

@testable import StableDiffusion

@Suite struct `Making a picture` {
    private func sampling(_ location: URL) throws -> Sampling {
        let checkpoint = try Checkpoint(at: location)
        let configuration = checkpoint.configuration
        return Sampling(
            tokenizer: try checkpoint.tokenizer(),
            textEncoder: try TextEncoder(
                Weights(checkpoint.weights(of: .textEncoder, as: .float32)), configuration.textEncoder),
            unet: try UNet(Weights(checkpoint.weights(of: .unet, as: .float32)), configuration.unet),
            autoencoder: try Autoencoder(
                Weights(checkpoint.weights(of: .autoencoder, as: .float32)), configuration.autoencoder),
            configuration: configuration)
    }

    private func request(_ sampler: SamplerKind) -> SamplingRequest {
        var request = SamplingRequest("horse on a blue background")
        request.width = 36
        request.height = 20
        request.steps = 4
        request.sampler = sampler
        return request
    }

    @Test(arguments: models, SamplerKind.allCases)
    func `gives the same one for the same seed, and another for another`(model: String, kind: SamplerKind) throws {
        let sampling = try sampling(Fixtures.folder(model))
        var request = request(kind)
        var steps: [Int] = []
        let first = try sampling(request) { steps.append($0) }
        #expect(steps == [1, 2, 3, 4])
        #expect((first.width, first.height, first.values.count) == (36, 20, 36 * 20 * 3))
        #expect(first.values.allSatisfy { (0...1).contains($0) })
        #expect(try sampling(request) == first)
        request.seed = 1
        #expect(try sampling(request) != first)
    }

    @Test func `without guidance asks about the prompt alone`() throws {
        let sampling = try sampling(Fixtures.folder("tiny-sd1"))
        var request = request(.ddim)
        request.guidance = 1
        let alone = try sampling(request)
        request.negativePrompt = "a deer"
        #expect(try sampling(request) == alone)
        request.guidance = 4
        #expect(try sampling(request) != alone)
    }

    @Test func `follows prompts longer than one row`() throws {
        let sampling = try sampling(Fixtures.folder("tiny-sd1"))
        var request = request(.ddim)
        request.prompt = String(repeating: "horse ", count: 80) + "deer"
        let long = try sampling(request)
        request.prompt = String(repeating: "horse ", count: 80) + "pizza"
        #expect(try sampling(request) != long)
    }

    @Test(arguments: [(30, 20, "width: is 30"), (36, 0, "height: is 0"), (36, 1 << 20, "height: is 1048576")])
    func `refuses a size that the VAE does not have`(width: Int, height: Int, sentence: String) throws {
        let sampling = try sampling(Fixtures.folder("tiny-sd1"))
        var request = request(.ddim)
        request.width = width
        request.height = height
        #expect { try sampling(request) } throws: { "\($0)".contains(sentence) }
    }
}
