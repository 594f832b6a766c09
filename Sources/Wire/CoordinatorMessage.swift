package import Foundation
package import Recipe

/// Everything the coordinator may say to a worker.
package enum CoordinatorMessage: Codable, Equatable, Sendable {
    /// "Come in."
    case welcome(Welcome)
    /// "Not like this."
    case refused(Refusal)
    /// "I have heard your ping of this number."
    case pong(number: UInt64)
    /// "Please compute these slots."
    case lease(Lease)
    /// "I do not know you any more. Join again."
    case rejoin(reason: String)
    /// "These others are in the run; meet those who have a data port."
    case peers([PeerAddress])
    /// "Add up your shard of the step from these sums, and send it to me."
    case reduce(Reduction)
    /// "Pass on your shard of the weights of this delivery to these workers, who, if so it is, all hold the weights before."
    case passOn(delivery: UInt32, to: [UInt32], asChange: Bool)
    /// "The weights of this delivery, which you have had before they were decided, are the step's."
    case stands(delivery: UInt32)
    /// "These are the round's shards now; of those that are nobody's, send me your parts of all your sums."
    case reshard(round: UInt32, shards: [Shard])
    /// "Send me all your sums of this round yourself."
    case resend(round: UInt32)
    /// "Please make a picture, or measure the validation losses, between slots or while you have none."
    case paint(PictureTask)
    /// "I have so many bytes of your picture." All of them, or more: it is done with.
    case paintedSoFar(number: UInt64, count: Int)
    /// "We are done here."
    case goodbye(finished: Bool, reason: String)
    /// "This is who I am."
    case answer(InquiryAnswer)
}

/// What a worker needs to begin.
package struct Welcome: Codable, Equatable, Sendable {
    /// The run, as the program wrote it down for its workers: for it alone to read.
    package var run: Data
    /// The port of the bulk connection, on the coordinator's host.
    package var bulkPort: UInt16
    /// Floats in a gradient.
    package var parameterCount: Int
    /// Bytes in a chunk, and chunks that may be under way to one receiver.
    package var chunkBytes: Int
    package var creditChunks: Int
    /// Threads to compute with; part of what makes a result exact.
    package var threads: Int
    /// How gradients are written, to the coordinator and to other workers.
    package var gradientFormat: GradientFormat
    /// How the change of weights is written where it is sent instead of them; fp32 is never.
    package var updateFormat: GradientFormat

    package init(
        run: Data, bulkPort: UInt16, parameterCount: Int, chunkBytes: Int, creditChunks: Int, threads: Int,
        gradientFormat: GradientFormat = .fp32, updateFormat: GradientFormat = .fp32
    ) {
        self.run = run
        self.bulkPort = bulkPort
        self.parameterCount = parameterCount
        self.chunkBytes = chunkBytes
        self.creditChunks = creditChunks
        self.threads = threads
        self.gradientFormat = gradientFormat
        self.updateFormat = updateFormat
    }
}

/// Why somebody may not join: the field, both values, and the fix.
package struct Refusal: Codable, Equatable, Sendable, CustomStringConvertible {
    package var field: String
    package var yours: String
    package var mine: String
    package var fix: String
    /// Whether asking again later can help.
    package var mayPass: Bool
    /// Seconds after which it can, if that is known.
    package var retryAfter: Double?

    package init(
        field: String, yours: String, mine: String, fix: String, mayPass: Bool = false, retryAfter: Double? = nil
    ) {
        self.field = field
        self.yours = yours
        self.mine = mine
        self.fix = fix
        self.mayPass = mayPass
        self.retryAfter = retryAfter
    }

    package var description: String { "the \(field) is \(yours) here and \(mine) at the coordinator: \(fix)" }
}

/// A contiguous range of slots that one worker is asked to compute.
package struct Lease: Codable, Equatable, Sendable {
    /// Counts leases; a worker's status names the one it is on.
    package var number: UInt64
    package var step: Int
    package var round: UInt32
    /// From `first`, up to and without `end`, of the step's `slotCount`.
    package var first: Int
    package var end: Int
    package var slotCount: Int
    package var lossScale: Float
    /// The checksum of the weights to compute with.
    package var weights: UInt64
    /// What the learner adds to a slot's number to find its samples.
    package var firstSlot: Int
    /// Where the parts of a sum go; nil when all of it goes to the coordinator.
    package var shards: [Shard]?
    /// Whether fp32 numbers go in fewer bytes from now on, see ``PackedFloats``.
    package var isPacking: Bool

    package init(
        number: UInt64, step: Int, round: UInt32, slots: Range<Int>, slotCount: Int, lossScale: Float, weights: UInt64,
        firstSlot: Int = 0, shards: [Shard]? = nil, isPacking: Bool = false
    ) {
        self.number = number
        self.step = step
        self.round = round
        first = slots.lowerBound
        end = slots.upperBound
        self.slotCount = slotCount
        self.lossScale = lossScale
        self.weights = weights
        self.firstSlot = firstSlot
        self.shards = shards
        self.isPacking = isPacking
    }

    /// nil when the bounds make no range within the step, or the step lies beyond what can be counted.
    package var slots: Range<Int>? {
        guard 0 <= first, first < end, end <= slotCount, 0 <= firstSlot, firstSlot <= .max - slotCount else {
            return nil
        }
        return first..<end
    }
}
