import ContentStore
import Coordination
import Foundation
import Wire

/// Pictures in the simulated cluster: made in no time of the slots', lost and asked for again like everything else.
extension Simulation {
    /// Larger than one piece.
    private static let file = [UInt8](repeating: 7, count: PicturePiece.limit + 100)

    /// What is due after a step.
    func pictures() -> PictureOrder {
        PictureOrder(
            step: step, weights: Content(of: [UInt8(truncatingIfNeeded: step)]), requests: [Data([1]), Data([2])],
            validation: step % 2 == 0 ? Data() : nil, isLast: step == world.steps)
    }

    mutating func paint(_ task: PictureTask, at index: Int, life: Int) {
        let seconds = Double.random(in: 0.2...4, using: &random)
        let event: Worker.Event =
            Double.random(in: 0..<1, using: &random) < 0.1 && !isCalm
            ? .notPainted(number: task.number, reason: "no memory") : .painted(number: task.number, Self.file)
        queue.put(.workerEvent(index, event, life: life), at: now + seconds)
    }

    /// A picture is kept once in a life of the coordinator, whole, and of a step that has been done.
    mutating func upholdPicture(_ task: PictureTask, _ file: [UInt8]) {
        if file != Self.file { violations.append("I7: a picture is not what was sent") }
        if task.step > step { violations.append("I7: a picture of step \(task.step) at step \(step)") }
        let name = "\(coordinatorLife).\(task.step).\(task.kind).\(task.index)"
        if !pictureNames.insert(name).inserted { violations.append("I7: picture \(name) was kept twice") }
    }
}
