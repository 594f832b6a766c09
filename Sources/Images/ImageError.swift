/// What is wrong with a picture, in one sentence that names the file and what to do.
package enum ImageError: Error, Equatable, CustomStringConvertible {
    /// The file holds nothing.
    case empty(file: String)
    /// The file is something else; `looksLike` says what, where that can be told.
    case notAPicture(file: String, looksLike: String?)
    /// The file starts well and then breaks off or makes no sense; `reason` is the decoder's own.
    case damaged(file: String, reason: String)
    case tooSmall(file: String, size: PixelSize, minimum: Int)
    case tooLarge(file: String, size: PixelSize)
    /// Making a picture failed; `operation` says at what.
    case failed(operation: String, reason: String)

    package var description: String {
        switch self {
        case .empty(let file):
            "\(file) is empty (0 bytes): replace it or take it out of the folder"
        case .notAPicture(let file, let looksLike):
            "\(file) is not a PNG, JPEG, WebP or BMP picture\(looksLike.map { " but looks like \($0)" } ?? ""): "
                + "convert it or take it out of the folder"
        case .damaged(let file, let reason):
            "\(file) is damaged or cut short (\(reason)): replace it or take it out of the folder"
        case .tooSmall(let file, let size, let minimum):
            "\(file) is \(size) pixels and too small to learn from: both sides must have at least \(minimum)"
        case .tooLarge(let file, let size):
            "\(file) is \(size) pixels and too large: a side may have \(PixelSize.maximumSide) pixels "
                + "and a picture \(PixelSize.maximumArea / 1_000_000) million; make it smaller"
        case .failed(let operation, let reason):
            "\(operation) failed: \(reason)"
        }
    }
}
