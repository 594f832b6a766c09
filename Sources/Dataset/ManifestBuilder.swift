import Dispatch
import Images
package import Recipe
import Synchronization

extension Manifest {
    /// Finds, reads and checks every picture and caption of a run.
    ///
    /// Every picture is decoded once, on all cores, so that a broken one is named now and not in the middle of a run.
    /// The caller's thread waits meanwhile.
    ///
    /// - Parameters:
    ///   - data: with its folders listed (``TrainingData/withFoldersListed()``).
    ///   - seed: the run's, which says what is held out where `validation_seed` does not.
    ///   - progress: told how many pictures of how many are checked, from any thread.
    /// - Throws: ``DatasetError``; where several files cannot be used, ten of them are named.
    package static func make(
        from data: TrainingData, seed: UInt64 = 0, progress: @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) throws -> Manifest {
        var builder = ManifestBuilder(seed: seed)
        for index in data.datasets.indices { try builder.find(data.datasets[index], index: index) }
        guard builder.found.contains(where: { !$0.isRegularization }) else {
            throw builder.heldOut.isEmpty
                ? DatasetError.noTrainingPictures : DatasetError.nothingLeft(heldOut: builder.heldOut.count)
        }
        if builder.heldOut.isEmpty, let split = builder.largestSplit {
            throw DatasetError.nothingHeldOut(split: split, pictures: builder.found.count { !$0.isRegularization })
        }
        return try builder.manifest(progress: progress)
    }

    /// The same for a whole recipe, with its folders listed.
    package static func make(from recipe: Recipe) throws -> Manifest {
        try make(from: recipe.data, seed: recipe.run.seed)
    }
}

/// What is known of a picture before it is opened.
private struct FoundPicture: Sendable {
    let path: String
    let dataset: Int
    let subset: Int
    let caption: String
    var repeats: Int
    let isRegularization: Bool
    let buckets: Buckets
}

private struct ManifestBuilder {
    let seed: UInt64
    var found: [FoundPicture] = []
    var heldOut: [FoundPicture] = []
    /// Of what was asked for; nil where no picture was asked to be held out.
    var largestSplit: Double?
    /// What the order of those that are held out follows: the first folder's seed.
    private var orderSeed: UInt64?
    private var folders: [Manifest.Folder] = []
    private var notes: [String] = []
    private var problems: [String] = []

    init(seed: UInt64) { self.seed = seed }

    /// Lists a dataset's folders, reads its captions, and balances its regularization pictures.
    mutating func find(_ dataset: TrainingData.Dataset, index: Int) throws {
        let buckets = try Buckets(dataset)
        var training: [FoundPicture] = []
        var regularization: [FoundPicture] = []
        for (position, subset) in dataset.subsets.enumerated() {
            guard subset.repeats >= 1 else {
                notes.append("\(subset.imageDirectory) is left out: it asks for \(subset.repeats) repeats")
                continue
            }
            let pictures = try find(subset, dataset: index, subset: position, buckets: buckets)
            if subset.isRegularization { regularization += pictures } else { training += trained(of: pictures, subset) }
        }
        let target = try training.reduce(0) { sum, picture in
            let (count, overflow) = sum.addingReportingOverflow(picture.repeats)
            guard !overflow else { throw TrainingPlanError.tooManySamples(.max) }
            return count
        }
        let balanced = RegularizationBalance.repeats(target: target, of: regularization.map(\.repeats))
        for position in regularization.indices { regularization[position].repeats = balanced[position] }
        let unused = balanced.count { $0 == 0 }
        if unused > 0 {
            notes.append(
                "\(unused) of \(balanced.count) regularization pictures are not used: there are more than training samples"
            )
        }
        found += training + regularization.filter { $0.repeats > 0 }
    }

    /// Puts what `validation_split` says aside, and leaves what is trained on.
    private mutating func trained(of pictures: [FoundPicture], _ subset: TrainingData.Subset) -> [FoundPicture] {
        guard subset.validationSplit > 0 else { return pictures }
        largestSplit = max(largestSplit ?? 0, subset.validationSplit)
        let places = ValidationSplit.heldOut(
            of: pictures.count, split: subset.validationSplit, seed: subset.validationSeed ?? seed)
        orderSeed = orderSeed ?? subset.validationSeed ?? seed
        heldOut += places.map { pictures[$0] }
        let rest = Set(pictures.indices).subtracting(places).sorted()
        return rest.map { pictures[$0] }
    }

