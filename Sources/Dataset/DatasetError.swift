package import Images

/// What is wrong with a folder of pictures or with what is asked of it, in one sentence that says where and what to do.
package enum DatasetError: Error, Equatable, CustomStringConvertible {
    /// The settings of buckets contradict each other; the text names key and value.
    case buckets(String)
    /// A picture fits none of the buckets there can be.
    case fitsNoBucket(file: String, size: PixelSize, reason: String)
    case cannotOpenFolder(folder: String, reason: String)
    /// No `<repeats>_<class tokens>` folders; `loosePictures` lie in the folder itself.
    case noSubfolders(folder: String, loosePictures: Int)
    case noPictures(folder: String)
    case noTrainingPictures
    /// `validation_split` takes every picture.
    case nothingLeft(heldOut: Int)
    /// `validation_split` takes none.
    case nothingHeldOut(split: Double, pictures: Int)
    /// Not one picture has a caption, and there are no class tokens to take its place.
    case noCaptions(folder: String, pictures: Int, extensions: [String])
    /// `byte` is the offset of the first byte that is not UTF-8.
    case captionNotUTF8(file: String, byte: Int, value: UInt8)
    case captionUTF16(file: String)
    /// Several things at once; at most ten are named.
    case unusable(total: Int, first: [String])
    /// The file is no longer the one that the manifest was made from.
    case changed(file: String)
    /// A view that no plan makes: it came from a damaged manifest.
    case cropOutside(file: String, view: SampleView)

    package var description: String {
        switch self {
        case .buckets(let sentence):
            sentence
        case .fitsNoBucket(let file, let size, let reason):
            "\(file) is \(size) pixels and fits no bucket: \(reason)"
        case .cannotOpenFolder(let folder, let reason):
            "the folder of pictures \(folder) cannot be opened (\(reason)): check train_data_dir, reg_data_dir or image_dir"
        case .noSubfolders(let folder, let loosePictures) where loosePictures > 0:
            "\(folder) has \(loosePictures) pictures but no folder named <repeats>_<class tokens>: "
                + "move them into one, such as \(folder)/10_horse"
        case .noSubfolders(let folder, _):
            "\(folder) has no folder named <repeats>_<class tokens>, such as 10_horse: make one with the pictures in it"
        case .noPictures(let folder):
            "\(folder) has no pictures (png, jpg, jpeg, webp or bmp)"
        case .noTrainingPictures:
            "there are no pictures to train on: name a folder with train_data_dir, or one with image_dir in a "
                + "[[datasets.subsets]] that is not is_reg"
        case .nothingLeft(let heldOut):
            "validation_split holds all \(heldOut) pictures out and leaves none to train on: lower it, or add pictures"
        case .nothingHeldOut(let split, let pictures):
            "validation_split = \(split) of \(pictures) picture\(pictures == 1 ? "" : "s") holds none out and there would be "
                + "nothing to validate: raise it, add pictures, or leave it out"
        case .noCaptions(let folder, let pictures, let extensions):
            "none of the \(pictures) pictures in \(folder) has a caption beside it (\(extensions.joined(separator: " or "))) "
                + "and the folder has no class tokens: write captions, or set class_tokens"
        case .captionNotUTF8(let file, let byte, let value):
            "\(file) is not UTF-8 (byte \(byte) is 0x\(hexadecimal(value))): save it as UTF-8"
        case .captionUTF16(let file):
            "\(file) is UTF-16: save it as UTF-8"
        case .unusable(1, let first):
            first.joined()
        case .unusable(let total, let first):
            "\(total) files cannot be used:\n" + first.map { "  " + $0 }.joined(separator: "\n")
                + (total > first.count ? "\n  and \(total - first.count) more" : "")
        case .changed(let file):
            "\(file) is not the picture that the run was planned with: put the old one back, or start a new run"
        case .cropOutside(let file, let view):
            "\(view.bucket) at (\(view.cropX), \(view.cropY)) is no part of \(file) resized to \(view.resized): "
                + "the manifest is damaged; make it again"
        }
    }
}

/// Two digits, as in `0f`.
func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
}
