package import Foundation
package import Wire

/// The owner of weights, moments, learning rate, commit decision and files.
///
/// Used from one thread.
package protocol Master: AnyObject {
    /// Floats in a gradient, and in the weights.
    var parameterCount: Int { get }
    /// A hash of names and shapes in the flat buffers, compared when joining.
    var shapeTableHash: String { get }
    /// Steps applied so far; the next step to do has this number.
    var step: Int { get }
    var totalSteps: Int { get }
    /// S of a step; where ``slotsPerWorker`` is not nil, the most that it may have.
    func slotCount(of step: Int) -> Int
    /// Slots that each worker adds to a step, where the batch grows with the world; nil where who is in changes nothing.
    var slotsPerWorker: Int? { get }
    /// What a learner adds to the number of a slot in `step`: 0 where it finds its samples by the step's number.
    func firstSlot(of step: Int) -> Int
    /// What losses are multiplied by before gradients are taken; 1 where fp16 does not need it.
    var lossScale: Float { get }
    func withWeights<Result>(_ body: (UnsafeBufferPointer<Float>) throws -> Result) rethrows -> Result

    /// Why the run must hold still until ``save()`` works: files of the last step could not be written.
    var unsaved: String? { get }

    /// One optimizer step; may save files, and says in ``unsaved`` if it cannot.
    ///
    /// - Parameter sum: Σ w·∇loss over `contribution.samples` samples, times ``lossScale``; may be overwritten.
    ///   Zeros when every slot was left out.
    func apply(_ sum: UnsafeMutableBufferPointer<Float>, _ contribution: StepContribution) throws -> StepVerdict

    /// Whether it can tell of the next step, of each part of its sum, which weights that will lead to where nothing
    /// unusual happens.
    var canForesee: Bool { get }
    /// Begins to foresee the next step; what was foreseen before is wanted no more.
    func beginForesight() throws
    /// Works out weights that the step being done will most likely lead to, before it is decided; nothing is changed by it.
    ///
    /// Whether it was right is seen when the step is applied: what it says need only be right as a rule.
    ///
    /// - Parameters:
    ///   - sum: as for ``apply(_:_:)``; only what was named since ``beginForesight()`` is there.
    ///   - range: of it, what has come now.
    ///   - weights: as many.
    /// - Returns: which of `weights` it has written, each once; the others follow with what comes next.
    func foresee(
        _ sum: UnsafeBufferPointer<Float>, _ range: Range<Int>, into weights: UnsafeMutableBufferPointer<Float>
    ) throws -> [Range<Int>]

    /// Saves the state as it is now, and what else is due.
    func save() throws

    /// What pictures are due with the weights as they are now, each for the program alone to read; asked once after each
    /// step, and before the first.
    func picturesDue() -> [Data]
    /// What pictures of earlier steps an earlier life of the run left unmade, where their weights can still be had; asked
    /// once, before the first step.
    func picturesMissed() -> [MissedPictures]
    /// Keeps a picture of the weights after so many steps.
    ///
    /// - Parameter index: which of those that were due, from 0.
    func keep(picture: [UInt8], step: Int, index: Int) throws

    /// What measures the validation losses of the weights as they are now, where they are due; asked right after
    /// ``picturesDue()``.
    func validationDue() -> Data?
    /// Keeps the losses that a learner measured after so many steps.
    ///
    /// - Returns: their mean.
    func keep(validation: [UInt8], step: Int) throws -> Double
}

extension Master {
    package var unsaved: String? { nil }
    package var slotsPerWorker: Int? { nil }
    package var canForesee: Bool { false }
    package func beginForesight() throws {}
    package func foresee(
        _ sum: UnsafeBufferPointer<Float>, _ range: Range<Int>, into weights: UnsafeMutableBufferPointer<Float>
    ) throws -> [Range<Int>] { [] }
    package func picturesDue() -> [Data] { [] }
    package func picturesMissed() -> [MissedPictures] { [] }
    package func keep(picture: [UInt8], step: Int, index: Int) throws {}
    package func validationDue() -> Data? { nil }
    package func keep(validation: [UInt8], step: Int) throws -> Double { throw ValidatesNothing() }
    package func firstSlot(of step: Int) -> Int { 0 }
}

/// Pictures that were due and have not been made.
package struct MissedPictures: Equatable, Sendable {
    /// How many steps had been done.
    package var step: Int
    /// Those that the pictures are to show.
    package var weights: [Float]
    /// As ``Master/picturesDue()`` gave them.
    package var requests: [Data]

    package init(step: Int, weights: [Float], requests: [Data]) {
        self.step = step
        self.weights = weights
        self.requests = requests
    }
}

/// What became of a step's gradients.
package enum StepVerdict: Equatable, Sendable {
    /// The step is done, once and for all.
    case committed
    /// Nothing has changed but the loss scale: the same step again.
    case repeated(reason: String)
    /// The weights are those of an earlier step again: ``Master/step`` says which.
    case rolledBack(reason: String)
    /// The run cannot go on; what the user should do.
    case stopped(advice: String)
}

/// All that a step's slots said, and who computed them.
package struct StepContribution: Equatable, Sendable {
    /// A worker's part in a step.
    package struct Share: Equatable, Sendable {
        package var worker: WorkerID
        package var name: String
        package var slots: Int
        package var samples: Int
        package var times: Times
        /// Time the worker spent on computing them.
        package var seconds: Double { times.compute }
    }

    /// Where a worker's step went, in seconds; together they are ``StepContribution/seconds``.
    package struct Times: Equatable, Sendable {
        /// Until the worker held the weights.
        package var broadcast: Double
        package var compute: Double
        /// Until the last of its sums was in, beyond what passed while it computed.
        package var send: Double
        /// Until the others were done too.
        package var wait: Double
    }

    /// Workers that could compute when it began.
    package var workers: Int
    package var step: Int
    /// Which try of a step this is, counted over the run of the coordinator.
    package var round: UInt32
    /// Of the slots in the sum, in order.
    package var outcomes: [SlotOutcome]
    /// Whose sum each of them came with.
    package var contributors: [WorkerID]
    /// Of slots that were not finite, twice; the sum is without them.
    package var leftOut: [SlotOutcome]
    /// From the first lease to the last sum.
    package var seconds: Double
    package var shares: [Share]
    /// Whether the sums were added up among the workers.
    package var isSharded = false
    /// Time the coordinator spent on adding up; most of it while sums were still coming in.
    package var reduceSeconds = 0.0
    /// From the complete sum to weights that are ready to be sent; 0 while it is not known.
    package var optimizerSeconds = 0.0

    package init(
        workers: Int = 1, step: Int, round: UInt32, outcomes: [SlotOutcome], contributors: [WorkerID] = [],
        leftOut: [SlotOutcome], seconds: Double, shares: [Share]
    ) {
        self.workers = workers
        self.step = step
        self.round = round
        self.outcomes = outcomes
        self.contributors = contributors
        self.leftOut = leftOut
        self.seconds = seconds
        self.shares = shares
    }

    /// What the sum is divided by.
    package var samples: Int { outcomes.reduce(0) { $0 + $1.samples } }
    /// What the cluster cost: the whole step less what the busiest worker spent on computing.
    package var overheadSeconds: Double {
        seconds + optimizerSeconds - (shares.map(\.times.compute).max() ?? 0)
    }

    /// The mean over samples of the weighted loss.
    package var loss: Double { outcomes.reduce(0) { $0 + $1.loss } / Double(max(1, samples)) }
}
