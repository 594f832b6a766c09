import Journal

/// Some series over the same steps, with one scale: what becomes a picture, or a line of blocks.
struct Curve: Equatable {
    /// A line of it.
    struct Line: Equatable {
        var name: String
        var points: [JournalReader.Point]
        /// Whether the least and most of the steps that a point stands for are shown too.
        var hasRange = false
    }

    var title: String
    /// What the numbers are, in a few words.
    var caption: String
    var lines: [Line]
    /// Whether the scale is one of powers of ten; for what varies over several of them.
    var isLogarithmic = false
    /// Whether 0 is on it, whatever the numbers are.
    var hasZero = false
    /// Whether it is the one that is looked at first.
    var isMain = false

    /// Lines that have points.
    var known: [Line] { lines.filter { !$0.points.isEmpty } }
}
