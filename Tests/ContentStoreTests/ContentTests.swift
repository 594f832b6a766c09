import ContentStore
import Foundation
import Testing

@Suite struct `Bytes that have a name` {
    @Test func `are known by 64 digits`() throws {
        let hash = Content(of: Array("abc".utf8)).hash
        #expect(hash.description == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(ContentHash(hash.description) == hash && ContentHash(hash.bytes) == hash)
    }

    @Test(arguments: ["", "ba78", String(repeating: "g", count: 64), String(repeating: "A", count: 64)])
    func `have no other name`(digits: String) throws {
        #expect(ContentHash(digits) == nil)
        let json = Data(#"{"sha256": "\#(digits)", "bytes": 3}"#.utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Content.self, from: json) }
    }

    @Test func `are written down as their hash and their number`() throws {
        let content = Content(of: [1, 2, 3])
        let encoded = try JSONEncoder().encode(content)
        #expect(try JSONDecoder().decode(Content.self, from: encoded) == content)
        let negative = Data(#"{"sha256": "\#(content.hash)", "bytes": -1}"#.utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(Content.self, from: negative) }
    }

    @Test(arguments: [
        (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (12_345, "12.3 kB"), (999_949, "1000 kB"),
        (123_456_789, "123 MB"), (4_265_146_304, "4.3 GB"), (5_000_000_000_000, "5000 GB"),
    ])
    func `are measured in words`(count: Int, words: String) {
        #expect(byteText(count) == words)
    }
}

@Suite struct `Hashes of files` {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "danlu-hashes-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func write(_ bytes: [UInt8], secondsAgo: Double) throws -> String {
        let file = folder.appending(path: "file")
        try Data(bytes).write(to: file)
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -secondsAgo)], ofItemAtPath: file.path)
        return file.path
    }

    /// How many bytes were read to tell what is in a file.
    private func effort(_ hashes: KnownHashes, _ path: String, is content: Content) throws -> Int {
        var read = 0
        #expect(try hashes.content(ofFile: path) { read += $0 } == content)
        return read
    }

    @Test func `are found once, and again when the file has changed`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let memo = folder.appending(path: "hashes.json").path
        let bytes = Cache.bytes(5_000_000)
        let path = try write(bytes, secondsAgo: 60)
        let hashes = KnownHashes(file: memo)
        #expect(try effort(hashes, path, is: Content(of: bytes)) == bytes.count)
        #expect(try effort(hashes, path, is: Content(of: bytes)) == 0)
        hashes.save()
        #expect(try effort(KnownHashes(file: memo), path, is: Content(of: bytes)) == 0)

        let other = Cache.bytes(5_000_000, seed: 2)
        #expect(try write(other, secondsAgo: 50) == path)
        #expect(try effort(KnownHashes(file: memo), path, is: Content(of: other)) == other.count)
    }

    @Test func `of files that were written a moment ago are not trusted`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = try write([1, 2, 3], secondsAgo: 0)
        let hashes = KnownHashes(file: nil)
        #expect(try effort(hashes, path, is: Content(of: [1, 2, 3])) == 3)
        #expect(try effort(hashes, path, is: Content(of: [1, 2, 3])) == 3)
    }

    @Test func `are found anew when what was kept cannot be read`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let memo = folder.appending(path: "hashes.json")
        try Data("{\"nonsense\": [".utf8).write(to: memo)
        let path = try write([1], secondsAgo: 60)
        #expect(try effort(KnownHashes(file: memo.path), path, is: Content(of: [1])) == 1)
    }

    @Test func `are of files that are there`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(throws: ContentError.self) { try KnownHashes(file: nil).content(ofFile: folder.path + "/nothing") }
        #expect(throws: ContentError.self) { try KnownHashes(file: nil).content(ofFile: folder.path) }
    }
}

@Suite struct `A shelf of contents` {
    @Test func `hands out what is on it, from any byte, and nothing else`() throws {
        let cache = try Cache()
        let bytes = Cache.bytes(100)
        let path = cache.folder + "/file"
        try Data(bytes).write(to: URL(filePath: path))
        var shelf = ContentShelf()
        let file = try shelf.add(Content(of: bytes).hash, file: path)
        let text = shelf.add(Array("a recipe".utf8))
        #expect(shelf[file.hash]?.count == 100 && shelf[text.hash]?.count == 8)
        #expect(shelf[Content(of: [9]).hash] == nil)
        #expect(try shelf.open(Content(of: [9]).hash) == nil)

        let reader = try #require(try shelf.open(file.hash))
        #expect(try reader.bytes(at: 90, count: 10) == Array(bytes[90...]))
        #expect(try reader.bytes(at: 3, count: 0).isEmpty)
        for (offset, count) in [(-1, 1), (99, 2), (101, 0), (0, -1), (Int.max, 1), (1, Int.max)] {
            #expect(throws: ContentError.self) { try reader.bytes(at: offset, count: count) }
        }
        #expect(try #require(try shelf.open(text.hash)).bytes(at: 2, count: 6) == Array("recipe".utf8))
    }

    @Test func `says so when a file was changed after it was listed`() throws {
        let cache = try Cache()
        let path = cache.folder + "/file"
        try Data(Cache.bytes(100)).write(to: URL(filePath: path))
        var shelf = ContentShelf()
        let content = try shelf.add(Content(of: Cache.bytes(100)).hash, file: path)
        try Data(Cache.bytes(100, seed: 2)).write(to: URL(filePath: path))
        utimensat(AT_FDCWD, path, [timespec(tv_sec: 5, tv_nsec: 0), timespec(tv_sec: 5, tv_nsec: 0)], 0)
        #expect(throws: ContentError.changed(path)) { try shelf.open(content.hash) }
    }
}
