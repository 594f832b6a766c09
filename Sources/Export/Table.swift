import Foundation
import Journal

/// What of a run's journal can be had as a table: columns that stay as they are, and rows in the run's order.
///
/// A new column may come at the end of a table; none changes its name, place or meaning.
package struct Table: Sendable {
    package struct Column: Sendable {
        package let name: String
        /// What it is, with its unit.
        package let meaning: String
    }

    package enum Value: Equatable, Sendable {
        case missing
        case whole(Int)
        /// Written so that it reads back to the same bits.
        case number(Double)
        case text(String)
        case texts([String])
    }

    package let name: String
    package let columns: [Column]
    /// Hands out the rows, a thousand steps at a time, so that a run of any length takes little memory.
    let rows: @Sendable (JournalReader, (_ row: [Value]) throws -> Void) throws -> Void

    /// Every table, by what the user calls it.
    package static let all = [steps, workers, slots, events, stays, files, lives]
}

extension Table.Value {
    static func number(_ value: Double?) -> Self { value.map { .number($0) } ?? .missing }
    static func whole(_ value: Int?) -> Self { value.map { .whole($0) } ?? .missing }
    static func text(_ value: String?) -> Self { value.map { .text($0) } ?? .missing }
    static func time(_ value: Date?) -> Self { .number(value?.timeIntervalSince1970) }
}
