import Foundation
import Layers
import Safetensors
import Testing
import Torch

@testable import StableDiffusion

@Suite struct `A checkpoint` {
    private func configuration(_ model: String) throws -> ModelConfiguration {
        try ModelConfiguration(folder: Fixtures.folder(model))
    }

    /// All tensors of a part by name, in fp16.
    private func tensors(_ checkpoint: Checkpoint, _ part: ModelPart) throws -> [String: Tensor] {
        let weights = try checkpoint.weights(of: part, as: .float16)
        var tensors: [String: Tensor] = [:]
        for parameter in checkpoint.configuration.parameters(of: part).parameters {
            tensors[parameter.name] = try weights.tensor(parameter.name)
        }
        return tensors
    }

    private func expectSame(_ one: Checkpoint, _ other: Checkpoint) throws {
        for part in ModelPart.allCases {
            let (left, right) = (try tensors(one, part), try tensors(other, part))
            #expect(left.count == right.count)
            for (name, tensor) in left {
                let twin = try #require(right[name])
                #expect(try tensor.shape == twin.shape && tensor.floats() == twin.floats(), "\(part) \(name)")
            }
        }
    }

    @Test(arguments: models) func `has the tensors that its configuration promises, and no others`(model: String) throws
    {
        let configuration = try configuration(model)
        for part in ModelPart.allCases {
            let stem = part == .textEncoder ? "model" : "diffusion_pytorch_model"
            let path = Fixtures.folder(model).appending(path: "\(part.rawValue)/\(stem).safetensors").path
            let stored = try SafetensorsFile(path: path).header.tensors
                .filter { !$0.name.hasSuffix("position_ids") }
                .map { part == .textEncoder && !$0.name.hasPrefix("text_model.") ? "text_model." + $0.name : $0.name }
            #expect(Set(configuration.parameters(of: part).parameters.map(\.name)) == Set(stored))
        }
    }

