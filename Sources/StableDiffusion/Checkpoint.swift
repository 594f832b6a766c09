package import Foundation
package import Safetensors
package import Torch

/// A base model on disk: a diffusers folder, or a single `.safetensors` file in the original latent-diffusion layout.
///
/// Opening it reads configurations and headers, finds every tensor and checks its shape; no weight is read. It can be
/// handed between threads; the tensors made from it cannot.
package struct Checkpoint: Sendable {
    /// What the user may say beside the path.
    package struct Options: Sendable {
        /// Another VAE: a diffusers folder of one, or a single file.
        package var autoencoder: URL?
        /// A tokenizer's folder, or OpenAI's list of merges; a single file brings none.
        package var vocabulary: URL?
        /// What the UNet predicts, where its user knows better than its files.
        package var predictionType: PredictionType?
        /// The configuration of a single file that is neither SD 1.x's nor 2.x's own size.
        package var configuration: ModelConfiguration?

        package init(
            autoencoder: URL? = nil, vocabulary: URL? = nil, predictionType: PredictionType? = nil,
            configuration: ModelConfiguration? = nil
        ) {
            self.autoencoder = autoencoder
            self.vocabulary = vocabulary
            self.predictionType = predictionType
            self.configuration = configuration
        }
    }

    /// The two lines of models that are trained here.
    package enum Family: Sendable {
        case stableDiffusion1, stableDiffusion2
    }

    package let location: URL
    package let family: Family
    package let configuration: ModelConfiguration
    /// Files that say something about the model and hold no weights.
    let settings: [URL]
    /// Every file that it was read from: a copy of these alone, at like places, opens as the same model.
    package let files: [URL]
    private let isFolder: Bool
    private let vocabulary: URL?
    private let parts: [ModelPart: LocatedPart]

    struct LocatedPart: Sendable {
        let name: String
        let tensors: [String: LocatedTensor]
    }

    /// Opens and checks a base model.
    ///
    /// - Throws: ``ModelError`` or `SafetensorsError`: one sentence naming the file and the key or tensor.
    package init(at location: URL, options: Options = Options()) throws {
        self.location = location
        vocabulary = options.vocabulary
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: location.path, isDirectory: &isDirectory) else {
            throw ModelError(
                location.path, "there is no such file or folder; give a diffusers folder or a .safetensors file")
        }
        isFolder = isDirectory.boolValue

        var configuration: ModelConfiguration
        var files: [ModelPart: WeightFiles] = [:]
        if isFolder {
            try Self.checkPipeline(location)
            configuration = try ModelConfiguration(folder: location)
            for part in ModelPart.allCases where part != .autoencoder || options.autoencoder == nil {
                files[part] = try WeightFiles(folder: location.appending(path: part.rawValue))
            }
            family = configuration.unet.linearProjections ? .stableDiffusion2 : .stableDiffusion1
        } else {
            let file = try WeightFiles(file: location)
            family = try Self.family(of: file)
            configuration =
                options.configuration ?? (family == .stableDiffusion1 ? .stableDiffusion1 : .stableDiffusion2)
            for part in ModelPart.allCases { files[part] = file }
        }
        var others: [URL] = []
        if let other = options.autoencoder {
            let (found, of) = try Self.autoencoder(at: other)
            if let found {
                configuration.autoencoder = found.configuration
                others.append(found.file)
            }
            files[.autoencoder] = of
        }
        if let predictionType = options.predictionType { configuration.scheduler.predictionType = predictionType }

        self.configuration = configuration
        settings = Self.settings(isFolder ? location : nil, options)
        if isFolder { others += ["model_index.json", "vae/config.json"].map { location.appending(path: $0) } }
        let weights = files.values.flatMap { $0.files.map { URL(filePath: $0.path) } + [$0.index].compactMap(\.self) }
        self.files = Set((settings + others + weights).map(\.path)).sorted()
            .filter { FileManager.default.fileExists(atPath: $0) }.map { URL(filePath: $0) }
        var parts: [ModelPart: LocatedPart] = [:]
        for (part, files) in files {
            let tensors = try files.locate(
                configuration.parameters(of: part), of: part, names: configuration.names(of: part))
            parts[part] = LocatedPart(name: files.name, tensors: tensors)
        }
        self.parts = parts
    }

    /// One network's tensors in the format and on the device that it is to compute in.
    ///
    /// Call it once for each part and share what it gives: every call's tensors are its own.
    package func weights(
        of part: ModelPart, as type: ScalarType, on device: Device = .cpu
    ) throws(ModelError) -> CheckpointPart {
        let located = try located(part)
        return CheckpointPart(name: located.name, tensors: located.tensors, type: type, device: device)
    }

    /// The tokenizer that belongs to the model.
    ///
    /// - Throws: ``ModelError`` when a single file was opened and no vocabulary was given.
    package func tokenizer() throws(ModelError) -> Tokenizer {
        if let vocabulary {
            var isDirectory: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: vocabulary.path, isDirectory: &isDirectory)
            if exists, isDirectory.boolValue { return try Tokenizer(folder: vocabulary) }
            return try Tokenizer(mergesList: vocabulary, padding: family == .stableDiffusion2 ? "!" : "<|endoftext|>")
        }
        guard isFolder else {
            throw ModelError(
                location.path,
                "is a single file, which has no vocabulary in it; Cluster/setup fetches CLIP's, or give a tokenizer's folder"
            )
        }
        return try Tokenizer(folder: location.appending(path: "tokenizer"))
    }

    /// The safetensors files that hold the weights, each once.
    package var weightFiles: [SafetensorsFile] {
        var files: [String: SafetensorsFile] = [:]
        for part in parts.values { for tensor in part.tensors.values { files[tensor.file.path] = tensor.file } }
        return files.values.sorted { $0.path < $1.path }
    }

    func located(_ part: ModelPart) throws(ModelError) -> LocatedPart {
        guard let located = parts[part] else { throw ModelError(location.path, "has no \(part.title)") }
        return located
    }

    private static func checkPipeline(_ folder: URL) throws(ModelError) {
        let index = folder.appending(path: "model_index.json")
        if FileManager.default.fileExists(atPath: index.path) {
            let name = try JSONFile(index).string("_class_name", default: "StableDiffusionPipeline")
            if let objection = ModelFamily.objection(toPipeline: name) { throw ModelError(folder.path, objection) }
        }
        guard FileManager.default.fileExists(atPath: folder.appending(path: "unet/config.json").path) else {
            throw ModelError(
                folder.path,
                "is no diffusers model: it has no unet/config.json; give the folder with model_index.json in it")
        }
    }

    private static func family(of file: WeightFiles) throws(ModelError) -> Family {
        switch ModelFamily(file.shapes) {
        case .stableDiffusion1: return .stableDiffusion1
        case .stableDiffusion2: return .stableDiffusion2
        case .other(let objection): throw ModelError(file.name, objection)
        }
    }

    /// A VAE of its own: from a folder with its configuration, or a single file of Stable Diffusion's size.
    private static func autoencoder(
        at location: URL
    ) throws -> ((configuration: AutoencoderConfiguration, file: URL)?, WeightFiles) {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: location.path, isDirectory: &isDirectory) else {
            throw ModelError(location.path, "there is no such VAE; give a diffusers folder or a .safetensors file")
        }
        guard isDirectory.boolValue else { return (nil, try WeightFiles(file: location)) }
        let inner = location.appending(path: "vae")
        let folder = FileManager.default.fileExists(atPath: inner.path) ? inner : location
        let file = folder.appending(path: "config.json")
        return ((try AutoencoderConfiguration(JSONFile(file)), file), try WeightFiles(folder: folder))
    }

    private static func settings(_ folder: URL?, _ options: Options) -> [URL] {
        let tokenizer = [
            "merges.txt", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.json",
        ]
        var files: [URL] = []
        if let folder {
            let parts = ["scheduler/scheduler_config.json", "text_encoder/config.json", "unet/config.json"]
            files += (options.autoencoder == nil ? parts + ["vae/config.json"] : parts).map {
                folder.appending(path: $0)
            }
        }
        if let vocabulary = options.vocabulary ?? folder?.appending(path: "tokenizer") {
            files += tokenizer.map { vocabulary.appending(path: $0) } + [vocabulary]
        }
        return files.filter { url in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) && !isDirectory.boolValue
        }
    }
}
