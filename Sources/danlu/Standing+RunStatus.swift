import Coordination
import Monitor
import Wire

extension Standing {
    /// The same, of what a coordinator says.
    init(_ status: RunStatus) {
        let snapshot = status.snapshot
        self.init(
            state: snapshot.state.rawValue, sentence: snapshot.sentence, brief: snapshot.brief, step: snapshot.step,
            totalSteps: status.totalSteps, slots: snapshot.slotCount, slotsDone: snapshot.slotsDone,
            incarnation: Int(clamping: status.incarnation))
        epoch = status.epoch
        epochs = status.epochs
        loss = status.loss?.finite
        if let progress = status.progress {
            averageLoss = progress.averageLoss?.finite
            validationLoss = progress.validationLoss?.finite
            learningRates = progress.learningRates.compactMapValues(\.finite)
            gradientNorm = progress.gradientNorm?.finite
            noiseScale = progress.noiseScale?.finite
            effectiveBatch = progress.effectiveBatch
            secondsPerStep = progress.secondsPerStep?.finite
            imagesPerSecond = progress.samplesPerSecond?.finite
            secondsLeft = secondsPerStep.map { $0 * Double(max(0, totalSteps - step)) }
            reduceSeconds = progress.reduceSeconds?.finite
            optimizerSeconds = progress.optimizerSeconds?.finite
            events = progress.events.map { Event(time: $0.time, sentence: $0.sentence) }
        }
        let shares = Dictionary((status.shares ?? []).map { ($0.worker, $0) }, uniquingKeysWith: { $1 })
        let slots = shares.values.reduce(0) { $0 + max(0, $1.slots) }
        workers = snapshot.workers.map { worker in
            Worker(worker, share: shares[worker.number], slots: slots, samplesPerSlot: status.samplesPerSlot)
        }
        keptOut = snapshot.quarantined.map { KeptOut(name: $0.name, seconds: $0.seconds, reason: $0.reason) }
    }
}

extension Standing.Worker {
    fileprivate init(_ worker: Snapshot.Worker, share: RunStatus.Share?, slots: Int, samplesPerSlot: Double?) {
        self.init(
            number: Int(worker.number), name: worker.name, device: worker.device, state: State(worker),
            share: share.map { Double($0.slots) / Double(max(1, slots)) },
            imagesPerSecond: worker.speed.flatMap { speed in samplesPerSlot.flatMap { (speed * $0).finite } },
            split: share.map {
                Split(compute: $0.compute, communicate: $0.communicate, wait: $0.wait, broadcast: $0.broadcast)
            },
            lastSeen: worker.lastSeen, memory: worker.memory.map { Int(clamping: $0.used) },
            memoryTotal: worker.memory.map { Int(clamping: $0.total) }, slotsMissing: worker.missing, slot: worker.slot)
    }
}

extension Standing.Worker.State {
    fileprivate init(_ worker: Snapshot.Worker) {
        if worker.isSuspect {
            self = .silent
        } else if worker.isLeaving {
            self = .leaving
        } else {
            switch worker.activity {
            case .starting: self = .loading
            case .connecting: self = .connecting
            case .receivingWeights: self = .gettingWeights
            case .computing: self = .computing
            case .painting: self = .painting
            case .validating: self = .validating
            case .idle: self = .idle
            }
        }
    }
}

extension Double {
    /// nil for a number that is none.
    fileprivate var finite: Double? { isFinite ? self : nil }
}
