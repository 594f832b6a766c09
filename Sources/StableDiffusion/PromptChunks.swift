/// A caption's tokens in rows as long as the text encoder reads, and how the encoded rows become one sequence again.
///
/// The rules are kohya's (`SdTokenizeStrategy._get_input_ids`): pad to the limit, truncate at it, and cut what is longer
/// than one row into rows of 75 tokens, each with its own start and end.
package struct PromptChunks: Equatable, Sendable {
    /// Token numbers, one row for each pass through the text encoder, shape `[chunks][rowLength]`.
    package let rows: [[Int]]

    /// - Parameters:
    ///   - limit: how many tokens of the caption count: 75, 150 or 225, or any multiple of `rowLength - 2`.
    ///   - rowLength: what the text encoder reads at once, its `max_position_embeddings`.
    package init(_ caption: String, tokenizer: Tokenizer, limit: Int = 75, rowLength: Int = 77) {
        let room = rowLength - 2
        let chunks = max(1, (limit + room - 1) / room)
        var ids = [tokenizer.startOfText] + tokenizer.encode(caption).prefix(chunks * room) + [tokenizer.endOfText]
        ids += Array(repeating: tokenizer.padding, count: chunks * room + 2 - ids.count)
        guard chunks > 1, let last = ids.last else {
            rows = [ids]
            return
        }
        rows = (0..<chunks).map { chunk in
            var row = [tokenizer.startOfText] + ids[1 + chunk * room..<1 + (chunk + 1) * room] + [last]
            if tokenizer.padding != tokenizer.endOfText {
                let beforeLast = row[rowLength - 2]
                if beforeLast != tokenizer.endOfText, beforeLast != tokenizer.padding {
                    row[rowLength - 1] = tokenizer.endOfText
                }
                if row[1] == tokenizer.padding { row[1] = tokenizer.endOfText }
            }
            return row
        }
    }

    /// Where each position of the joined sequence comes from.
    ///
    /// The first row's start, the inner tokens of every row, the last row's end: `chunks · (rowLength - 2) + 2` places.
    package var joined: [Place] { Self.joined(chunks: rows.count, rowLength: rows[0].count) }

    /// ``joined`` for any caption cut into so many rows.
    package static func joined(chunks: Int, rowLength: Int) -> [Place] {
        let inner = (0..<chunks).flatMap { row in (1..<rowLength - 1).map { Place(row: row, column: $0) } }
        return [Place(row: 0, column: 0)] + inner + [Place(row: chunks - 1, column: rowLength - 1)]
    }

    /// A column of a row.
    package struct Place: Equatable, Sendable {
        package let row: Int
        package let column: Int
    }
}
