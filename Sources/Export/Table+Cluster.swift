import Foundation
import Journal

/// Tables of what happened beside the steps.
extension Table {
    static let events = Table(
        name: "events",
        columns: [
            Column(name: "time", meaning: "in seconds since 1970"),
            Column(name: "step", meaning: "the last step that was done then, from 0"),
            Column(name: "kind", meaning: "one word"),
            Column(name: "worker", meaning: "its name, where it is about one"),
            Column(name: "sentence", meaning: "what happened"),
        ]
    ) { reader, take in
        var last: Int64 = 0
        while true {
            let page = try reader.events(after: last)
            guard let newest = page.last else { return }
            for event in page {
                try take([
                    .time(event.time), .whole(event.step), .text(event.kind), .text(event.worker),
                    .text(event.sentence),
                ])
            }
            last = newest.id
        }
    }

    static let stays = Table(
        name: "stays",
        columns: [
            Column(name: "worker", meaning: "its name"),
            Column(name: "joined", meaning: "in seconds since 1970"),
            Column(name: "left", meaning: "in seconds since 1970; missing while it is in"),
            Column(name: "reason", meaning: "why it left"),
        ]
    ) { reader, take in
        for stay in try reader.stays(limit: 1_000_000) {
            try take([.text(stay.worker), .time(stay.joined), .time(stay.left), .text(stay.reason)])
        }
    }

    static let files = Table(
        name: "files",
        columns: [
            Column(name: "step", meaning: "steps that were applied when it was written"),
            Column(name: "path", meaning: "where it was written"),
            Column(name: "time", meaning: "in seconds since 1970"),
        ]
    ) { reader, take in
        for save in try reader.saves(limit: 1_000_000) {
            try take([.whole(save.step), .text(save.path), .time(save.time)])
        }
    }

    static let lives = Table(
        name: "lives",
        columns: [
            Column(name: "began", meaning: "when the coordinator was started, in seconds since 1970"),
            Column(name: "ended", meaning: "missing while it lives, and when it was killed"),
            Column(name: "version", meaning: "of the program"),
            Column(name: "first_step", meaning: "it did, or was to do, from 0"),
            Column(name: "outcome", meaning: "how it ended"),
        ]
    ) { reader, take in
        for life in try reader.overview(lives: 1_000_000).lives {
            try take([
                .time(life.began), .time(life.ended), .text(life.version), .whole(life.firstStep),
                .text(life.outcome),
            ])
        }
    }
}
