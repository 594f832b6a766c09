import Foundation
package import Logging

/// How log records are written where no view is drawn.
package enum LogFormat: String, CaseIterable, Sendable {
    /// The sentences alone.
    case plain
    /// A JSON object in each line; see ``LogLine/json(_:metadata:at:)``.
    case json
}

/// Writes what a `Logger` is told as lines, one for each record.
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel = Logger.Level.info
    private let format: LogFormat
    private let write: @Sendable (String) -> Void

    /// - Parameter write: takes a line or several, each with a newline at its end, from any thread.
    package init(_ format: LogFormat, write: @escaping @Sendable (String) -> Void) {
        self.format = format
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        switch format {
        case .plain: write("\(event.message)".printableLines() + "\n")
        case .json:
            var all = metadata
            if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
            if let own = event.metadata { all.merge(own) { $1 } }
            write(LogLine.json(event, metadata: all, at: Date()) + "\n")
        }
    }
}

/// A log record as one line of JSON.
enum LogLine {
    /// `time` (ISO 8601, UTC, milliseconds), `level`, `message`, and the metadata's keys beside them.
    ///
    /// Numbers and truths of the metadata stay what they are; a number that is none becomes null. `event` says what kind of
    /// thing happened.
    static func json(_ event: LogEvent, metadata: Logger.Metadata, at time: Date) -> String {
        var object: [String: Any] = [:]
        for (key, value) in metadata { object[key] = plain(value) }
        object["time"] = time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        object["level"] = event.level.rawValue
        object["message"] = "\(event.message)"
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        let data = try? JSONSerialization.data(withJSONObject: object, options: options)
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private static func plain(_ value: Logger.MetadataValue) -> Any {
        switch value {
        case .string(let text): text
        case .array(let values): values.map(plain)
        case .dictionary(let values): values.mapValues(plain)
        case .stringConvertible(let value):
            switch value {
            case let truth as Bool: truth
            case let number as Int: number
            case let number as Double: number.isFinite ? number : NSNull()
            default: "\(value)"
            }
        @unknown default: "\(value)"
        }
    }
}
