import CVips

/// One of libvips' images, or a step on the way to one; released when its owner lets go of it.
///
/// Steps are lazy: nothing is decoded before ``pixels(operation:)``.
struct VipsHandle: ~Copyable {
    private let raw: OpaquePointer

    deinit { danlu_vips_release(raw) }

    /// Takes over what one of libvips' operations makes.
    ///
    /// - Throws: ``VipsError`` with libvips' own words.
    init(_ make: (UnsafeMutablePointer<OpaquePointer?>) -> Int32) throws(VipsError) {
        try Self.start()
        var made: OpaquePointer?
        guard make(&made) == 0, let made else { throw VipsError.last() }
        raw = made
    }

    /// - Parameter bands: samples in a pixel.
    init(pixels: [UInt8], size: PixelSize, bands: Int) throws(VipsError) {
        precondition(pixels.count == size.width * size.height * bands)
        try self.init { out in
            out.pointee = danlu_vips_from_pixels(pixels, Int32(size.width), Int32(size.height), Int32(bands))
            return out.pointee == nil ? -1 : 0
        }
    }

    /// The image after one more step.
    func then(
        _ step: (OpaquePointer?, UnsafeMutablePointer<OpaquePointer?>) -> Int32
    ) throws(VipsError) -> VipsHandle {
        try VipsHandle { step(raw, $0) }
    }

    var size: PixelSize { PixelSize(width: Int(danlu_vips_width(raw)), height: Int(danlu_vips_height(raw))) }
    var bands: Int { Int(danlu_vips_bands(raw)) }
    var hasAlpha: Bool { danlu_vips_has_alpha(raw) != 0 }
    var hasProfile: Bool { danlu_vips_has_profile(raw) != 0 }
    var isOnItsSide: Bool { danlu_vips_is_on_its_side(raw) != 0 }

    /// Computes the image: its samples row by row, bands interleaved.
    func pixels() throws(VipsError) -> [UInt8] {
        var count = 0
        guard let memory = danlu_vips_pixels(raw, &count) else { throw VipsError.last() }
        defer { danlu_vips_free(memory) }
        return Array(UnsafeRawBufferPointer(start: memory, count: count))
    }

    /// Computes the image as a PNG file's bytes.
    func png() throws(VipsError) -> [UInt8] {
        var count = 0
        var memory: UnsafeMutableRawPointer?
        guard danlu_vips_save_png(raw, &memory, &count) == 0, let memory else { throw VipsError.last() }
        defer { danlu_vips_free(memory) }
        return Array(UnsafeRawBufferPointer(start: memory, count: count))
    }

    private static let hasStarted = danlu_vips_start() == 0

    private static func start() throws(VipsError) {
        guard hasStarted else { throw VipsError(reason: "libvips did not start; is it installed whole?") }
    }
}

/// libvips' words about a failure, on one line.
struct VipsError: Error {
    let reason: String

    /// libvips keeps one list of words for all threads; they are taken and the list is emptied.
    static func last() -> VipsError {
        guard let words = danlu_vips_take_error() else { return VipsError(reason: "no reason given") }
        defer { danlu_vips_free(words) }
        let lines = String(cString: words).split(whereSeparator: \.isNewline).map(String.init)
        return VipsError(reason: lines.first ?? "no reason given")
    }
}
