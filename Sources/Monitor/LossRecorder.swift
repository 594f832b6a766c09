/// kohya's `avr_loss`: the mean loss over the last full epoch's slots, each counted once.
///
/// `TU.LossRecorder`: in the first epoch losses are appended; later the loss of a slot replaces the one that the same
/// place of the epoch before had. It can be saved and restored, so a resumed run does not start from 0.
package struct LossRecorder: Codable, Equatable, Sendable {
    private var losses: [Double] = []
    private var total = 0.0

    package init() {}

    /// Notes the loss of one slot (micro-step).
    ///
    /// A loss that is not finite is left out: its samples do not enter the step either.
    ///
    /// - Parameters:
    ///   - epoch: from 0.
    ///   - slot: the slot's place in its epoch, from 0: ``TrainingPlan/firstSlot(of:)`` plus its place in the step.
    ///   - loss: the mean over the slot's samples.
    package mutating func add(epoch: Int, slot: Int, loss: Double) {
        guard loss.isFinite, slot >= 0 else { return }
        if epoch == 0 {
            losses.append(loss)
        } else {
            if losses.count <= slot {
                losses += [Double](repeating: 0, count: slot + 1 - losses.count)
            }
            total -= losses[slot]
            losses[slot] = loss
        }
        total += loss
    }

    /// `avr_loss`; 0 before the first loss.
    package var average: Double { losses.isEmpty ? 0 : total / Double(losses.count) }
}