    // reference/ldm.py, checked there against diffusers' own readers of this layout
    @Test(arguments: models) func `finds every tensor's name in a single file`(model: String) throws {
        let table = try Fixtures.json("\(model).ldm-keys.json", as: [String: [String: [String]]].self)
        let configuration = try configuration(model)
        for part in ModelPart.allCases {
            let names = configuration.names(of: part)
            for (key, entry) in try #require(table[part.rawValue]) {
                let name = part == .textEncoder ? "text_model." + key : key
                let third = entry[1].hasPrefix("fuse ") ? Int(entry[1].dropFirst(5).prefix(1)) : nil
                #expect(names(name).contains(StoredTensor(entry[0], third: third)), "\(name)")
            }
        }
    }

    @Test(arguments: models) func `is the same model as a folder and as a single file`(model: String) throws {
        let folder = try Checkpoint(at: Fixtures.folder(model))
        let file = try Checkpoint(
            at: Fixtures.singleFile(model), options: .init(configuration: configuration(model)))
        #expect(file.family == folder.family)
        try expectSame(folder, file)
    }

    @Test(arguments: models) func `may have its text encoder's keys with and without text_model`(model: String) throws {
        for prefix in ["", "text_model."] {
            let folder = try TemporaryFolder(copyOf: model)
            try folder.rewrite("text_encoder/model.safetensors") { name, shape in
                (prefix + (name.hasPrefix("text_model.") ? String(name.dropFirst(11)) : name), shape)
            }
            try expectSame(Checkpoint(at: Fixtures.folder(model)), Checkpoint(at: folder.url))
        }
    }

    @Test(arguments: models) func `may name its VAE's attention as old diffusers did`(model: String) throws {
        let folder = try TemporaryFolder(copyOf: model)
        try folder.rewrite("vae/diffusion_pytorch_model.safetensors") { name, shape in
            guard name.contains(".attentions.0."), !name.contains("group_norm") else { return (name, shape) }
            var name = name
            for (new, old) in [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")] {
                name = name.replacing("." + new + ".", with: "." + old + ".")
            }
            return (name, shape.count == 2 ? shape + [1, 1] : shape)
        }
        try expectSame(Checkpoint(at: Fixtures.folder(model)), Checkpoint(at: folder.url))
    }

    @Test func `may be a half-precision variant or come in shards`() throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        let files = FileManager.default
        let vae = folder.url.appending(path: "vae/diffusion_pytorch_model")
        try files.moveItem(
            at: vae.appendingPathExtension("safetensors"), to: vae.appendingPathExtension("fp16.safetensors"))
        var places: [String: String] = [:]
        let unet = "unet/diffusion_pytorch_model"
        for shard in 1...2 {
            let name = "diffusion_pytorch_model-0000\(shard)-of-00002.safetensors"
            try folder.rewrite("\(unet).safetensors", into: "unet/\(name)") { tensor, shape in
                guard tensor.hasPrefix("up_blocks") == (shard == 2) else { return nil }
                places[tensor] = name
                return (tensor, shape)
            }
        }
        try files.removeItem(at: folder.url.appending(path: "\(unet).safetensors"))
        let index = try JSONEncoder().encode(["weight_map": places])
        try index.write(to: folder.url.appending(path: "\(unet).safetensors.index.json"))
        try expectSame(Checkpoint(at: Fixtures.folder("tiny-sd1")), Checkpoint(at: folder.url))
        try expectSameFromItsFilesAlone(folder.url)
    }

    @Test func `opens from the files that it says it was read from, and from no fewer`() throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        try folder.write("nobody reads this", to: "unet/README.md")
        try expectSameFromItsFilesAlone(folder.url)
        try expectSameFromItsFilesAlone(folder.url, vae: folder.url.appending(path: "vae"))
    }

    /// Opens a model anew where nothing lies but copies of the files that it names.
    private func expectSameFromItsFilesAlone(_ model: URL, vae: URL? = nil) throws {
        let original = try Checkpoint(at: model, options: .init(autoencoder: vae))
        let copy = try TemporaryFolder()
        for file in original.files {
            let place = copy.url.appending(path: file.path)
            try FileManager.default.createDirectory(
                at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: file, to: place)
        }
        #expect(!original.files.contains { $0.lastPathComponent == "README.md" })
        let other = vae.map { copy.url.appending(path: $0.path) }
        let moved = try Checkpoint(at: copy.url.appending(path: model.path), options: .init(autoencoder: other))
        try expectSame(original, moved)
        #expect(try moved.tokenizer().tokenCount("a horse") == original.tokenizer().tokenCount("a horse"))
    }

    @Test func `takes another VAE, from a folder or from a file of its own`() throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        try FileManager.default.removeItem(at: folder.url.appending(path: "vae"))
        #expect(throws: ModelError.self) { try Checkpoint(at: folder.url) }
        let other = Fixtures.folder("tiny-sd1/vae")
        let mixed = try Checkpoint(at: Fixtures.folder("tiny-sd1"), options: .init(autoencoder: other))
        try expectSame(mixed, Checkpoint(at: Fixtures.folder("tiny-sd1")))
    }

    @Test func `gives a tensor as it is stored, or in the format that is asked for`() throws {
        let checkpoint = try Checkpoint(at: Fixtures.folder("tiny-sd1"))
        let stored = try checkpoint.weights(of: .unet, as: .float32).tensor("conv_in.weight")
        let converted = try checkpoint.weights(of: .unet, as: .bfloat16).tensor("conv_in.weight")
        #expect(try stored.scalarType == .float32 && converted.scalarType == .bfloat16)
        #expect(try converted.floats() == stored.to(.bfloat16).floats())
    }

    @Test func `gives a tensor again after its pages were let go`() throws {
        let weights = try Checkpoint(at: Fixtures.folder("tiny-sd1")).weights(of: .unet, as: .float32)
        let name = "mid_block.resnets.0.conv1.weight"
        let first = try weights.tensor(name).floats()
        #expect(try weights.tensor(name).floats() == first)
        let kept = try weights.tensor(name)
        _ = try weights.tensor(name).floats()
        #expect(try kept.floats() == first)
    }

    @Test func `is known by what is in it, not by where it lies`() throws {
        let original = try Checkpoint(at: Fixtures.folder("tiny-sd1"))
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        #expect(try Checkpoint(at: folder.url).contentHash() == original.contentHash())
        #expect(try original.contentHash().count == 64)
        try folder.write("#version: 0.2\n", to: "tokenizer/merges.txt")
        #expect(try Checkpoint(at: folder.url).contentHash() != original.contentHash())
        #expect(try Checkpoint(at: folder.url).hash(of: .autoencoder) == original.hash(of: .autoencoder))
        #expect(try original.hash(of: .unet) != original.hash(of: .autoencoder))
    }

    @Test func `predicts what its file says, unless its user knows better`() throws {
        #expect(try Checkpoint(at: Fixtures.folder("tiny-sd1")).configuration.scheduler.predictionType == .epsilon)
        #expect(try Checkpoint(at: Fixtures.folder("tiny-sd2")).configuration.scheduler.predictionType == .velocity)
        let told = try Checkpoint(at: Fixtures.folder("tiny-sd2"), options: .init(predictionType: .epsilon))
        #expect(told.configuration.scheduler.predictionType == .epsilon)
    }

    @Test func `has the numbers of parameters that Stable Diffusion has`() {
        #expect(UNetConfiguration.stableDiffusion1.parameters.count == 859_520_964)
        #expect(UNetConfiguration.stableDiffusion2.parameters.count == 865_910_724)
        #expect(UNetConfiguration.stableDiffusionXL.parameters.count == 2_567_463_684)
        #expect(TextEncoderConfiguration.stableDiffusion1.parameters.count == 123_060_480)
        #expect(TextEncoderConfiguration.stableDiffusion2.parameters.count == 340_387_840)
        #expect(AutoencoderConfiguration.stableDiffusion.parameters.count == 83_653_863)
    }
}

