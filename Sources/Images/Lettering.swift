import CVips

/// Text as a mask of ink, drawn with whatever fonts the box has.
struct Lettering: Equatable {
    let size: PixelSize
    /// One sample a pixel; 255 is ink.
    let ink: [UInt8]

    /// - Parameter text: plain text; words wrap.
    /// - Parameter width: where lines wrap, in pixels; a longer word sticks out.
    /// - Throws: ``ImageError`` where libvips was built without text.
    init(_ text: String, width: Int) throws(ImageError) {
        do throws(VipsError) {
            let image = try VipsHandle { danlu_vips_text(Self.escaped(text), "sans 9", Int32(width), 96, $0) }
            guard image.bands == 1 else { throw VipsError(reason: "text came out in colour") }
            size = image.size
            ink = try image.pixels()
        } catch {
            throw .failed(operation: "drawing the text \"\(text)\"", reason: error.reason)
        }
    }

    /// The letters of a text for which no font has a shape, each once.
    ///
    /// Such a letter is drawn as a box of one size, so it is known by being as large as a letter that no font has.
    static func missingLetters(in text: String) -> [Character] {
        guard let box = try? Lettering("\u{F7F5}", width: 1000).extent else { return [] }
        var seen: Set<Character> = []
        return text.filter { letter in
            guard !letter.isWhitespace, seen.insert(letter).inserted else { return false }
            return (try? Lettering(String(letter), width: 1000).extent) == box
        }.map { $0 }
    }

    /// The rectangle that holds all ink.
    private var extent: PixelSize? {
        let inked = ink.indices.filter { ink[$0] > 0 }
        let columns = inked.map { $0 % size.width }
        guard let first = inked.first, let last = inked.last, let left = columns.min(), let right = columns.max() else {
            return nil
        }
        return PixelSize(width: right - left + 1, height: last / size.width - first / size.width + 1)
    }

    /// Pango reads its input as markup.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\n": escaped += "\n"
            default: escaped.unicodeScalars.append(scalar.value < 0x20 ? " " : scalar)
            }
        }
        return escaped
    }
}

extension PixelImage {
    /// Draws lettering in dark gray, its top left corner at `(x, y)`; what lies outside `bounds` is left out.
    mutating func draw(_ lettering: Lettering, x: Int, y: Int, within bounds: PixelSize) {
        for row in 0..<min(lettering.size.height, bounds.height, height - y) {
            for column in 0..<min(lettering.size.width, bounds.width, width - x) {
                let ink = Int(lettering.ink[row * lettering.size.width + column])
                let first = ((y + row) * width + x + column) * 3
                for channel in first..<first + 3 {
                    samples[channel] = UInt8((Int(samples[channel]) * (255 - ink) + 32 * ink) / 255)
                }
            }
        }
    }
}
