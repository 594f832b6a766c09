import Crypto
package import Images
package import Recipe

/// Every picture that a run learns from, found once and never changed: what the plan, the workers and the report go by.
package struct Manifest: Codable, Equatable, Sendable {
    package struct Picture: Codable, Equatable, Sendable {
        /// The picture's place in ``Manifest/pictures``, or ``Manifest/heldOut``: its address in every random draw.
        package let index: Int
        /// As found on the box that made the manifest.
        package let path: String
        /// SHA-256 of the file, 64 hexadecimal digits.
        package let sha256: String
        /// Upright, after EXIF's rotation.
        package let size: PixelSize
        /// Indices into the recipe's `datasets` and that dataset's `subsets`.
        package let dataset: Int
        package let subset: Int
        /// As written in its file, or the class tokens, or ""; prefix, shuffling and dropout come later.
        package let caption: String
        /// How often an epoch sees it; settled by ``RegularizationBalance`` for regularization pictures.
        package let repeats: Int
        package let isRegularization: Bool
        package let bucket: PixelSize
        package let resized: PixelSize

        /// The last component of ``path``.
        package var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    }

    /// One subset's folder, counted.
    package struct Folder: Codable, Equatable, Sendable {
        package let path: String
        package let dataset: Int
        package let subset: Int
        package let isRegularization: Bool
        /// `num_repeats`, as asked for.
        package let repeats: Int
        /// Pictures in it; of a regularization folder, not all need be used.
        package let pictures: Int
        /// Pictures that have a caption file.
        package let captions: Int
    }

    /// What is trained on.
    package let pictures: [Picture]
    /// What is not, and shows the validation loss, in the order in which it is looked at; each picture's index is its place
    /// here.
    package let heldOut: [Picture]
    package let folders: [Folder]
    /// Sentences for the user: what was passed over or is likely a mistake.
    package let notes: [String]

    /// Names the data as a run learns from it, in 64 hexadecimal digits.
    ///
    /// SHA-256 over every picture's name, content, caption, repeats and sizes. Where the folders lie does not count, so
    /// they may move.
    package var hash: String {
        var hasher = SHA256()
        func add(_ text: String) {
            add(text.utf8.count)
            hasher.update(data: Array(text.utf8))
        }
        func add(_ number: Int) {
            withUnsafeBytes(of: Int64(number).littleEndian) { hasher.update(bufferPointer: $0) }
        }
        // Runs without validation keep the name that they had before there was any.
        if !heldOut.isEmpty { add(pictures.count) }
        for picture in pictures + heldOut {
            add(picture.name)
            add(picture.sha256)
            add(picture.caption)
            add(picture.isRegularization ? 1 : 0)
            for size in [picture.size, picture.bucket, picture.resized] {
                add(size.width)
                add(size.height)
            }
            add(picture.dataset)
            add(picture.subset)
            add(picture.repeats)
        }
        return hasher.finalize().hexadecimal
    }

    /// The pictures by dataset and bucket, for the plan; in rising order of dataset, width and height.
    package func plannedBuckets(_ recipe: Recipe) -> [PlannedBucket] {
        struct Key: Hashable {
            let dataset: Int
            let size: PixelSize
        }
        let groups = Dictionary(grouping: pictures) { Key(dataset: $0.dataset, size: $0.bucket) }
        let keys = groups.keys.sorted {
            ($0.dataset, $0.size.width, $0.size.height) < ($1.dataset, $1.size.width, $1.size.height)
        }
        return keys.map { key in
            PlannedBucket(
                dataset: key.dataset, width: key.size.width, height: key.size.height,
                batchSize: recipe.data.datasets[key.dataset].batchSize ?? recipe.batch.trainBatchSize,
                pictures: groups[key, default: []].map { PlannedPicture(index: $0.index, repeats: $0.repeats) })
        }
    }
}

extension Manifest {
    /// Pictures of a folder that are not held out.
    package func trainedCount(of folder: Folder) -> Int {
        folder.pictures - heldOut.count { $0.dataset == folder.dataset && $0.subset == folder.subset }
    }

    /// The same pictures in other places.
    ///
    /// - Parameter place: where a picture lies, by the path that it has here; its name must stay the same.
    package func located(_ place: (String) -> String) -> Manifest {
        func located(_ picture: Picture) -> Picture {
            Picture(
                index: picture.index, path: place(picture.path), sha256: picture.sha256, size: picture.size,
                dataset: picture.dataset, subset: picture.subset, caption: picture.caption,
                repeats: picture.repeats, isRegularization: picture.isRegularization, bucket: picture.bucket,
                resized: picture.resized)
        }
        return Manifest(
            pictures: pictures.map(located), heldOut: heldOut.map(located), folders: folders, notes: notes)
    }
}

extension Manifest.Picture {
    /// The picture's file, as it was when the manifest was made.
    ///
    /// - Throws: `FileError`, `ImageError`, or ``DatasetError/changed(file:)``.
    package func file() throws -> PictureFile {
        let file = try PictureFile(path: path)
        guard file.sha256 == sha256 else { throw DatasetError.changed(file: path) }
        return file
    }
}

extension PictureFile {
    /// SHA-256 of the file's bytes, 64 hexadecimal digits.
    package var sha256: String { SHA256.hash(data: bytes).hexadecimal }
}

extension Digest {
    var hexadecimal: String { map(Dataset.hexadecimal).joined() }
}
