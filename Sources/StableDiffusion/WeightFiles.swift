import Foundation
import Safetensors

/// The safetensors files that together hold one network, or several.
struct WeightFiles: Sendable {
    /// What messages call them.
    let name: String
    let files: [SafetensorsFile]
    /// What says which tensor is in which of several shards.
    var index: URL?

    /// One file.
    init(file: URL) throws {
        try Self.refusePickle(file)
        name = file.path
        files = [try SafetensorsFile(path: file.path)]
    }

    /// The weights in a part's folder: one file or shards with an index, in full or in half precision.
    init(folder: URL) throws {
        name = folder.path
        for stem in ["diffusion_pytorch_model", "model"] {
            for variant in ["", ".fp16", ".bf16", ".non_ema"] {
                let whole = folder.appending(path: "\(stem)\(variant).safetensors")
                let index = folder.appending(path: "\(stem).safetensors.index\(variant).json")
                let newIndex = folder.appending(path: "\(stem)\(variant).safetensors.index.json")
                if FileManager.default.fileExists(atPath: whole.path) {
                    files = [try SafetensorsFile(path: whole.path)]
                    return
                }
                for index in [index, newIndex] where FileManager.default.fileExists(atPath: index.path) {
                    files = try Self.shards(index)
                    self.index = index
                    return
                }
            }
        }
        let contents = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        if let pickle = contents.sorted().first(where: Self.isPickle) {
            try Self.refusePickle(folder.appending(path: pickle))
        }
        throw ModelError(folder.path, "has no .safetensors file with its weights; copy the base model's folder again")
    }

    /// The shapes of all tensors by name.
    var shapes: [String: [Int]] {
        var shapes: [String: [Int]] = [:]
        for file in files { for entry in file.header.tensors { shapes[entry.name] = entry.shape } }
        return shapes
    }

    /// Finds each tensor that a part consists of.
    ///
    /// - Parameter names: where a tensor may lie, likeliest first.
    /// - Throws: ``ModelError`` naming the first tensor that is missing or has another shape than its configuration says.
    func locate(
        _ parameters: ParameterShapes, of part: ModelPart, names: (String) -> [StoredTensor]
    ) throws(ModelError) -> [String: LocatedTensor] {
        var tensors: [String: LocatedTensor] = [:]
        for parameter in parameters.parameters {
            let candidates = names(parameter.name)
            guard let (stored, file, entry) = candidates.lazy.compactMap({ find($0) }).first else {
                throw ModelError(
                    name,
                    "the \(part.title)'s tensor '\(parameter.name)' is missing; "
                        + "the file is incomplete or belongs to another kind of model")
            }
            guard stored.fits(entry.shape, parameter.shape) else {
                throw ModelError(
                    file.path,
                    "the \(part.title)'s tensor '\(entry.name)' has shape \(entry.shape), but its configuration asks for "
                        + "\(parameter.shape); the weights and the configuration belong to different models")
            }
            tensors[parameter.name] = LocatedTensor(
                file: file, entry: entry, third: stored.third, shape: parameter.shape)
        }
        return tensors
    }

    private func find(_ stored: StoredTensor) -> (StoredTensor, SafetensorsFile, TensorEntry)? {
        for file in files {
            if let entry = file.entries[stored.name] { return (stored, file, entry) }
        }
        return nil
    }

    private static func shards(_ index: URL) throws -> [SafetensorsFile] {
        let json = try JSONFile(index)
        guard case .object(let map) = json.values["weight_map"] else {
            throw ModelError(index.path, "has no weight_map; take the file from the original model again")
        }
        var names: Set<String> = []
        for (tensor, value) in map {
            guard case .string(let name) = value, !name.contains("/"), name.hasSuffix(".safetensors") else {
                throw ModelError(index.path, "says that '\(tensor)' is in \(value), which is not a shard beside it")
            }
            names.insert(name)
        }
        let folder = index.deletingLastPathComponent()
        return try names.sorted().map { try SafetensorsFile(path: folder.appending(path: $0).path) }
    }

    private static func isPickle(_ name: String) -> Bool {
        [".ckpt", ".bin", ".pt", ".pth"].contains { name.lowercased().hasSuffix($0) }
    }

    private static func refusePickle(_ file: URL) throws(ModelError) {
        guard isPickle(file.lastPathComponent) else { return }
        throw ModelError(
            file.path,
            "is a pickle, which can run code and is never opened; convert it where you trust it, with diffusers: "
                + "StableDiffusionPipeline.from_single_file(\"in.ckpt\").save_pretrained(\"out\"), and give the folder")
    }
}
