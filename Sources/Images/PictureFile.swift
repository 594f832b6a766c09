import CVips

/// A picture as it lies in a file: its bytes, and what they decode to.
package struct PictureFile: Sendable {
    /// The path as the user gave it, for messages.
    package let path: String
    package let bytes: [UInt8]
    package let format: PictureFormat

    /// The longest file that is read, in bytes.
    package static let maximumBytes = 1 << 30

    /// - Throws: ``FileError`` where the file cannot be read, ``ImageError`` where it is empty or no picture.
    package init(path: String) throws {
        try self.init(path: path, bytes: readFile(path, limit: Self.maximumBytes))
    }

    /// - Parameter path: only named in messages.
    package init(path: String, bytes: [UInt8]) throws(ImageError) {
        guard !bytes.isEmpty else { throw .empty(file: path) }
        guard let format = PictureFormat(bytes) else {
            throw .notAPicture(file: path, looksLike: PictureFormat.guess(bytes))
        }
        self.path = path
        self.bytes = bytes
        self.format = format
    }

    /// The size that the header declares, upright (after EXIF's rotation), without decoding.
    ///
    /// - Throws: ``ImageError`` where the header is broken or the size is out of bounds.
    package func size() throws(ImageError) -> PixelSize {
        try opened { (image) throws(VipsError) in
            let size = image.size
            return image.isOnItsSide ? PixelSize(width: size.height, height: size.width) : size
        }
    }

    /// The picture, upright, in 8-bit sRGB.
    ///
    /// EXIF's rotation is applied; a colour profile leads to sRGB (one that makes no sense is passed over); 16-bit
    /// samples keep their upper eight; gray becomes three equal channels; transparent parts are laid on white, as a viewer
    /// shows them (kohya's scripts drop the alpha channel and so bare whatever colour lies under it).
    ///
    /// - Throws: ``ImageError`` where the file is cut short, broken or out of bounds.
    package func decoded() throws(ImageError) -> PixelImage {
        try opened { (image) throws(VipsError) in
            let upright = try image.then(danlu_vips_rotate_upright)
            var colours = try Self.standardColours(of: upright)
            if colours.hasAlpha { colours = try colours.then(danlu_vips_flatten_on_white) }
            let pixels = try colours.then(danlu_vips_to_bytes)
            guard pixels.bands == 3 else { throw VipsError(reason: "\(pixels.bands) channels where RGB has 3") }
            return PixelImage(size: pixels.size, samples: try pixels.pixels())
        }
    }

    private static func standardColours(of image: borrowing VipsHandle) throws(VipsError) -> VipsHandle {
        if image.hasProfile, let converted = try? profileApplied(to: image) { return converted }
        return try image.then(danlu_vips_to_srgb)
    }

    private static func profileApplied(to image: borrowing VipsHandle) throws(VipsError) -> VipsHandle {
        guard image.hasAlpha else { return try image.then(danlu_vips_profile_to_srgb) }
        return try image.then(danlu_vips_to_8_bits).then(danlu_vips_profile_to_srgb)
    }

    /// Reads the header, refuses what is out of bounds before any memory is taken, and hands the image to `body`.
    private func opened<Result>(
        _ body: (borrowing VipsHandle) throws(VipsError) -> Result
    ) throws(ImageError) -> Result {
        let outcome: Swift.Result<Result, ImageError> = bytes.withUnsafeBytes { memory in
            do throws(VipsError) {
                let image = try VipsHandle { loader(memory.baseAddress, memory.count, $0) }
                guard image.size.isWithinBounds else { return .failure(.tooLarge(file: path, size: image.size)) }
                return .success(try body(image))
            } catch {
                return .failure(.damaged(file: path, reason: error.reason))
            }
        }
        return try outcome.get()
    }

    private var loader: (UnsafeRawPointer?, Int, UnsafeMutablePointer<OpaquePointer?>?) -> Int32 {
        switch format {
        case .png: danlu_vips_load_png
        case .jpeg: danlu_vips_load_jpeg
        case .webp: danlu_vips_load_webp
        case .bmp: danlu_vips_load_bmp
        }
    }
}
