extension PixelImage {
    /// The picture as a PNG file's bytes.
    ///
    /// - Parameter text: entries by keyword; a picture's prompt goes under `parameters`, where A1111 looks for it.
    package func png(text: [String: String] = [:]) throws(ImageError) -> [UInt8] {
        do throws(VipsError) {
            let handle = try VipsHandle(pixels: samples, size: size, bands: 3)
            return PNGText.adding(text, to: try handle.png())
        } catch {
            throw .failed(operation: "encoding a picture of \(size) as PNG", reason: error.reason)
        }
    }

    /// Writes a PNG file, whole or not at all.
    ///
    /// - Throws: ``ImageError`` or ``FileError``.
    package func writePNG(to path: String, text: [String: String] = [:]) throws {
        try writeAtomically(png(text: text), to: path)
    }
}
