/// What a coordinator answers to whoever asks something of its run: what was done, or why not.
package struct OperationReply: Codable, Equatable, Sendable {
    /// That of the request.
    package var number: UInt64
    /// Whether this is all; an answer before the last says what is waited for.
    package var isLast: Bool
    /// Whether what was asked is done.
    package var isDone: Bool
    package var sentence: String
    /// For whoever asked for it.
    package var status: RunStatus?
}
