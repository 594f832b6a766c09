import Foundation
import Journal
import Recipe

/// Tables that have a row, or several, for each step.
extension Table {
    private static let page = 1000

    static let steps = Table(
        name: "steps",
        columns: [
            Column(name: "step", meaning: "from 0"),
            Column(name: "epoch", meaning: "from 0"),
            Column(name: "time", meaning: "when it was applied, in seconds since 1970"),
            Column(name: "seconds", meaning: "from its first lease to its last sum"),
            Column(name: "loss", meaning: "the mean over its samples of the weighted loss"),
            Column(name: "average_loss", meaning: "kohya's avr_loss"),
            Column(name: "gradient_norm", meaning: "of the mean gradient, before clipping"),
            Column(name: "noise_scale", meaning: "the gradient noise scale, in samples"),
            Column(name: "samples", meaning: "in its sum"),
            Column(name: "effective_batch", meaning: "samples in a full step of the workers that were in"),
            Column(name: "slots", meaning: "those left out included"),
            Column(name: "slots_left_out", meaning: "because they were not finite"),
            Column(name: "workers", meaning: "that computed"),
            Column(name: "weights", meaning: "the checksum of those it led to, 16 hexadecimal digits"),
            Column(name: "life", meaning: "which start of the coordinator, from 1"),
            Column(name: "reduce_seconds", meaning: "adding up, most of it while sums were coming in"),
            Column(name: "optimizer_seconds", meaning: "the optimizer, and saving"),
        ]
            + ParameterGroup.allCases.map { Column(name: "lr/\($0.rawValue)", meaning: "its learning rate") }
            + TimestepBand.all.flatMap { band in
                [
                    Column(name: "loss/\(band.name)", meaning: "the loss of samples at these timesteps"),
                    Column(name: "samples/\(band.name)", meaning: "how many they were"),
                ]
            }
            + [
                Column(
                    name: "validation_loss",
                    meaning: "of the weights it led to, on the pictures that are held out; missing where not measured")
            ]
    ) { reader, take in
        try forEachPage(of: reader) { page in
            let validations = try reader.validations(steps: page[0].step...page[page.count - 1].step)
            let measured = Dictionary(validations.map { ($0.entry.step, $0.entry.loss) }, uniquingKeysWith: { $1 })
            for step in page {
                let numbers: [Value] = [
                    .whole(step.step), .whole(step.epoch), .time(step.time), .number(step.seconds), .number(step.loss),
                    .number(step.averageLoss), .number(step.gradientNorm), .number(step.noiseScale),
                    .whole(step.samples), .whole(step.effectiveBatch), .whole(step.slots), .whole(step.leftOut),
                    .whole(step.workers), .text(hexadecimal(step.weights)), .whole(step.life),
                    .number(step.split["reduce"]), .number(step.split["optimizer"]),
                ]
                let rates = ParameterGroup.allCases.map { Value.number(step.rates[$0]) }
                let bands = TimestepBand.all.flatMap { band in
                    [Value.number(step.bands[band]?.mean), .whole(step.bands[band]?.samples ?? 0)]
                }
                try take(numbers + rates + bands + [.number(measured[step.step])])
            }
        }
    }

    static let workers = Table(
        name: "workers",
        columns: [
            Column(name: "step", meaning: "from 0"),
            Column(name: "worker", meaning: "its name"),
            Column(name: "slots", meaning: "it computed"),
            Column(name: "samples", meaning: "in them"),
            Column(name: "compute_seconds", meaning: "for computing them"),
            Column(name: "broadcast_seconds", meaning: "until it held the weights"),
            Column(name: "send_seconds", meaning: "until its last sum was in, beyond what passed while it computed"),
            Column(name: "wait_seconds", meaning: "until the others were done too"),
        ]
    ) { reader, take in
        try forEachPage(of: reader) { page in
            for share in try reader.shares(steps: page[0].step...page[page.count - 1].step) {
                try take([
                    .whole(share.step), .text(share.worker), .whole(share.slots), .whole(share.samples),
                    .number(share.seconds), .number(share.split["broadcast"]), .number(share.split["send"]),
                    .number(share.split["wait"]),
                ])
            }
        }
    }

    static let slots = Table(
        name: "slots",
        columns: [
            Column(name: "step", meaning: "from 0"),
            Column(name: "epoch", meaning: "from 0"),
            Column(name: "slot", meaning: "its place in the epoch, from 0"),
            Column(name: "worker", meaning: "whose sum was taken; missing where the slot was left out"),
            Column(name: "loss", meaning: "the mean over its samples of the weighted loss"),
            Column(name: "samples", meaning: "their names; in CSV as a JSON list"),
            Column(name: "not_finite", meaning: "where a number was not finite, so that the slot was left out"),
        ]
    ) { reader, take in
        try forEachPage(of: reader) { page in
            for line in try reader.ledger(steps: page[0].step...page[page.count - 1].step) {
                try take([
                    .whole(line.step), .whole(line.epoch), .whole(line.slot), .text(line.worker), .number(line.loss),
                    .texts(line.samples), .text(line.notFinite),
                ])
            }
        }
    }

    private static func forEachPage(
        of reader: JournalReader, _ body: (_ page: [JournalReader.Step]) throws -> Void
    ) throws {
        var next = 0
        while true {
            let steps = try reader.steps(from: next, limit: page)
            guard let last = steps.last else { return }
            try body(steps)
            next = last.step + 1
        }
    }
}

/// 16 digits.
func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
