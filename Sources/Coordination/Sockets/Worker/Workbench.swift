import Synchronization
import Wire
import ZeroMQ

/// Where a worker's two threads meet: one talks, one learns.
final class Workbench: Sendable {
    /// What the learner's thread is asked to do.
    ///
    /// A job whose epoch has passed is not begun.
    enum Job: Sendable {
        case make(Welcome, ContentLine)
        case use(FlatFloats, step: Int, Status.Holding)
        case compute(Lease, epoch: UInt64)
        case paint(PictureTask)
        case quit
    }

    /// What it says of it.
    enum Report: Sendable {
        case made(Status.Shape)
        case took(Status.Holding)
        /// A range of the sum over these slots, which is being made in this memory, is as it will stay.
        case grown(Lease, slots: Range<Int>, FlatFloats, Range<Int>, epoch: UInt64)
        /// The sum's norm is named in it.
        case sum(SlotSum, FlatFloats, step: Int, epoch: UInt64)
        case notFinite(lease: UInt64, round: UInt32, SlotOutcome, epoch: UInt64)
        case computed(lease: UInt64, epoch: UInt64)
        case painted(number: UInt64, [UInt8])
        case notPainted(number: UInt64, reason: String)
        case failed(reason: String)
        /// Content is wanted; this is the request's number.
        case wanted(UInt32, ContentRequest)
    }

    let jobs: Mailbox<Job>
    let reports: Mailbox<Report>
    /// Grows with everything that the learner gets done.
    let progress = Atomic<UInt64>(0)
    /// The slot being computed; -1 while none is.
    let slot = Atomic<Int>(-1)
    /// The task of the picture that is wanted; 0 while none is.
    let painting = Atomic<UInt64>(0)
    /// No slot after the one in hand is begun.
    let isLastSlot = Atomic<Bool>(false)
    /// Leases of an earlier epoch are given up between two slots.
    let epoch = Atomic<UInt64>(0)

    init() throws {
        jobs = try Mailbox()
        reports = try Mailbox()
    }

    func isCurrent(_ epoch: UInt64) -> Bool { self.epoch.load(ordering: .acquiring) == epoch }

    func giveUp() { epoch.wrappingAdd(1, ordering: .acquiringAndReleasing) }
}
