import ContentStore
import Dataset
import Foundation
import Recipe
import StableDiffusion

extension PreparedRun {
    /// Puts all that workers need on a shelf, and says which part of it describes the run.
    ///
    /// - Parameters:
    ///   - isShared: whether all workers read the coordinator's own files.
    ///   - say: told why it takes a while.
    func ticket(
        runFolder: URL, isShared: Bool, on shelf: inout ContentShelf, hashes: KnownHashes, say: (String) -> Void
    ) throws -> RunTicket {
        let latents = recipe.data.cacheLatentsToDisk ? runFolder.appending(path: "latents").path : nil
        var run = RunDescription(recipe: recipe, manifest: manifest, vocabulary: vocabulary, latentFolder: latents)
        if !isShared { run.files = try files(on: &shelf, hashes: hashes, say: say) }
        return RunTicket(shelf.add(try run.encoded))
    }

    /// Every file that a worker reads.
    private func files(
        on shelf: inout ContentShelf, hashes: KnownHashes, say: (String) -> Void
    ) throws -> [ListedFile] {
        var files: [ListedFile] = []
        var isSaid = false
        for url in checkpoint.files {
            let path = url.standardizedFileURL.path
            let content = try hashes.content(ofFile: path) { _ in
                if !isSaid { say("Hashing the base model, once.") }
                isSaid = true
            }
            files.append(
                ListedFile(
                    role: path == vocabulary ? .vocabulary : .model, path: path,
                    content: try shelf.add(content.hash, file: path)))
        }
        for picture in manifest.pictures + manifest.heldOut {
            guard let hash = ContentHash(picture.sha256) else { continue }
            files.append(
                ListedFile(role: .picture, path: picture.path, content: try shelf.add(hash, file: picture.path)))
        }
        hashes.save()
        return files
    }
}
