/// Pictures in rows and columns with a caption under each, as a photographer lays out a film.
package struct ContactSheet: Sendable {
    /// One picture and what stands under it.
    package struct Cell: Sendable {
        package var image: PixelImage
        package var caption: String

        package init(_ image: PixelImage, caption: String) {
            self.image = image
            self.caption = caption
        }
    }

    /// A sheet, and what could not be written on it, or nil.
    package struct Rendering: Sendable {
        package let image: PixelImage
        /// A sentence for the user: captions left out, or letters that no font here has.
        package let note: String?
    }

    package var columns: Int
    /// Row by row.
    package var cells: [Cell]
    /// Pixels for a cell's picture, which is made larger by whole numbers to fill them, or smaller.
    package var cellSide: Int

    package init(columns: Int, cellSide: Int = 192, cells: [Cell]) {
        self.columns = columns
        self.cellSide = cellSide
        self.cells = cells
    }

    private static let gap = 10
    private static let captionHeight = 46

    /// Draws the sheet on white.
    ///
    /// Without fonts (or without text in libvips) the captions are left out and the note says so.
    ///
    /// - Throws: ``ImageError`` where there is nothing to draw or the sheet would be too large.
    package func rendered() throws(ImageError) -> Rendering {
        guard columns > 0, cellSide > 0, !cells.isEmpty else {
            throw .failed(operation: "drawing a contact sheet", reason: "it has no pictures")
        }
        let (canCaption, note) = lettering()
        let rows = (cells.count + columns - 1) / columns
        let step = PixelSize(
            width: cellSide + Self.gap, height: cellSide + Self.gap + (canCaption ? Self.captionHeight : 0))
        let size = PixelSize(width: columns * step.width + Self.gap, height: rows * step.height + Self.gap)
        guard size.isWithinBounds else { throw .tooLarge(file: "a contact sheet", size: size) }

        var sheet = PixelImage(size: size, red: 255, green: 255, blue: 255)
        for (position, cell) in cells.enumerated() {
            let x = Self.gap + position % columns * step.width
            let y = Self.gap + position / columns * step.height
            let picture = fitted(cell.image)
            sheet.paste(picture, x: x + (cellSide - picture.width) / 2, y: y + (cellSide - picture.height) / 2)
            if canCaption, !cell.caption.allSatisfy(\.isWhitespace) {
                let bounds = PixelSize(width: cellSide, height: Self.captionHeight - 2)
                let lettering = try Lettering(cell.caption, width: cellSide)
                sheet.draw(lettering, x: x, y: y + cellSide + 4, within: bounds)
            }
        }
        return Rendering(image: sheet, note: note)
    }

    /// Whether captions can be drawn, and what to say of it.
    private func lettering() -> (Bool, String?) {
        let captions = cells.map(\.caption).joined(separator: " ")
        guard captions.contains(where: { !$0.isWhitespace }) else { return (false, nil) }
        guard (try? Lettering("a", width: 100)) != nil, Lettering.missingLetters(in: "aW.").isEmpty else {
            return (false, "the contact sheet has no captions, because this box has no fonts (try fonts-dejavu-core)")
        }
        let missing = Lettering.missingLetters(in: captions)
        guard !missing.isEmpty else { return (true, nil) }
        let some = missing.prefix(8).map(String.init).joined(separator: " ")
        return (true, "no font here has the letters \(some) of the captions (try fonts-noto-cjk)")
    }

    /// The picture at the cell's size: whole multiples keep small pictures' pixels square.
    private func fitted(_ image: PixelImage) -> PixelImage {
        let longest = max(image.width, image.height)
        if longest <= cellSide { return image.enlarged(by: cellSide / longest) }
        let target = PixelSize(
            width: max(1, image.width * cellSide / longest), height: max(1, image.height * cellSide / longest))
        return image.resized(to: target)
    }
}

extension PixelImage {
    /// Every pixel becomes a square of `factor` pixels a side.
    package func enlarged(by factor: Int) -> PixelImage {
        if factor == 1 { return self }
        var samples: [UInt8] = []
        samples.reserveCapacity(self.samples.count * factor * factor)
        for y in 0..<height {
            var row: [UInt8] = []
            for x in 0..<width {
                for _ in 0..<factor { row += self[x, y] }
            }
            for _ in 0..<factor { samples += row }
        }
        return PixelImage(size: PixelSize(width: width * factor, height: height * factor), samples: samples)
    }
}
