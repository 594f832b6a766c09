/// A part of the flat gradient, and who adds it up.
package struct Shard: Codable, Equatable, Sendable {
    /// Chunks of the flat gradient, from `first` up to and without `end`.
    package var first: UInt32
    package var end: UInt32
    /// The number of the worker that adds it up; nobody's is added up by the coordinator, since its owner is gone.
    package var owner: UInt32

    package init(chunks: Range<UInt32>, owner: WorkerID) {
        first = chunks.lowerBound
        end = chunks.upperBound
        self.owner = owner.number
    }

    /// nil when the bounds make no range.
    package var chunks: Range<UInt32>? { first < end ? first..<end : nil }
}

/// A worker that others may meet, as the coordinator vouches for it.
package struct PeerAddress: Codable, Equatable, Sendable {
    package var worker: UInt32
    /// Of its messages' stamp.
    package var incarnation: UInt64
    /// `tcp://HOST:PORT` of its data port; nil where it has none.
    package var address: String?
    /// The public key (Z85) that it proves to others, and they to it; nil where nothing is encrypted.
    package var key: String?

    package init(worker: WorkerID, incarnation: UInt64, address: String?, key: String? = nil) {
        self.worker = worker.number
        self.incarnation = incarnation
        self.address = address
        self.key = key
    }
}

/// Which sums a step is made of: all there is to know for adding up a shard.
///
/// The first of a round says which sums are expected, before any of them is there, so that owners add up and send on what
/// comes while others still compute. Another one follows when the step turns out to be made of others.
package struct Reduction: Codable, Equatable, Sendable {
    /// The sum over a whole subtree, as one worker made it.
    package struct Term: Codable, Equatable, Sendable {
        package var worker: UInt32
        package var first: Int
        package var end: Int

        package init(worker: WorkerID, slots: Range<Int>) {
            self.worker = worker.number
            first = slots.lowerBound
            end = slots.upperBound
        }

        /// nil when the bounds make no range.
        package var slots: Range<Int>? { 0 <= first && first < end ? first..<end : nil }
    }

    package var round: UInt32
    /// Which of the round's reductions this is, from 1; of several the last is meant.
    package var number: UInt32
    package var step: Int
    package var slotCount: Int
    /// What the sums are multiplied by.
    package var lossScale: Float
    /// Slots in none of them are left out.
    package var terms: [Term]

    package init(
        round: UInt32, number: UInt32 = 1, step: Int, slotCount: Int, lossScale: Float, terms: [Term]
    ) {
        self.round = round
        self.number = number
        self.step = step
        self.slotCount = slotCount
        self.lossScale = lossScale
        self.terms = terms
    }
}

/// What the owner of a shard found in its shard of the sums that a step is made of.
package struct Measurement: Codable, Equatable, Sendable {
    package var round: UInt32
    /// Of the reduction that it answers.
    package var reduction: UInt32
    /// Σ x² over the shard's floats, of each of ``Reduction/terms`` in their order.
    package var squares: [Double]

    package init(round: UInt32, reduction: UInt32 = 1, squares: [Double]) {
        self.round = round
        self.reduction = reduction
        self.squares = squares
    }
}

extension Header {
    /// Chunks of the flat whole that a shard is: the first in the upper half of ``shard``, the end in the lower.
    package var part: Range<UInt32> {
        get {
            let (first, end) = (shard >> 16, shard & 0xFFFF)
            return first..<max(first, end)
        }
        set { shard = newValue.lowerBound << 16 | newValue.upperBound & 0xFFFF }
    }

    /// The most chunks of a whole that can be cut into shards.
    package static let mostChunksInShards = 0xFFFF
}
