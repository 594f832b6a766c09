import Images
package import Recipe

extension Manifest {
    /// What was found, as a table for the user: folders, buckets, and captions that are too long.
    ///
    /// - Parameters:
    ///   - data: with its folders listed, as the manifest was made from it.
    ///   - tokenLimit: `max_token_length`.
    ///   - tokenCount: how many tokens a caption has, without those that begin and end it.
    package func table(
        _ data: TrainingData, tokenLimit: Int, tokenCount: (String) throws -> Int
    ) rethrows -> String {
        let long = try tooLong(data, limit: tokenLimit, tokenCount: tokenCount)
        return (folderRows.aligned() + [bucketLine, long]).joined(separator: "\n")
    }

    private var folderRows: [[String]] {
        [["folder", "pictures", "captions", "repeats", "samples/epoch"]]
            + folders.map { folder in
                let own = pictures.filter { $0.dataset == folder.dataset && $0.subset == folder.subset }
                let fewest = own.map(\.repeats).min() ?? 0
                let most = own.map(\.repeats).max() ?? 0
                return [
                    folder.path + (folder.isRegularization ? " (regularization)" : ""),
                    shown(own.count, of: folder),
                    "\(folder.captions) of \(folder.pictures)",
                    fewest == most ? "\(most)" : "\(fewest)–\(most)",
                    "\(own.reduce(0) { $0 + $1.repeats })",
                ]
            }
    }

    private func shown(_ count: Int, of folder: Folder) -> String {
        let validation = heldOut.count { $0.dataset == folder.dataset && $0.subset == folder.subset }
        if validation > 0 { return "\(count) + \(validation) held out" }
        return count == folder.pictures ? "\(count)" : "\(count) of \(folder.pictures)"
    }

    private var bucketLine: String {
        var samples: [[Int]: Int] = [:]
        for picture in pictures {
            samples[[picture.dataset, picture.bucket.width, picture.bucket.height], default: 0] += picture.repeats
        }
        let buckets = samples.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map { "\($0.key[1])×\($0.key[2]): \($0.value)" }
        return
            "\(buckets.count) bucket\(buckets.count == 1 ? "" : "s"), samples/epoch: \(buckets.joined(separator: ", "))"
    }

    private func tooLong(
        _ data: TrainingData, limit: Int, tokenCount: (String) throws -> Int
    ) rethrows -> String {
        let counted = try pictures.map { picture in
            let subset = data.datasets[picture.dataset].subsets[picture.subset]
            return (picture, try tokenCount(subset.wholeCaption(picture.caption)))
        }
        let long = counted.filter { $0.1 > limit }
        guard !long.isEmpty else { return "no caption has more than \(limit) tokens" }
        let some = long.prefix(3).map { "\($0.0.name) (\($0.1))" }.joined(separator: ", ")
        return "\(long.count) of \(pictures.count) captions have more than \(limit) tokens and lose the rest: \(some)"
            + (long.count > 3 ? ", …" : "") + "; shorten them or raise max_token_length"
    }
}

extension [[String]] {
    /// Rows with the first column to the left and the others to the right.
    fileprivate func aligned() -> [String] {
        let widths = (first ?? []).indices.map { column in map { $0[column].terminalWidth }.max() ?? 0 }
        return map { row in
            row.indices.map { column in
                let blanks = String(repeating: " ", count: widths[column] - row[column].terminalWidth)
                return column == 0 ? row[column] + blanks : blanks + row[column]
            }.joined(separator: "  ")
        }
    }
}

extension String {
    /// Columns on a terminal, where East Asian letters take two.
    fileprivate var terminalWidth: Int {
        unicodeScalars.reduce(0) { width, scalar in
            switch scalar.value {
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
                0x1F300...0x1FAFF, 0x20000...0x3FFFD:
                width + 2
            default:
                width + (scalar.properties.canonicalCombiningClass == .notReordered ? 1 : 0)
            }
        }
    }
}
