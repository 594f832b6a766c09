import Foundation

/// One record of a TensorBoard event file.
///
/// Field numbers are those of TensorFlow's `event.proto` and `summary.proto`.
struct TensorBoardEvent {
    /// What a tag has at a step.
    enum Value {
        case scalar(Float)
        /// A PNG.
        case image(Data, width: Int, height: Int)
    }

    enum Contents {
        /// The first of every file.
        case version
        /// The run goes on: what was said of this and later steps is to be forgotten.
        case sessionStart
        case summary([(tag: String, value: Value)])
    }

    var time: Date
    var step: Int
    var contents: Contents

    /// TFRecord: a length, its sum, the message, its sum.
    var record: [UInt8] {
        let message = message.bytes
        var record: [UInt8] = []
        record.reserveCapacity(message.count + 16)
        record.append(littleEndian: UInt64(message.count))
        record.append(littleEndian: CyclicRedundancyCheck.masked(record))
        record += message
        record.append(littleEndian: CyclicRedundancyCheck.masked(message))
        return record
    }

    private var message: ProtobufMessage {
        var event = ProtobufMessage()
        event.double(time.timeIntervalSince1970, at: 1)
        event.integer(step, at: 2)
        switch contents {
        case .version: event.counted("brain.Event:2".utf8, at: 3)
        case .sessionStart: event.message(at: 7) { $0.integer(1, at: 1) }
        case .summary(let values):
            event.message(at: 5) { summary in
                for (tag, value) in values {
                    summary.message(at: 1) { entry in
                        entry.counted(tag.utf8, at: 1)
                        Self.fill(&entry, value)
                    }
                }
            }
        }
        return event
    }

    private static func fill(_ entry: inout ProtobufMessage, _ value: Value) {
        switch value {
        case .scalar(let number): entry.float(number, at: 2)
        case .image(let png, let width, let height):
            entry.message(at: 4) { image in
                image.integer(height, at: 1)
                image.integer(width, at: 2)
                image.integer(3, at: 3)
                image.counted(png, at: 4)
            }
        }
    }
}
