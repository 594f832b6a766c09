/// How much of a source sample one target sample covers.
private struct Coverage {
    let source: Int
    let target: Int
    /// The share of the target sample, in (0, 1].
    let share: Float

    /// The coverage along one side, in rising order of target and source.
    ///
    /// A cell of the target is `source / target` samples long; slivers below a thousandth of a sample are left out, as
    /// OpenCV's `computeResizeAreaTab` does.
    static func along(source: Int, target: Int) -> [Coverage] {
        let scale = Double(source) / Double(target)
        var table: [Coverage] = []
        for index in 0..<target {
            let start = Double(index) * scale
            let end = start + scale
            let length = min(scale, Double(source) - start)
            let last = min(Int(end.rounded(.down)), source - 1)
            let first = min(Int(start.rounded(.up)), last)

            if Double(first) - start > 1e-3 {
                table.append(
                    Coverage(source: first - 1, target: index, share: Float((Double(first) - start) / length)))
            }
            for whole in first..<last {
                table.append(Coverage(source: whole, target: index, share: Float(1 / length)))
            }
            if end - Double(last) > 1e-3 {
                let part = min(min(end - Double(last), 1), length)
                table.append(Coverage(source: last, target: index, share: Float(part / length)))
            }
        }
        return table
    }
}

extension PixelImage {
    /// Every target pixel is the mean of the source pixels that it covers, weighted by how far it covers them.
    ///
    /// OpenCV's `resize(…, INTER_AREA)` for sides that do not grow, in single precision and rounded half to even.
    ///
    /// - Precondition: neither side of `target` is longer than the picture's.
    func averagedByArea(to target: PixelSize) -> PixelImage {
        if width % target.width == 0 && height % target.height == 0 {
            return averagedByWholeBlocks(to: target)
        }
        let columns = Coverage.along(source: width, target: target.width)
        let rows = Coverage.along(source: height, target: target.height)
        let rowSamples = target.width * 3
        var result = [UInt8](repeating: 0, count: target.height * rowSamples)
        var across = [Float](repeating: 0, count: rowSamples)
        var sum = [Float](repeating: 0, count: rowSamples)
        var averagedRow = -1

        for (position, row) in rows.enumerated() {
            if row.source != averagedRow {
                averageRow(row.source, by: columns, into: &across)
                averagedRow = row.source
            }
            sum.withUnsafeMutableBufferPointer { sum in
                across.withUnsafeBufferPointer { across in
                    for sample in 0..<rowSamples { sum[sample] += row.share * across[sample] }
                }
            }
            if position + 1 == rows.count || rows[position + 1].target != row.target {
                for sample in 0..<rowSamples {
                    result[row.target * rowSamples + sample] = nearestLevel(sum[sample])
                    sum[sample] = 0
                }
            }
        }
        return PixelImage(size: target, samples: result)
    }

    private func averageRow(_ row: Int, by columns: [Coverage], into result: inout [Float]) {
        let first = row * width * 3
        samples.withUnsafeBufferPointer { samples in
            result.withUnsafeMutableBufferPointer { result in
                for sample in result.indices { result[sample] = 0 }
                for column in columns {
                    let source = first + column.source * 3
                    let target = column.target * 3
                    for channel in 0..<3 {
                        result[target + channel] += Float(samples[source + channel]) * column.share
                    }
                }
            }
        }
    }

    /// Where both sides shrink by whole numbers OpenCV adds integers, and rounds a block of 2×2 half up.
    private func averagedByWholeBlocks(to target: PixelSize) -> PixelImage {
        let block = PixelSize(width: width / target.width, height: height / target.height)
        let area = block.width * block.height
        let isTwoByTwo = block == PixelSize(width: 2, height: 2)
        let share = 1 / Float(area)
        var result = [UInt8](repeating: 0, count: target.width * target.height * 3)
        samples.withUnsafeBufferPointer { samples in
            for y in 0..<target.height {
                for x in 0..<target.width {
                    for channel in 0..<3 {
                        var sum = 0
                        for row in 0..<block.height {
                            var source = ((y * block.height + row) * width + x * block.width) * 3 + channel
                            for _ in 0..<block.width {
                                sum += Int(samples[source])
                                source += 3
                            }
                        }
                        result[(y * target.width + x) * 3 + channel] =
                            isTwoByTwo ? UInt8((sum + 2) >> 2) : nearestLevel(Float(sum) * share)
                    }
                }
            }
        }
        return PixelImage(size: target, samples: result)
    }
}

/// The nearest 8-bit level of a mean, halves to the even one.
private func nearestLevel(_ mean: Float) -> UInt8 {
    UInt8(min(mean.rounded(.toNearestOrEven), 255))
}
