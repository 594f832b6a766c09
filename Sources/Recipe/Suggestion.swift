/// The word that was probably meant.
package enum Suggestion {
    /// The nearest of `words`, or nil when none is near: at most one slip in three letters.
    package static func nearest(to word: String, in words: some Sequence<String>) -> String? {
        let word = Array(word.lowercased().utf8.prefix(64))
        let nearest = words.map { (distance: distance(word, Array($0.lowercased().utf8)), word: $0) }
            .min { ($0.distance, $0.word) < ($1.distance, $1.word) }
        guard let nearest, nearest.distance <= max(1, word.count / 3) else { return nil }
        return nearest.word
    }

    /// Letters to insert, remove, replace or swap with a neighbour (Damerau's distance, optimal string alignment).
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var best = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
                row.append(best)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