    /// Lists one folder and reads its captions.
    private mutating func find(
        _ subset: TrainingData.Subset, dataset: Int, subset position: Int, buckets: Buckets
    ) throws -> [FoundPicture] {
        let folder = subset.imageDirectory
        let listing = try FolderScan.pictures(in: folder)
        notes += listing.notes
        var captions: [CaptionFile?] = []
        for path in listing.paths {
            do {
                captions.append(try CaptionFile(besides: path, captionExtension: subset.captionExtension))
            } catch {
                problems.append("\(error)")
                captions.append(nil)
            }
        }
        let captioned = captions.compactMap { $0 }
        if captioned.isEmpty, subset.classTokens == nil, problems.isEmpty {
            throw DatasetError.noCaptions(
                folder: folder, pictures: listing.paths.count,
                extensions: CaptionFile.extensions(subset.captionExtension))
        }
        note(captions: captioned, of: listing.paths.count, in: folder, classTokens: subset.classTokens)
        folders.append(
            Manifest.Folder(
                path: folder, dataset: dataset, subset: position, isRegularization: subset.isRegularization,
                repeats: subset.repeats, pictures: listing.paths.count, captions: captioned.count))
        return zip(listing.paths, captions).map { path, caption in
            FoundPicture(
                path: path, dataset: dataset, subset: position, caption: caption?.caption ?? subset.classTokens ?? "",
                repeats: subset.repeats, isRegularization: subset.isRegularization, buckets: buckets)
        }
    }

    private mutating func note(captions: [CaptionFile], of pictures: Int, in folder: String, classTokens: String?) {
        let missing = pictures - captions.count
        if missing > 0 {
            let instead = classTokens.map { "\"\($0)\"" } ?? "an empty one"
            notes.append("\(folder): \(missing) of \(pictures) pictures have no caption and take \(instead)")
        }
        if let first = captions.first(where: \.hasMoreLines) {
            let count = captions.count(where: \.hasMoreLines)
            notes.append(
                "\(folder): \(count) captions have more than one line, of which the first is used (\(first.path))")
        }
        if let first = captions.first(where: \.caption.isEmpty) {
            notes.append("\(folder): \(captions.count(where: \.caption.isEmpty)) captions are empty (\(first.path))")
        }
    }

    /// Opens every picture; several at a time, but never more than eight, each of which may take much memory.
    func manifest(progress: @Sendable (Int, Int) -> Void) throws -> Manifest {
        let trained = found.count
        let validation = ValidationSplit.order(of: heldOut.count, seed: orderSeed ?? seed).map { heldOut[$0] }
        let found = found + validation
        let outcomes = Mutex([Result<Manifest.Picture, Problem>?](repeating: nil, count: found.count))
        let next = Atomic(0)
        let done = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: min(8, found.count)) { _ in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < found.count else { return }
                let outcome = inspect(found[index], index: index < trained ? index : index - trained)
                outcomes.withLock { $0[index] = outcome }
                progress(done.wrappingAdd(1, ordering: .relaxed).newValue, found.count)
            }
        }
        var pictures: [Manifest.Picture] = []
        var problems = problems
        for outcome in outcomes.withLock({ $0 }) {
            switch outcome {
            case .success(let picture): pictures.append(picture)
            case .failure(let problem): problems.append(problem.sentence)
            case nil: break
            }
        }
        guard problems.isEmpty else {
            throw DatasetError.unusable(total: problems.count, first: Array(problems.prefix(10)))
        }
        let unseen = Array(pictures[trained...])
        pictures.removeSubrange(trained...)
        return Manifest(
            pictures: pictures, heldOut: unseen, folders: folders, notes: notes + Self.seenBoth(pictures, unseen))
    }

    /// What is both trained on and held out, under two names.
    private static func seenBoth(_ pictures: [Manifest.Picture], _ heldOut: [Manifest.Picture]) -> [String] {
        let trained = Set(pictures.map(\.sha256))
        let both = heldOut.filter { trained.contains($0.sha256) }
        guard let first = both.first else { return [] }
        return [
            "\(both.count) of \(heldOut.count) pictures that are held out for validation are also trained on, as a copy or in "
                + "another folder of the recipe (\(first.path)): the validation loss is too good by them"
        ]
    }
}

private struct Problem: Error {
    let sentence: String
}

private func inspect(_ found: FoundPicture, index: Int) -> Result<Manifest.Picture, Problem> {
    do {
        let file = try PictureFile(path: found.path)
        let size = try file.decoded().size
        let shortest = min(size.width, size.height)
        guard shortest >= PixelSize.minimumSide else {
            throw ImageError.tooSmall(file: found.path, size: size, minimum: PixelSize.minimumSide)
        }
        let placement = try found.buckets.place(size, file: found.path)
        return .success(
            Manifest.Picture(
                index: index, path: found.path, sha256: file.sha256, size: size, dataset: found.dataset,
                subset: found.subset, caption: found.caption, repeats: found.repeats,
                isRegularization: found.isRegularization, bucket: placement.bucket, resized: placement.resized))
    } catch {
        return .failure(Problem(sentence: "\(error)"))
    }
}
