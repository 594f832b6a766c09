package import Foundation

extension Tokenizer {
    /// Reads a tokenizer's folder: `vocab.json` with `merges.txt`, or `tokenizer.json` alone, as transformers 5 saves it.
    ///
    /// Which token pads comes from `tokenizer_config.json` and, in folders written before transformers 4.34, from
    /// `special_tokens_map.json`, which wins there.
    ///
    /// - Throws: ``ModelError`` naming the file.
    package init(folder: URL) throws(ModelError) {
        let special = try Self.specialSpellings(folder: folder)
        let vocabulary = folder.appending(path: "vocab.json")
        let merges = folder.appending(path: "merges.txt")
        let whole = folder.appending(path: "tokenizer.json")
        let files = FileManager.default
        if files.fileExists(atPath: vocabulary.path), files.fileExists(atPath: merges.path) {
            try self.init(
                vocabulary: Self.readVocabulary(vocabulary), merges: Self.readMerges(merges), special: special,
                file: folder)
        } else if files.fileExists(atPath: whole.path) {
            let saved = try Self.readWhole(whole)
            var special = special
            special.others = saved.added
            try self.init(vocabulary: saved.vocabulary, merges: saved.merges, special: special, file: whole)
        } else {
            throw ModelError(
                folder.path,
                "has neither vocab.json with merges.txt nor tokenizer.json; copy the base model's tokenizer")
        }
    }

    /// Reads OpenAI's own list of merges, `bpe_simple_vocab_16e6.txt`, as open_clip ships it (after gunzip).
    ///
    /// The vocabulary follows from it: 256 bytes, 256 bytes that end a word, 48,894 merges, two markers.
    ///
    /// - Parameter padding: `<|endoftext|>` for SD 1.x, `!` for SD 2.x.
    package init(mergesList: URL, padding: String = "<|endoftext|>") throws(ModelError) {
        let all = try Self.readMerges(mergesList)
        let count = 49152 - 256 - 2
        guard all.count >= count else {
            throw ModelError(
                mergesList.path, "has \(all.count) merges, but CLIP's list has at least \(count); fetch it again")
        }
        let merges = Array(all.prefix(count))
        let letters = ByteAlphabet.inVocabularyOrder
        let tokens =
            letters + letters.map { $0 + "</w>" } + merges.map { $0.0 + $0.1 } + ["<|startoftext|>", "<|endoftext|>"]
        try self.init(
            vocabulary: Dictionary(zip(tokens, tokens.indices)) { _, later in later }, merges: merges,
            special: SpecialSpellings(padding: padding), file: mergesList)
    }

    private init(
        vocabulary: [String: Int], merges: [(String, String)], special: SpecialSpellings, file: URL
    ) throws(ModelError) {
        do {
            try self.init(vocabulary: vocabulary, merges: merges, special: special)
        } catch {
            throw ModelError(file.path, error.description)
        }
    }

    private static func readVocabulary(_ url: URL) throws(ModelError) -> [String: Int] {
        do {
            return try JSONDecoder().decode([String: Int].self, from: readFile(url, limit: 64 << 20))
        } catch let error as ModelError {
            throw error
        } catch {
            throw ModelError(url.path, "is not a list of tokens with their numbers; copy the base model's file again")
        }
    }

    /// The pairs of a merges file: two tokens a line, after a first line with the version.
    private static func readMerges(_ url: URL) throws(ModelError) -> [(String, String)] {
        guard let text = String(data: try readFile(url, limit: 64 << 20), encoding: .utf8) else {
            throw ModelError(url.path, "is not UTF-8; copy the base model's file again")
        }
        var merges: [(String, String)] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.hasSuffix("\r") ? line.dropLast() : line
            if line.isEmpty || number == 0 && line.contains("#version") { continue }
            guard let merge = pair(String(line)) else {
                throw ModelError(url.path, "line \(number + 1) is not two tokens; copy the base model's file again")
            }
            merges.append(merge)
        }
        return merges
    }

    private static func pair(_ line: String) -> (String, String)? {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return (String(parts[0]), String(parts[1]))
    }

    private static func readWhole(
        _ url: URL
    ) throws(ModelError) -> (vocabulary: [String: Int], merges: [(String, String)], added: [String]) {
        let saved: SavedTokenizer
        do {
            saved = try JSONDecoder().decode(SavedTokenizer.self, from: readFile(url, limit: 64 << 20))
        } catch let error as ModelError {
            throw error
        } catch {
            throw ModelError(url.path, "is not a saved byte-pair tokenizer; copy the base model's file again")
        }
        guard saved.model.type ?? "BPE" == "BPE", saved.model.endOfWordSuffix == "</w>" else {
            throw ModelError(
                url.path, "is not CLIP's kind of tokenizer (BPE with </w>); copy the base model's file again")
        }
        var merges: [(String, String)] = []
        for (number, merge) in saved.model.merges.enumerated() {
            guard let merge = merge.pair else { throw ModelError(url.path, "merge \(number + 1) is not two tokens") }
            merges.append(merge)
        }
        let added = (saved.addedTokens ?? []).filter { $0.special ?? false }.map(\.content)
        var vocabulary = saved.model.vocab
        for token in saved.addedTokens ?? [] { vocabulary[token.content] = token.id }
        return (vocabulary, merges, added)
    }

    /// `tokenizer.json`, as far as it matters here.
    private struct SavedTokenizer: Decodable {
        struct Model: Decodable {
            let type: String?
            let endOfWordSuffix: String?
            let vocab: [String: Int]
            let merges: [SavedMerge]

            enum CodingKeys: String, CodingKey {
                case type, vocab, merges
                case endOfWordSuffix = "end_of_word_suffix"
            }
        }
        struct Added: Decodable {
            let id: Int
            let content: String
            let special: Bool?
        }
        let model: Model
        let addedTokens: [Added]?

        enum CodingKeys: String, CodingKey {
            case model
            case addedTokens = "added_tokens"
        }
    }

    /// A merge: `"a b"` in older files, `["a", "b"]` in newer ones.
    private struct SavedMerge: Decodable {
        let pair: (String, String)?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let list = try? container.decode([String].self) {
                pair = list.count == 2 ? (list[0], list[1]) : nil
            } else {
                pair = Tokenizer.pair(try container.decode(String.self))
            }
        }
    }

    private static func specialSpellings(folder: URL) throws(ModelError) -> SpecialSpellings {
        var special = SpecialSpellings()
        var settingsAreNew = false
        for name in ["tokenizer_config.json", "special_tokens_map.json"] {
            let url = folder.appending(path: name)
            guard !settingsAreNew, FileManager.default.fileExists(atPath: url.path) else { continue }
            let settings = try JSONFile(url)
            settingsAreNew = settings.has("added_tokens_decoder")
            special.startOfText = try spelling("bos_token", in: settings) ?? special.startOfText
            special.endOfText = try spelling("eos_token", in: settings) ?? special.endOfText
            special.padding = try spelling("pad_token", in: settings) ?? special.padding
            special.unknown = try spelling("unk_token", in: settings) ?? special.unknown
        }
        return special
    }

    /// A token in the settings: its spelling, or an object with it under `content`.
    private static func spelling(_ key: String, in settings: JSONFile) throws(ModelError) -> String? {
        switch settings.values[key] {
        case nil, .null: return nil
        case .string(let spelling): return spelling
        case .object(let token): return try JSONFile(file: settings.file, values: token).string("content")
        case .some(let value): throw settings.wrong(key, value, "a token")
        }
    }
}
