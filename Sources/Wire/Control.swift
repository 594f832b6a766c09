import Foundation

/// Control messages as bytes: JSON, in which unknown fields pass.
package enum Control {
    /// The longest a worker may send, in bytes.
    ///
    /// Outcomes of a thousand slots with names fit.
    package static let workerLimit = 1 << 20
    /// The longest a coordinator may send: the welcome holds the recipe.
    package static let coordinatorLimit = 16 << 20

    /// The JSON of a message.
    ///
    /// Numbers that are not finite are written as words, so that they can be reported.
    package static func encode(_ message: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return try Array(encoder.encode(message))
    }

    /// Reads a message whose length and checksum have been checked.
    package static func decode<Message: Decodable>(
        _ type: Message.Type, from bytes: UnsafeRawBufferPointer
    ) throws(WireError) -> Message {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw .unreadable(kind: .control, reason: explain(error))
        } catch {
            throw .unreadable(kind: .control, reason: "\(error)")
        }
    }

    private static func explain(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return (path.isEmpty ? "" : "\(path): ") + context.debugDescription
        }
        return switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            place(context)
        @unknown default: "\(error)"
        }
    }
}
