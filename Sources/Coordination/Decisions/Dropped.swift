extension Coordinator {
    /// Messages that were dropped and sums that were refused, and why.
    package struct Dropped: Codable, Equatable, Sendable {
        /// Of an earlier round, or of an earlier life of its sender.
        package var stale = 0
        /// Had come already.
        package var duplicate = 0
        /// No message of ours, or nothing that its sender was asked for.
        package var malformed = 0
        /// Changed on the way: a checksum says so.
        package var corrupt = 0
        /// Computed with other weights than the round's.
        package var otherWeights = 0
        /// Sums that hold a NaN or an infinity, although their sender found none.
        package var notFinite = 0
        /// Sums far larger than their own slots say, or than others of late.
        package var absurd = 0
        /// Sent with a key that is not that of the worker they name.
        package var foreign = 0

        package init(stale: Int = 0, duplicate: Int = 0, malformed: Int = 0, corrupt: Int = 0) {
            self.stale = stale
            self.duplicate = duplicate
            self.malformed = malformed
            self.corrupt = corrupt
        }

        package static func + (a: Self, b: Self) -> Self {
            var sum = a
            sum.stale += b.stale
            sum.duplicate += b.duplicate
            sum.malformed += b.malformed
            sum.corrupt += b.corrupt
            sum.otherWeights += b.otherWeights
            sum.notFinite += b.notFinite
            sum.absurd += b.absurd
            sum.foreign += b.foreign
            return sum
        }
    }
}
