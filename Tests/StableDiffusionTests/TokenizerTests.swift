import Foundation
import Testing

@testable import StableDiffusion

@Suite struct `The tokenizer` {
    struct Case: Decodable {
        let text: String
        let ids: [Int]
    }

    struct Chunks: Decodable {
        let pad: String
        let limit: Int
        let count: Int
        let runs: [[[Int]]]

        enum CodingKeys: String, CodingKey {
            case pad, count, runs
            case limit = "max_token_length"
        }
    }

    // transformers: CLIPTokenizer(text, truncation=True, max_length=77)
    @Test func `gives transformers' tokens, from vocab and merges`() throws {
        let tokenizer = try Tokenizer(folder: Fixtures.folder("tiny-sd1/tokenizer"))
        for expected in try Fixtures.json("tokens.json", as: [Case].self) {
            let ids = [tokenizer.startOfText] + tokenizer.encode(expected.text).prefix(75) + [tokenizer.endOfText]
            #expect(ids == expected.ids, "\(expected.text.debugDescription)")
        }
    }

    @Test func `gives them from a tokenizer.json alone`() throws {
        let tokenizer = try Tokenizer(folder: Fixtures.folder("tiny-sd2/tokenizer"))
        #expect(tokenizer.padding == 0)
        for expected in try Fixtures.json("tokens.json", as: [Case].self) where !expected.text.contains("!") {
            let ids = [tokenizer.startOfText] + tokenizer.encode(expected.text).prefix(75) + [tokenizer.endOfText]
            #expect(ids == expected.ids, "\(expected.text.debugDescription)")
        }
    }

    // transformers: CLIPTokenizer(..., pad_token="!")("blue!") ends in [..., 0, eos]
    @Test func `takes a padding token that a caption spells for the padding token`() throws {
        let second = try Tokenizer(folder: Fixtures.folder("tiny-sd2/tokenizer"))
        let first = try Tokenizer(folder: Fixtures.folder("tiny-sd1/tokenizer"))
        #expect(second.encode("blue!").last == 0)
        #expect(first.encode("blue!").last == 256)
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["CLIP_MERGES"] != nil))
    func `gives them from OpenAI's list of merges`() throws {
        let list = URL(filePath: ProcessInfo.processInfo.environment["CLIP_MERGES"] ?? "")
        let tokenizer = try Tokenizer(mergesList: list)
        #expect(tokenizer.vocabularySize == 49408)
        for expected in try Fixtures.json("tokens.clip.json", as: [Case].self) {
            let ids = [tokenizer.startOfText] + tokenizer.encode(expected.text).prefix(75) + [tokenizer.endOfText]
            #expect(ids == expected.ids, "\(expected.text.debugDescription)")
        }
    }

    // kohya: SdTokenizeStrategy._get_input_ids
    @Test func `cuts long captions as kohya's scripts do`() throws {
        for expected in try Fixtures.json("token-chunks.json", as: [Chunks].self) {
            let model = expected.pad == "!" ? "tiny-sd2" : "tiny-sd1"
            let tokenizer = try Tokenizer(folder: Fixtures.folder("\(model)/tokenizer"))
            let caption = Array(repeating: "horse", count: expected.count).joined(separator: " ")
            let rows = expected.runs.map { row in row.flatMap { Array(repeating: $0[0], count: $0[1]) } }
            let chunks = PromptChunks(caption, tokenizer: tokenizer, limit: expected.limit)
            #expect(chunks.rows == rows, "\(expected.count) words, \(expected.limit), \(expected.pad)")
        }
    }

    @Test func `counts tokens without the two that frame them`() throws {
        let tokenizer = try Tokenizer(folder: Fixtures.folder("tiny-sd1/tokenizer"))
        #expect(tokenizer.tokenCount("") == 0)
        #expect(tokenizer.tokenCount("horse on a blue background") == 5)
    }

    @Test func `joins rows with one start and one end`() {
        let places = PromptChunks.joined(chunks: 2, rowLength: 5)
        #expect(places.map(\.row) == [0, 0, 0, 0, 1, 1, 1, 1])
        #expect(places.map(\.column) == [0, 1, 2, 3, 1, 2, 3, 4])
    }

    @Test func `survives a caption of a hundred thousand letters`() throws {
        let tokenizer = try Tokenizer(folder: Fixtures.folder("tiny-sd1/tokenizer"))
        #expect(tokenizer.tokenCount(String(repeating: "horse", count: 20_000)) > 10_000)
    }

    @Test(arguments: [
        ("vocab.json", "{", "is not a list of tokens with their numbers"),
        ("vocab.json", #"{"a": 0}"#, "the vocabulary has no token \"<|startoftext|>\""),
        ("merges.txt", "#version: 0.2\na b c\n", "line 2 is not two tokens"),
        ("merges.txt", "#version: 0.2\nqq zz\n", "has no token \"qq\""),
        ("tokenizer_config.json", #"{"pad_token": 3}"#, "pad_token is 3, but must be a token"),
    ])
    func `refuses a broken file by name`(file: String, text: String, sentence: String) throws {
        let folder = try TemporaryFolder(copyOf: "tiny-sd1/tokenizer")
        try folder.write(text, to: file)
        #expect { try Tokenizer(folder: folder.url) } throws: { "\($0)".contains(sentence) }
    }

    @Test func `refuses a folder without a vocabulary`() throws {
        let folder = try TemporaryFolder()
        #expect { try Tokenizer(folder: folder.url) } throws: {
            "\($0)".contains("has neither vocab.json with merges.txt")
        }
    }
}
