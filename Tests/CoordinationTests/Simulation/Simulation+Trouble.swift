@testable import Coordination
import Wire

/// What befalls machines, and what people ask for.
extension Simulation {
    /// What comes again and again until it is calm.
    enum Trouble: CaseIterable {
        case blow, partition, cut, flip, lie, absurdity, coordinatorCrash, order, fullDisk
    }

    mutating func putOff(_ trouble: Trouble) {
        let mean =
            switch trouble {
            case .blow: world.blows
            case .partition: world.partitions
            case .cut: world.isSharded ? world.cuts : 0
            case .flip: world.flips
            case .lie: world.isSharded ? world.lies : 0
            case .absurdity: world.absurdity
            case .coordinatorCrash: world.coordinatorCrashes
            case .order: world.orders
            case .fullDisk: world.fullDisks
            }
        if mean > 0 { queue.put(.trouble(trouble), at: now + mean * .random(in: 0.3...1.7, using: &random)) }
    }

    mutating func make(_ trouble: Trouble) {
        let index = Int.random(in: 0..<workers.count, using: &random)
        switch trouble {
        case .blow: strike(index)
        case .partition:
            let end = now + .random(in: 0.5...20, using: &random)
            if Bool.random(using: &random) { workers[index].unheardUntil = end } else { workers[index].deafUntil = end }
        case .cut:
            let other = Int.random(in: 0..<workers.count, using: &random)
            workers[index].cutFrom[other] = now + .random(in: 0.5...20, using: &random)
        case .lie: workers[index].lie = Lie.allCases.randomElement(using: &random)
        case .flip:
            guard workers[index].isAlive else { return }
            if Bool.random(using: &random) {
                workers[index].flipsSum = true
            } else if !workers[index].weightsOfLease.isEmpty {
                happened.insert(.flippedWeights)
                workers[index].weights.x *= 1.001
                workers[index].hasFlippedWeights = true
                for lease in workers[index].weightsOfLease.keys { workers[index].weightsOfLease[lease]?.x *= 1.001 }
            }
        case .absurdity:
            // Without norms of late to compare with, an absurd one cannot be told from a large one.
            guard slotsThisLife >= 8, world.spikes == 0 else { return }
            workers[index].absurdUntil = now + .random(in: 0.5...3, using: &random)
        case .coordinatorCrash:
            guard coordinator != nil else { return }
            if Bool.random(using: &random) {
                strength = .random(in: 0...Disk.deeds, using: &random)
            } else {
                happened.insert(.coordinatorCrash)
                crashCoordinator()
            }
        case .order: order(index)
        case .fullDisk: diskIsFullUntil = now + .random(in: 1...25, using: &random)
        }
    }

    private mutating func strike(_ index: Int) {
        guard workers[index].isAlive, !workers[index].isFrozen, !workers[index].isStuck else { return }
        let life = workers[index].life
        switch Int.random(in: 0..<7, using: &random) {
        case 0, 1:  // kill -9; comes back some time
            happened.insert(.crash)
            let number = workers[index].machine.stamp.worker.number
            if coordinator?.round.shards?.contains(where: { $0.owner == number }) ?? false {
                happened.insert(.ownerGone)
            }
            replace(index, after: .random(in: 0.1...15, using: &random))
        case 2:  // SIGSTOP
            happened.insert(.freeze)
            workers[index].isFrozen = true
            queue.put(.thaw(index, life: life), at: now + .random(in: 0.1...12, using: &random))
        case 3:  // the learner hangs, the process lives
            happened.insert(.hang)
            workers[index].isStuck = true
            queue.put(.thaw(index, life: life), at: now + .random(in: 1...60, using: &random))
        case 4:
            happened.insert(.slow)
            workers[index].slowUntil = now + .random(in: 1...20, using: &random)
        default:  // SIGTERM
            happened.insert(.preempt)
            leave(index)
        }
    }

    private mutating func order(_ index: Int) {
        guard coordinator != nil else { return }
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            happened.insert(.pause)
            tell(.pause(reason: "lunch"))
            queue.put(.resume, at: now + .random(in: 0.5...15, using: &random))
        case 1:
            happened.insert(.drain)
            tell(.drain("w\(index)"))
        case 2, 3:
            happened.insert(.save)
            tell(.save)
        case 4:
            happened.insert(.admit)
            tell(.admit("w\(index)"))
        default:
            happened.insert(.stop)
            tell(.stop(reason: "enough"))
        }
    }
}
