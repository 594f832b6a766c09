/// One frozen layer and the size of the low-rank change that is trained beside it.
package struct AdaptedLayer: Codable, Equatable, Hashable, Sendable {
    package let part: AdaptedPart
    /// Its place in the part's tree of names: `down_blocks.0.attentions.0.proj_in`.
    package let path: String
    /// Its frozen weight's: `[outputs, inputs]`, or `[outputs, inputs, kernel, kernel]`.
    package let shape: [Int]
    /// The inner dimension of the change, kohya's `network_dim`.
    package let rank: Int
    /// α, the numerator of the change's scale.
    package let alpha: Double

    /// - Parameter alpha: 0 means `rank`, as in kohya's scripts.
    package init(part: AdaptedPart, path: String, shape: [Int], rank: Int, alpha: Double) {
        self.part = part
        self.path = path
        self.shape = shape
        self.rank = rank
        self.alpha = alpha == 0 ? Double(rank) : alpha
    }

    /// What its keys in a LoRA file begin with.
    package var key: String { part.key(of: path) }

    /// `α / rank`.
    package var scale: Double { alpha / Double(rank) }

    /// The shape of A: `[rank, inputs]`, or `[rank, inputs, kernel, kernel]`.
    package var downShape: [Int] { [rank] + shape.dropFirst() }

    /// The shape of B: `[outputs, rank]`, or `[outputs, rank, 1, 1]`.
    package var upShape: [Int] { [shape[0], rank] + shape.dropFirst(2).map { _ in 1 } }

    /// How many numbers one output of A reads: what its first values are scaled by.
    package var fanIn: Int { shape.dropFirst().reduce(1, *) }

    /// The numbers in A and B.
    package var parameterCount: Int { rank * (fanIn + shape[0]) }
}
