import Dataset
import Foundation
import Recipe

/// What a coordinator tells its workers of a run, so that nothing has to be configured on them.
struct RunDescription: Codable, Sendable {
    /// As resolved by the coordinator: absolute paths, folders listed.
    var recipe: Recipe
    var manifest: Manifest
    /// What the base model holds, for workers that read a copy of their own; nil for those on the coordinator's box.
    var modelHash: String?
    /// Where CLIP's vocabulary lies, for a base model that is a single file.
    var vocabulary: String?
    /// Where latents are kept on disk, or nil.
    var latentFolder: String?

    var encoded: Data {
        get throws { try JSONEncoder().encode(self) }
    }

    init(
        recipe: Recipe, manifest: Manifest, modelHash: String?, vocabulary: String?, latentFolder: String?
    ) {
        self.recipe = recipe
        self.modelHash = modelHash
        self.manifest = manifest
        self.vocabulary = vocabulary
        self.latentFolder = latentFolder
    }

    init(_ data: Data) throws {
        self = try JSONDecoder().decode(RunDescription.self, from: data)
    }
}