@Suite struct `A checkpoint that cannot be used` {
    private func expectRefusal(
        _ sentence: String, _ open: () throws -> Void, location: SourceLocation = #_sourceLocation
    ) {
        #expect(sourceLocation: location) {
            try open()
        } throws: { error in
            let text = "\(error)"
            if !text.contains(sentence) { Issue.record("said: \(text)", sourceLocation: location) }
            return text.contains(sentence) && !text.contains("\n")
        }
    }

    @Test func `is not there`() {
        expectRefusal("there is no such file or folder") { _ = try Checkpoint(at: URL(filePath: "/nowhere/model")) }
    }

    @Test(arguments: ["model.ckpt", "model.PT", "model.bin"]) func `is a pickle`(name: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("x", to: name)
        expectRefusal("is a pickle, which can run code and is never opened; convert it") {
            _ = try Checkpoint(at: folder.url.appending(path: name))
        }
    }

    @Test func `is a folder with pickled weights alone`() throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        let files = FileManager.default
        try files.moveItem(
            at: folder.url.appending(path: "unet/diffusion_pytorch_model.safetensors"),
            to: folder.url.appending(path: "unet/diffusion_pytorch_model.bin"))
        expectRefusal("unet/diffusion_pytorch_model.bin: is a pickle") { _ = try Checkpoint(at: folder.url) }
    }

    @Test func `is an empty folder`() throws {
        let folder = try TemporaryFolder()
        expectRefusal("is no diffusers model: it has no unet/config.json") { _ = try Checkpoint(at: folder.url) }
    }

    @Test(arguments: [
        ("conditioner.embedders.0.transformer.x", [1], "looks like Stable Diffusion XL"),
        ("model.diffusion_model.joint_blocks.0.x", [1], "looks like Stable Diffusion 3"),
        ("double_blocks.0.img_attn.qkv.weight", [1], "looks like FLUX"),
        ("lora_unet_down_blocks_0.lora_down.weight", [4, 4], "is a LoRA, not a base model"),
        ("model.diffusion_model.input_blocks.0.0.weight", [8, 9, 3, 3], "is an inpainting model"),
        ("model.diffusion_model.input_blocks.0.0.weight", [8, 4, 3, 3], "has a UNet but no text encoder"),
        ("down_blocks.0.resnets.0.conv1.weight", [8, 4, 3, 3], "is a UNet alone"),
        ("embedding", [1], "is no Stable Diffusion checkpoint"),
    ])
    func `is of another kind`(name: String, shape: [Int], sentence: String) throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "other.safetensors")
        let tensor = OutgoingTensor(
            name: name, shape: shape, floats: Array(repeating: 0, count: shape.reduce(1, *)), as: .float16)
        try SafetensorsWriter([tensor]).write(to: url.path)
        expectRefusal(sentence) { _ = try Checkpoint(at: url) }
    }

    @Test func `is another pipeline's folder`() throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        try folder.write(#"{"_class_name": "StableDiffusionXLPipeline"}"#, to: "model_index.json")
        expectRefusal("is Stable Diffusion XL (StableDiffusionXLPipeline)") { _ = try Checkpoint(at: folder.url) }
    }

    @Test func `is Stable Diffusion XL, whatever its folder calls itself`() throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sdxl")
        expectRefusal("is Stable Diffusion XL (StableDiffusionXLPipeline); this release trains") {
            _ = try Checkpoint(at: folder.url)
        }
        try FileManager.default.removeItem(at: folder.url.appending(path: "model_index.json"))
        expectRefusal("is Stable Diffusion XL (unet/config.json has an addition_embed_type); this release trains") {
            _ = try Checkpoint(at: folder.url)
        }
    }

    @Test func `misses a tensor`() throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        try folder.rewrite("unet/diffusion_pytorch_model.safetensors") { name, shape in
            name == "mid_block.attentions.0.proj_in.weight" ? nil : (name, shape)
        }
        expectRefusal("the UNet's tensor 'mid_block.attentions.0.proj_in.weight' is missing") {
            _ = try Checkpoint(at: folder.url)
        }
    }

    @Test func `has a tensor of another shape`() throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        try folder.rewrite("text_encoder/model.safetensors") { name, shape in
            (name, name.hasSuffix("layers.1.mlp.fc1.weight") ? [33, 70] : shape)
        }
        expectRefusal("mlp.fc1.weight' has shape [33, 70], but its configuration asks for [70, 33]") {
            _ = try Checkpoint(at: folder.url)
        }
    }

    @Test func `was cut off`() throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        let url = folder.url.appending(path: "vae/diffusion_pytorch_model.safetensors")
        try Data(contentsOf: url).prefix(5000).write(to: url)
        expectRefusal("vae/diffusion_pytorch_model.safetensors") { _ = try Checkpoint(at: folder.url) }
    }

    @Test func `has shards outside its folder`() throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        try FileManager.default.removeItem(at: folder.url.appending(path: "unet/diffusion_pytorch_model.safetensors"))
        try folder.write(
            #"{"weight_map": {"conv_in.bias": "../../secret.safetensors"}}"#,
            to: "unet/diffusion_pytorch_model.safetensors.index.json")
        expectRefusal("says that 'conv_in.bias' is in \"../../secret.safetensors\"") {
            _ = try Checkpoint(at: folder.url)
        }
    }

    @Test func `has numbers in a format that no layer computes from`() throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        let path = "vae/diffusion_pytorch_model.safetensors"
        let file = try SafetensorsFile(path: folder.url.appending(path: path).path)
        let tensors = file.header.tensors.map { entry in
            OutgoingTensor(
                name: entry.name, type: .int8, shape: entry.shape, bytes: Array(repeating: 1, count: entry.elementCount)
            )
        }
        try SafetensorsWriter(tensors).write(to: folder.url.appending(path: path).path)
        let checkpoint = try Checkpoint(at: folder.url)
        expectRefusal("is stored as I8, which no layer computes from") {
            _ = try checkpoint.weights(of: .autoencoder, as: .float32).tensor("encoder.conv_in.bias")
        }
    }

    @Test(arguments: [
        ("unet/config.json", "{", "is not valid JSON"),
        ("unet/config.json", "[]", "not an object"),
        ("unet/config.json", "{}", "has no down_block_types"),
        ("vae/config.json", #"{"block_out_channels": [6, 10, "x"]}"#, "must be a list of whole numbers"),
        (
            "vae/config.json", #"{"block_out_channels": [7], "norm_num_groups": 2}"#,
            "must be a multiple of norm_num_groups"
        ),
        ("scheduler/scheduler_config.json", #"{"prediction_type": "x0"}"#, "one of epsilon, v_prediction"),
        ("scheduler/scheduler_config.json", #"{"beta_start": "a"}"#, "beta_start is \"a\", but must be a number"),
        (
            "text_encoder/config.json", #"{"num_attention_heads": 0}"#,
            "num_attention_heads is 0, but must be in 1...1024"
        ),
        ("text_encoder/config.json", #"{"hidden_act": "relu"}"#, "one of quick_gelu, gelu"),
        ("text_encoder/config.json", #"{"model_type": "t5"}"#, "model_type is \"t5\""),
        ("text_encoder/config.json", #"{"hidden_size": 1e300}"#, "hidden_size is"),
    ])
    func `says which key of which file is wrong`(file: String, text: String, sentence: String) throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        try folder.write(text, to: file)
        expectRefusal(sentence) { _ = try Checkpoint(at: folder.url) }
        expectRefusal(file) { _ = try Checkpoint(at: folder.url) }
    }

    @Test(arguments: [
        (
            "down_block_types", #"["AttnDownBlock2D", "DownBlock2D", "DownBlock2D"]"#,
            "one of CrossAttnDownBlock2D, DownBlock2D"
        ),
        ("in_channels", "9", "an inpainting model"),
        ("addition_embed_type", #""text_image""#, "is \"text_image\", but must be null or \"text_time\""),
        ("addition_embed_type", #""text_time""#, "has no addition_time_embed_dim"),
        ("mid_block_scale_factor", "1.4", "mid_block_scale_factor is 1.4, but must be 1"),
        ("resnet_time_scale_shift", #""scale_shift""#, "must be \"default\""),
        ("attention_head_dim", "[3, 3]", "must be a list of 3"),
        ("attention_head_dim", "4", "must be a multiple of its 4 heads"),
        ("cross_attention_dim", "34", "the folder mixes two models"),
    ])
    func `asks for a UNet that is not built here`(key: String, value: String, sentence: String) throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1")
        let url = folder.url.appending(path: "unet/config.json")
        var settings = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
        settings[key] = try JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)
        try JSONSerialization.data(withJSONObject: settings).write(to: url)
        expectRefusal(sentence) { _ = try Checkpoint(at: folder.url) }
    }

    @Test func `brings no vocabulary as a single file`() throws {
        let configuration = try ModelConfiguration(folder: Fixtures.folder("tiny-sd1"))
        let file = Fixtures.singleFile("tiny-sd1")
        let alone = try Checkpoint(at: file, options: .init(configuration: configuration))
        expectRefusal("is a single file, which has no vocabulary in it") { _ = try alone.tokenizer() }
        let vocabulary = Fixtures.folder("tiny-sd1/tokenizer")
        let both = try Checkpoint(at: file, options: .init(vocabulary: vocabulary, configuration: configuration))
        #expect(try both.tokenizer().tokenCount("horse") == 1)
    }
}
