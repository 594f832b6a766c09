extension PixelImage {
    /// The picture at another size, by the filter that kohya's scripts choose for it: area averaging where neither side
    /// grows, else Lanczos.
    ///
    /// `library/utils.py`, `resize_image`: OpenCV's `INTER_AREA` and Pillow's `LANCZOS`, both met level for level.
    ///
    /// - Precondition: `target` has at least one pixel.
    package func resized(to target: PixelSize) -> PixelImage {
        precondition(target.width > 0 && target.height > 0)
        if target == size { return self }
        return target.width <= width && target.height <= height
            ? averagedByArea(to: target) : resampledByLanczos(to: target)
    }
}
