import ContentStore
import Foundation
import Testing

@Suite struct `A cache with a limit` {
    /// Makes a file look as if it had last been used so many seconds ago.
    private func age(_ content: Content, in store: ContentStore, seconds: Int) {
        let time = timespec(tv_sec: Int(Date().timeIntervalSince1970) - seconds, tv_nsec: 0)
        utimensat(AT_FDCWD, store.path(of: content), [time, time], 0)
    }

    /// Puts contents in with a store that is gone afterwards, so that nobody holds them.
    private func fill(_ cache: Cache, seeds: [UInt64], count: Int = 1000) throws -> [Content] {
        let store = try ContentStore(folder: cache.folder, limit: 1 << 30)
        return try seeds.map { try cache.add(Cache.bytes(count, seed: $0), to: store) }
    }

    @Test func `lets go of what has not been used for longest`() throws {
        let cache = try Cache(limit: 3500)
        let old = try fill(cache, seeds: [1, 2, 3])
        for (index, content) in old.enumerated() { age(content, in: cache.store, seconds: 100 - index) }
        // Who looks for it uses it.
        #expect(try cache.store.find(old[0]).path != nil)
        let fresh = try cache.add(Cache.bytes(1000, seed: 4))
        #expect(old.map(cache.isHere) == [true, false, true])
        #expect(cache.isHere(fresh))
    }

    @Test func `lets go of pieces of what nobody went on fetching, and of latents`() throws {
        let cache = try Cache(limit: 2500)
        let store = try ContentStore(folder: cache.folder, limit: 1 << 30)
        let abandoned = Content(of: Cache.bytes(1500))
        do {
            let partial = try #require(try store.begin(abandoned))
            try Cache.bytes(1200).withUnsafeBytes { try partial.append($0) }
        }
        try Data(count: 1200).write(to: URL(filePath: cache.store.latentFolder + "/a.latents"))
        try cache.add(Cache.bytes(2000, seed: 2))
        #expect(!FileManager.default.fileExists(atPath: store.path(of: abandoned) + ".partial"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.store.latentFolder).isEmpty)
    }

    @Test func `keeps what a living process holds, and says when the rest is not enough`() throws {
        let cache = try Cache(limit: 2500)
        let holder = try ContentStore(folder: cache.folder, limit: 2500)
        let held = try cache.add(Cache.bytes(1000), to: holder)
        age(held, in: cache.store, seconds: 1000)
        let wanted = Content(of: Cache.bytes(2000, seed: 2))
        #expect(throws: ContentError.beyondLimit(folder: cache.folder, needed: 3000, limit: 2500)) {
            try cache.store.hold([wanted])
        }
        #expect(cache.isHere(held))
        withExtendedLifetime(holder) {}
    }

    @Test func `says at once when a run is larger than the limit, and removes nothing`() throws {
        let cache = try Cache(limit: 5000)
        let old = try fill(cache, seeds: [1])
        let error = #expect(throws: ContentError.self) {
            try cache.store.hold([Content(of: Cache.bytes(3000, seed: 2)), Content(of: Cache.bytes(3000, seed: 3))])
        }
        #expect(error?.description.contains("raise --cache-limit") == true)
        #expect(old.map(cache.isHere) == [true])
    }

    @Test func `asks for no room for what is here`() throws {
        let cache = try Cache(limit: 1000)
        let content = try cache.add(Cache.bytes(1000))
        try cache.store.hold([content])
        #expect(cache.isHere(content))
    }

    @Test func `says how much is missing when the disk is too small, before anything is fetched`() throws {
        try Self.withSmallDisk(bytes: 4 << 20) { folder in
            let store = try ContentStore(folder: folder, limit: 1 << 30)
            let error = #expect(throws: ContentError.self) {
                try store.hold([Content(hash: Content(of: [1]).hash, count: 5 << 20)])
            }
            #expect(error?.description.contains("lacks 5.2 MB and its disk has 4.2 MB free") == true)
        }
    }

    @Test func `evicts when the disk is too small although the limit is not reached`() throws {
        try Self.withSmallDisk(bytes: 4 << 20) { folder in
            let bytes = Cache.bytes(2 << 20)
            do {
                let earlier = try ContentStore(folder: folder, limit: 1 << 30)
                let partial = try #require(try earlier.begin(Content(of: bytes)))
                try bytes.withUnsafeBytes { try partial.append($0) }
                _ = try partial.finish()
            }
            let store = try ContentStore(folder: folder, limit: 1 << 30)
            try store.hold([Content(hash: Content(of: [1]).hash, count: 5 << 19)])
            #expect(try store.find(Content(of: bytes)) == .missing)
        }
    }

    @Test func `says so when the disk becomes full, and goes on where it was`() throws {
        try Self.withSmallDisk(bytes: 2 << 20) { folder in
            let store = try ContentStore(folder: folder, limit: 1 << 30)
            let bytes = Cache.bytes(3 << 19)
            let content = Content(of: bytes)
            let blocker = URL(filePath: folder + "/blocker")
            try Data(count: 1 << 20).write(to: blocker)
            do {
                let partial = try #require(try store.begin(content))
                try bytes[..<(1 << 19)].withUnsafeBytes { try partial.append($0) }
                let error = #expect(throws: ContentError.self) {
                    try bytes[(1 << 19)...].withUnsafeBytes { try partial.append($0) }
                }
                #expect(error?.description.contains("its disk is full; make room") == true)
            }
            try FileManager.default.removeItem(at: blocker)
            let partial = try #require(try store.begin(content))
            #expect(partial.count >= 1 << 19)
            try bytes[partial.count...].withUnsafeBytes { try partial.append($0) }
            _ = try partial.finish()
            #expect(try store.find(content).path != nil)
        }
    }

    /// Runs `body` with a folder that is a small disk of its own; without root there is none, which is said.
    private static func withSmallDisk(bytes: Int, _ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "danlu-disk-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { rmdir(folder) }
        guard mount("tmpfs", folder, "tmpfs", 0, "size=\(bytes)") == 0 else {
            print("skipped: a small disk takes root: \(String(cString: strerror(errno)))")
            return
        }
        defer { umount2(folder, CInt(2)) }
        try body(folder)
    }
}
