/// CLIP's byte-level byte-pair encoding: captions to the numbers that the text encoder knows.
///
/// Agrees token for token with transformers' `CLIPTokenizer` (5.x). Radford et al., "Learning Transferable Visual Models
/// From Natural Language Supervision", 2021, section 2.4, <https://arxiv.org/abs/2103.00020>.
package struct Tokenizer: Sendable {
    /// `<|startoftext|>`, the first token of every row.
    package let startOfText: Int
    /// `<|endoftext|>`, which follows the caption.
    package let endOfText: Int
    /// What fills a row after its end: `<|endoftext|>` for SD 1.x, `!` (0) for SD 2.x.
    package let padding: Int
    /// How many tokens the vocabulary has.
    package let vocabularySize: Int

    /// Tokens that are recognised in a caption as it is written, before anything else.
    let specialTokens: [SpecialToken]
    private let bytes: [Int]
    private let finalBytes: [Int]
    private let merges: [Pair: Merge]

    /// - Parameters:
    ///   - vocabulary: from token, in the byte alphabet with `</w>` at a word's end, to its number.
    ///   - merges: pairs of tokens, the most frequent first.
    ///   - special: the tokens' spellings.
    /// - Throws: ``VocabularyError`` when these do not belong together.
    package init(
        vocabulary: [String: Int], merges: [(String, String)], special: SpecialSpellings = SpecialSpellings()
    ) throws(VocabularyError) {
        func id(_ token: String) throws(VocabularyError) -> Int {
            guard let id = vocabulary[token] else { throw .missing(token) }
            return id
        }
        startOfText = try id(special.startOfText)
        endOfText = try id(special.endOfText)
        padding = try id(special.padding)
        vocabularySize = (vocabulary.values.max() ?? -1) + 1
        let unknown = try id(special.unknown)

        var spellings = [special.startOfText, special.endOfText, special.padding, special.unknown]
        spellings.append(contentsOf: special.others)
        var specialTokens: [SpecialToken] = []
        for spelling in spellings where !spelling.isEmpty && !specialTokens.contains(where: { $0.spelling == spelling })
        {
            specialTokens.append(SpecialToken(spelling: spelling, id: try id(spelling)))
        }
        self.specialTokens = specialTokens

        bytes = ByteAlphabet.letters.map { vocabulary[$0] ?? unknown }
        finalBytes = ByteAlphabet.letters.map { vocabulary[$0 + "</w>"] ?? unknown }
        var table: [Pair: Merge] = [:]
        table.reserveCapacity(merges.count)
        for (rank, merge) in merges.enumerated() {
            let pair = Pair(left: try id(merge.0), right: try id(merge.1))
            if table[pair] == nil { table[pair] = Merge(rank: rank, result: try id(merge.0 + merge.1)) }
        }
        self.merges = table
    }

    /// The tokens of a caption, without start, end or padding.
    package func encode(_ caption: String) -> [Int] {
        var ids: [Int] = []
        for part in splitAtSpecialTokens(caption) {
            switch part {
            case .special(let id): ids.append(id)
            case .text(let text):
                for piece in CaptionPieces(text) { ids.append(contentsOf: encode(piece: piece)) }
            }
        }
        return ids
    }

    /// How many tokens a caption takes, without start and end; a row has room for 75.
    package func tokenCount(_ caption: String) -> Int { encode(caption).count }

    /// Merges one piece's bytes, the most frequent pair first, until no pair is left that the vocabulary knows.
    private func encode(piece: String) -> [Int] {
        var symbols = piece.utf8.map { bytes[Int($0)] }
        if let last = piece.utf8.last { symbols[symbols.count - 1] = finalBytes[Int(last)] }
        while let best = bestMerge(in: symbols) {
            var merged: [Int] = []
            merged.reserveCapacity(symbols.count)
            var index = 0
            while index < symbols.count {
                if index + 1 < symbols.count, Pair(left: symbols[index], right: symbols[index + 1]) == best.pair {
                    merged.append(best.result)
                    index += 2
                } else {
                    merged.append(symbols[index])
                    index += 1
                }
            }
            symbols = merged
        }
        return symbols
    }

    private func bestMerge(in symbols: [Int]) -> (pair: Pair, result: Int)? {
        var best: (pair: Pair, merge: Merge)?
        for (left, right) in zip(symbols, symbols.dropFirst()) {
            let pair = Pair(left: left, right: right)
            guard let merge = merges[pair], merge.rank < best?.merge.rank ?? .max else { continue }
            best = (pair, merge)
        }
        return best.map { ($0.pair, $0.merge.result) }
    }

    private enum Part {
        case special(Int)
        case text(String)
    }

    private func splitAtSpecialTokens(_ caption: String) -> [Part] {
        let scalars = Array(caption.unicodeScalars)
        var parts: [Part] = []
        var text = String.UnicodeScalarView()
        var index = 0
        while index < scalars.count {
            let here = scalars[index...]
            let token = specialTokens.first { here.starts(with: $0.spelling.unicodeScalars) }
            guard let token else {
                text.append(scalars[index])
                index += 1
                continue
            }
            if !text.isEmpty { parts.append(.text(String(text))) }
            text = String.UnicodeScalarView()
            parts.append(.special(token.id))
            index += token.spelling.unicodeScalars.count
        }
        if !text.isEmpty { parts.append(.text(String(text))) }
        return parts
    }

    struct SpecialToken: Sendable {
        let spelling: String
        let id: Int
    }

    private struct Pair: Hashable, Sendable {
        let left: Int
        let right: Int
    }

    private struct Merge: Sendable {
        let rank: Int
        let result: Int
    }
}

/// How a vocabulary spells the tokens with a meaning of their own.
package struct SpecialSpellings: Equatable, Sendable {
    package var startOfText = "<|startoftext|>"
    package var endOfText = "<|endoftext|>"
    package var padding = "<|endoftext|>"
    package var unknown = "<|endoftext|>"
    /// Further tokens that are taken whole from a caption.
    package var others: [String] = []

    package init(padding: String = "<|endoftext|>") {
        self.padding = padding
    }
}

/// A vocabulary and merges that do not belong together.
package enum VocabularyError: Error, Equatable, CustomStringConvertible {
    /// A token that the merges or the settings name, but the vocabulary does not have.
    case missing(String)

    package var description: String {
        switch self {
        case .missing(let token):
            "the vocabulary has no token \"\(token)\", which the merges or settings name; its files do not belong together"
        }
    }
}

/// The 256 printable characters that stand for the 256 bytes, as in GPT-2's `bytes_to_unicode`.
enum ByteAlphabet {
    /// The letter of each byte.
    static let letters: [String] = {
        var next: UInt32 = 256
        return (UInt32(0)..<256).map { byte in
            let code: UInt32
            if (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte) {
                code = byte
            } else {
                code = next
                next += 1
            }
            return Unicode.Scalar(code).map(String.init) ?? ""
        }
    }()

    /// The letters in the order in which CLIP numbers them: those that stand for themselves, then the others.
    static let inVocabularyOrder: [String] = {
        let own = letters.filter { ($0.unicodeScalars.first?.value ?? 0) < 256 }
        let others = letters.filter { ($0.unicodeScalars.first?.value ?? 0) >= 256 }
        return own + others
    }()
}
