/// How a run stands at one instant: what the terminal's view shows, and what `danlu status --json` prints.
///
/// The JSON is for scripts, and stays as it is: names in snake_case; a key that is not known yet is left out; later
/// versions may add keys, and raise ``schema`` only when one changes its meaning or goes.
package struct Standing: Codable, Equatable, Sendable {
    /// One worker.
    package struct Worker: Codable, Equatable, Sendable {
        package enum State: String, Codable, CaseIterable, Sendable {
            case loading, connecting
            case gettingWeights = "getting_weights"
            case computing
            /// Makes a picture, or measures the validation loss, and computes no slot meanwhile.
            case painting, validating
            case idle, leaving
            /// Nothing has been heard of it for a while; it gets no new slots.
            case silent
        }

        /// Seconds of the step before.
        package struct Split: Codable, Equatable, Sendable {
            package var compute: Double
            package var communicate: Double
            /// The two parts of that: until it held the weights, and until its last sum had arrived.
            package var broadcast: Double?
            package var send: Double?
            /// For the other workers.
            package var wait: Double

            /// All of them together.
            var seconds: Double { compute + communicate + wait }

            /// - Parameter broadcast: the part of `communicate` until it held the weights.
            package init(compute: Double, communicate: Double, wait: Double, broadcast: Double? = nil) {
                self.compute = compute
                self.communicate = communicate
                self.broadcast = broadcast
                send = broadcast.map { communicate - $0 }
                self.wait = wait
            }
        }

        /// The same for the same name, as long as a coordinator runs.
        package var number: Int
        package var name: String
        /// `cpu`, `cuda:0`.
        package var device: String?
        package var state: State
        /// Of the slots of the step before, 0 to 1.
        package var share: Double?
        package var imagesPerSecond: Double?
        package var split: Split?
        /// Seconds since anything was heard of it.
        package var lastSeen: Double
        /// Bytes in use: of its process on a CPU, of the whole device on a GPU.
        package var memory: Int?
        /// Bytes that there are.
        package var memoryTotal: Int?
        /// Slots that it has been asked for and has not brought.
        package var slotsMissing: Int
        /// The slot that it said last that it was computing.
        package var slot: Int?

        package init(
            number: Int, name: String, device: String? = nil, state: State, share: Double? = nil,
            imagesPerSecond: Double? = nil, split: Split? = nil, lastSeen: Double, memory: Int? = nil,
            memoryTotal: Int? = nil, slotsMissing: Int = 0, slot: Int? = nil
        ) {
            self.number = number
            self.name = name
            self.device = device
            self.state = state
            self.share = share
            self.imagesPerSecond = imagesPerSecond
            self.split = split
            self.lastSeen = lastSeen
            self.memory = memory
            self.memoryTotal = memoryTotal
            self.slotsMissing = slotsMissing
            self.slot = slot
        }
    }

    /// Somebody who may not come back yet.
    package struct KeptOut: Codable, Equatable, Sendable {
        package var name: String
        /// Until it may.
        package var seconds: Double
        package var reason: String

        package init(name: String, seconds: Double, reason: String) {
            self.name = name
            self.seconds = seconds
            self.reason = reason
        }
    }

    /// Something that happened.
    package struct Event: Codable, Equatable, Sendable {
        /// Seconds since 1970, by the coordinator's clock.
        package var time: Double
        package var sentence: String

        package init(time: Double, sentence: String) {
            self.time = time
            self.sentence = sentence
        }
    }

    package var schema = 1
    /// `waiting`, `computing`, `applying`, `pausing`, `paused`, `finishingPictures`, `stopping` or `over`.
    package var state: String
    /// What is happening, and whom it waits for.
    package var sentence: String
    /// The same with one worker named at most.
    package var brief: String
    /// Steps done; the one that is under way has this number.
    package var step: Int
    package var totalSteps: Int
    /// From 1.
    package var epoch: Int?
    package var epochs: Int?
    /// The step's, and how many of them are in.
    package var slots: Int
    package var slotsDone: Int
    /// Of the step before.
    package var loss: Double?
    /// kohya's `avr_loss`.
    package var averageLoss: Double?
    /// The last one, on pictures that are held out.
    package var validationLoss: Double?
    /// By parameter group.
    package var learningRates: [String: Double] = [:]
    package var gradientNorm: Double?
    /// In samples.
    package var noiseScale: Double?
    package var effectiveBatch: Int?
    package var secondsPerStep: Double?
    package var imagesPerSecond: Double?
    package var secondsLeft: Double?
    /// The coordinator's part in the step before: adding up, most of it while sums were still coming in, and from the
    /// complete sum to weights that are ready to be sent.
    package var reduceSeconds: Double?
    package var optimizerSeconds: Double?
    /// Which start of the coordinator this is.
    package var incarnation: Int
    package var workers: [Worker] = []
    package var keptOut: [KeptOut] = []
    /// The last ones, oldest first.
    package var events: [Event] = []

    package init(
        state: String, sentence: String, brief: String? = nil, step: Int, totalSteps: Int, slots: Int, slotsDone: Int,
        incarnation: Int
    ) {
        self.state = state
        self.sentence = sentence
        self.brief = brief ?? sentence
        self.step = step
        self.totalSteps = totalSteps
        self.slots = slots
        self.slotsDone = slotsDone
        self.incarnation = incarnation
    }
}
