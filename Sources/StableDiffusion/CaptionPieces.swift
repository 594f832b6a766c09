import Foundation

/// A caption, normalised and cut into the pieces that byte-pair encoding works on, one at a time.
///
/// transformers' `CLIPTokenizer`: canonical composition, runs of white space become one space, lower case (scalar by
/// scalar, so a final sigma stays an ordinary one), then the pieces that its split pattern keeps:
///
///     <|startoftext|> | <|endoftext|> | 's | 't | 're | 've | 'm | 'll | 'd | [\p{L}]+ | [\p{N}] | [^\s\p{L}\p{N}]+
///
/// The byte-level step after it cuts the two spelled-out markers once more, into `<|`, the word and `|>`.
struct CaptionPieces: Sequence, IteratorProtocol {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var pending: [String] = []

    init(_ caption: String) {
        var scalars: [Unicode.Scalar] = []
        for scalar in caption.precomposedStringWithCanonicalMapping.unicodeScalars {
            if scalar.properties.isWhitespace {
                scalars.append(" ")
            } else {
                scalars.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        self.scalars = scalars
    }

    mutating func next() -> String? {
        if let piece = pending.popLast() { return piece }
        while position < scalars.count, scalars[position] == " " { position += 1 }
        guard position < scalars.count else { return nil }

        for word in ["startoftext", "endoftext"] where follows("<|\(word)|>") {
            position += word.count + 4
            pending = ["|>", word]
            return "<|"
        }
        for contraction in ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"] where follows(contraction) {
            position += contraction.count
            return contraction
        }
        switch Kind(scalars[position]) {
        case .letter: return run(of: .letter)
        case .number: return take(upTo: position + 1)
        case .space, .other: return run(of: .other)
        }
    }

    private func follows(_ text: String) -> Bool {
        scalars[position...].starts(with: text.unicodeScalars)
    }

    private mutating func run(of kind: Kind) -> String {
        var end = position + 1
        while end < scalars.count, Kind(scalars[end]) == kind { end += 1 }
        return take(upTo: end)
    }

    private mutating func take(upTo end: Int) -> String {
        defer { position = end }
        var piece = String.UnicodeScalarView()
        piece.append(contentsOf: scalars[position..<end])
        return String(piece)
    }
}

/// What the split pattern distinguishes.
private enum Kind {
    case letter, number, space, other

    init(_ scalar: Unicode.Scalar) {
        self =
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
            case .decimalNumber, .letterNumber, .otherNumber: .number
            default: scalar.properties.isWhitespace ? .space : .other
            }
    }
}
