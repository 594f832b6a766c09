/// Everything a worker may say to the coordinator.
package enum WorkerMessage: Codable, Equatable, Sendable {
    /// "I am here and would like to train."
    case join(Application)
    /// "This is how I am." Said every second, and at once when something has changed.
    case ping(Status)
    /// "You now have the whole sum over these slots, and this is what they said." Comes on the bulk connection, after it.
    ///
    /// Where the parts of sums go to other workers, it comes on the control connection, ahead of them.
    case sum(SlotSum)
    /// "My shard of the step's sum is there, and this is how long what I added up was."
    case measured(Measurement)
    /// "This slot has a number that is not finite; I left it out of my sums."
    case notFinite(lease: UInt64, round: UInt32, outcome: SlotOutcome)
    /// "I am about to leave: of what I was asked for in this round I bring these slots, and no others."
    case handBack(round: UInt32, keeping: [Range<Int>])
    /// "Here is a piece of the picture that you asked for."
    case painted(PicturePiece)
    /// "I cannot make this picture."
    case notPainted(number: UInt64, reason: String)
    /// "I cannot go on."
    case failed(reason: String)
    /// "I am leaving on purpose; do not wait for me."
    case leave
    /// "I do not join; who are you?"
    case inquire(Inquiry)
}

/// Who asks to join, and what with.
package struct Application: Codable, Equatable, Sendable {
    /// What people call the worker, for example its host and process.
    package var name: String
    /// A random number that tells two processes of one name apart.
    package var instance: UInt64
    package var protocolVersion: UInt16
    package var software: String
    package var libtorch: String
    /// libtorch, instruction set or GPU model, threads and deterministic mode: equal classes compute equal bits.
    package var exactnessClass: String
    package var cores: Int
    package var memoryBytes: UInt64
    /// What it computes on, for people: `cpu`, `cuda:0`; nil where it does not say.
    package var device: String?
    /// Where other workers reach this one, `tcp://HOST:PORT`; nil where they cannot.
    package var dataAddress: String?
    /// The public key (Z85) that it proves to other workers; nil where nothing is encrypted.
    package var dataKey: String?

    package init(
        name: String, instance: UInt64, protocolVersion: UInt16 = Header.protocolVersion, software: String,
        libtorch: String, exactnessClass: String, cores: Int, memoryBytes: UInt64
    ) {
        self.name = name
        self.instance = instance
        self.protocolVersion = protocolVersion
        self.software = software
        self.libtorch = libtorch
        self.exactnessClass = exactnessClass
        self.cores = cores
        self.memoryBytes = memoryBytes
    }
}

/// How a worker is, whole: a lost message is made good by the next ping.
package struct Status: Codable, Equatable, Sendable {
    /// A trained thing's shape, known once the learner is made.
    package struct Shape: Codable, Equatable, Sendable {
        package var parameterCount: Int
        package var tableHash: String

        package init(parameterCount: Int, tableHash: String) {
            self.parameterCount = parameterCount
            self.tableHash = tableHash
        }
    }

    /// Weights that came in whole, and what they were.
    package struct Holding: Codable, Equatable, Sendable {
        /// The number under which the coordinator sent them.
        package var delivery: UInt32
        package var checksum: UInt64

        package init(delivery: UInt32, checksum: UInt64) {
            self.delivery = delivery
            self.checksum = checksum
        }
    }

    /// Memory of whatever the worker computes on, in bytes.
    package struct Memory: Codable, Equatable, Sendable {
        /// By this process where that can be told, else by all.
        package var used: UInt64
        package var total: UInt64

        package init(used: UInt64, total: UInt64) {
            self.used = used
            self.total = total
        }
    }

    /// Counts pings; the answer carries it back.
    package var number: UInt64 = 0
    /// Grows as long as the learner gets on, however slowly.
    package var progress: UInt64 = 0
    /// The slot being computed; nil while none is.
    package var slot: Int?
    /// nil while the learner is being made.
    package var shape: Shape?
    /// The weights that the learner holds.
    package var holding: Holding?
    /// Leases not wholly delivered; none is idle.
    package var leases: [UInt64] = []
    /// Numbers of the workers whose data port has answered.
    package var reached: [UInt32]?
    /// The task of the picture that it makes.
    package var painting: UInt64?
    /// nil where it cannot be told.
    package var memory: Memory?

    package init() {}
}

/// One sum that has been sent in chunks.
package struct SlotSum: Codable, Equatable, Sendable {
    /// What it was asked for with.
    package var lease: UInt64
    package var round: UInt32
    /// The checksum of the weights that it was computed with, as they were in memory afterwards.
    package var weights: UInt64
    /// What the losses were multiplied by.
    package var lossScale: Float
    /// From `first`, up to and without `end`: a whole subtree of the slot tree.
    package var first: Int
    package var end: Int
    /// Of each slot in it, in order.
    package var outcomes: [SlotOutcome]
    /// Time spent on computing them.
    package var seconds: Double
    /// √Σ x² of the sum, named where the coordinator cannot see for itself.
    package var norm: Double?

    package init(of lease: Lease, slots: Range<Int>, weights: UInt64, outcomes: [SlotOutcome], seconds: Double) {
        self.lease = lease.number
        round = lease.round
        self.weights = weights
        lossScale = lease.lossScale
        first = slots.lowerBound
        end = slots.upperBound
        self.outcomes = outcomes
        self.seconds = seconds
    }

    /// nil when the bounds make no range.
    package var slots: Range<Int>? { 0 <= first && first < end ? first..<end : nil }
}
