import ContentStore
import Dataset
import Foundation
import Recipe

/// What a coordinator tells its workers of a run, so that nothing has to be configured on them.
struct RunDescription: Codable, Equatable, Sendable {
    /// As resolved by the coordinator: absolute paths, folders listed.
    var recipe: Recipe
    var manifest: Manifest
    /// Where CLIP's vocabulary lies, for a base model that is a single file.
    var vocabulary: String?
    /// Where latents are kept on disk, or nil.
    var latentFolder: String?
    /// Every file that a worker reads; none for workers that share the coordinator's disk.
    var files: [ListedFile] = []

    /// The longest that is read, in bytes; a million pictures fit.
    static let limit = 1 << 30

    /// The same run gives the same bytes, so that a worker knows it again when its coordinator comes back.
    var encoded: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return try Array(encoder.encode(self))
        }
    }

    /// The same run with its files at other places, of which `place` knows by their paths at the coordinator.
    func located(latentFolder: String?, _ place: (String) -> String) -> RunDescription {
        var run = self
        run.recipe.model.path = place(recipe.model.path)
        run.recipe.model.vae = recipe.model.vae.map(place)
        run.vocabulary = vocabulary.map(place)
        run.manifest = manifest.located(place)
        run.latentFolder = latentFolder
        return run
    }
}

/// What the welcome says of a run: how to ask for its description.
struct RunTicket: Codable, Sendable {
    let description: Content

    init(_ description: Content) {
        self.description = description
    }

    var encoded: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return try encoder.encode(self)
        }
    }

    init(_ data: Data) throws {
        self = try JSONDecoder().decode(RunTicket.self, from: data)
    }
}
