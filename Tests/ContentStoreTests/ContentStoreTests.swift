import ContentStore
import Crypto
import Foundation
import Testing

@Suite struct `A cache of contents` {
    private let cache: Cache

    init() throws { cache = try Cache() }

    @Test func `gives back what was put in, under its hash`() throws {
        let bytes = Cache.bytes(5000)
        let content = Content(of: bytes)
        #expect(try cache.store.find(content) == .missing)
        try cache.add(bytes)
        let path = try #require(try cache.store.find(content).path)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(bytes))
        #expect(path.hasSuffix("/sha256/\(content.hash.description.prefix(2))/\(content.hash)"))
        #expect(content.hash.description == SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined())
        #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
        #expect(!FileManager.default.isWritableFile(atPath: path) || getuid() == 0)
    }

    @Test func `takes up content of no bytes`() throws {
        let content = try cache.add([])
        #expect(try cache.store.find(content).path != nil)
    }

    @Test(arguments: [0, 1, 63, 64, 4095, 4096, 9999, 10_000])
    func `goes on from any byte at which an earlier try ended`(cut: Int) throws {
        let bytes = Cache.bytes(10_000)
        let content = Content(of: bytes)
        do {
            let partial = try #require(try cache.store.begin(content))
            try bytes[..<cut].withUnsafeBytes { try partial.append($0) }
        }
        let partial = try #require(try cache.store.begin(content))
        #expect(partial.count == cut)
        try bytes[cut...].withUnsafeBytes { try partial.append($0) }
        #expect(partial.isComplete)
        #expect(try Data(contentsOf: URL(filePath: partial.finish())) == Data(bytes))
    }

    @Test func `begins anew when what has arrived is not what was asked for`() throws {
        let bytes = Cache.bytes(1000)
        let content = Content(of: bytes)
        let partial = try #require(try cache.store.begin(content))
        try Cache.bytes(1000, seed: 2).withUnsafeBytes { try partial.append($0) }
        let error = #expect(throws: ContentError.self) { try partial.finish() }
        #expect(error?.description.contains(content.hash.short) == true)
        #expect(try cache.store.find(content) == .missing)
        #expect(partial.count == 0)
        try bytes.withUnsafeBytes { try partial.append($0) }
        _ = try partial.finish()
        #expect(try cache.store.find(content).path != nil)
    }

    @Test func `takes no more bytes than there are, and throws away a partial file that has more`() throws {
        let bytes = Cache.bytes(100)
        let content = Content(of: bytes)
        do {
            let partial = try #require(try cache.store.begin(content))
            #expect(throws: ContentError.self) { try (bytes + [0]).withUnsafeBytes { try partial.append($0) } }
            #expect(partial.count == 0)
        }
        try Data(count: 101).write(to: URL(filePath: cache.store.path(of: content) + ".partial"))
        #expect(try #require(try cache.store.begin(content)).count == 0)
    }

    @Test(arguments: [0, 500, 999])
    func `finds that a file was changed, and removes it`(place: Int) throws {
        let content = try cache.add(Cache.bytes(1000))
        let path = cache.store.path(of: content)
        chmod(path, 0o644)
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: UInt64(place))
        let old = try #require(try file.read(upToCount: 1)).first
        try file.seek(toOffset: UInt64(place))
        try file.write(contentsOf: [(old ?? 0) ^ 1])
        try file.close()
        #expect(try cache.store.find(content) == .damaged)
        #expect(try cache.store.find(content) == .missing)
    }

    @Test func `finds that a file was cut short`() throws {
        let content = try cache.add(Cache.bytes(1000))
        #expect(truncate(cache.store.path(of: content), 999) == 0)
        #expect(try cache.store.find(content) == .damaged)
    }

    @Test func `lets one write what several want`() throws {
        let other = try ContentStore(folder: cache.folder, limit: 1 << 30)
        let bytes = Cache.bytes(1000)
        let content = Content(of: bytes)
        let partial = try #require(try cache.store.begin(content))
        #expect(try other.begin(content) == nil)
        try bytes.withUnsafeBytes { try partial.append($0) }
        _ = try partial.finish()
        #expect(try other.begin(content) == nil)
        #expect(try other.find(content).path != nil)
    }

    @Test func `cannot be made where nothing can be written`() throws {
        let file = cache.folder + "/file"
        try Data().write(to: URL(filePath: file))
        let error = #expect(throws: ContentError.self) { try ContentStore(folder: file + "/cache", limit: 1) }
        #expect(error?.description.contains(file) == true)
    }

    @Test func `shows contents under another box's paths`() throws {
        let content = try cache.add(Cache.bytes(10))
        let place = cache.store.path(of: content)
        let files = [(path: "/home/a/model/unet/x.bin", place: place), (path: "/home/a/model/y.json", place: place)]
        let root = try cache.store.view(of: files)
        #expect(try cache.store.view(of: files) == root)
        #expect(try Data(contentsOf: URL(filePath: root + "/home/a/model/unet/x.bin")) == Data(Cache.bytes(10)))
        let names = try FileManager.default.contentsOfDirectory(atPath: root + "/home/a/model").sorted()
        #expect(names == ["unet", "y.json"])
        try cache.store.hold([])
        #expect(FileManager.default.fileExists(atPath: root))
    }

    @Test(arguments: [
        "", "a", "/../a", "/a/./b", "/a//b", "/a/", "/", "/a\0b", "/" + String(repeating: "a", count: 300),
    ])
    func `shows nothing under a path that leads elsewhere`(path: String) {
        #expect(throws: ContentError.unsafePath(path)) { try cache.store.view(of: [(path: path, place: "/tmp")]) }
    }
}
