import Dataset
import Foundation
import Recipe
import Testing

@Suite struct `A data folder` {
    @Test func `in kohya's layout gives repeats and class tokens`() throws {
        let folder = try TemporaryFolder()
        for name in ["10_brown horse", "2_一匹马", "5", "3_", "notes", "0_unused", "-1_x", ".hidden"] {
            try folder.copy("plain.png", as: "\(name)/a.png")
        }
        var defaults = TrainingData.Subset()
        defaults.flipAugmentation = true
        let (subsets, notes) = try FolderScan.subsets(in: folder.path, isRegularization: true, defaults: defaults)
        #expect(subsets.map(\.repeats) == [10, 2, 3, 5])
        #expect(subsets.map(\.classTokens) == ["brown horse", "一匹马", nil, nil])
        #expect(subsets.map(\.imageDirectory).allSatisfy { $0.hasPrefix(folder.path + "/") })
        #expect(subsets.allSatisfy { $0.isRegularization && $0.flipAugmentation })
        #expect(notes.count == 3)
        #expect(notes.contains { $0.contains("/notes is left out: it is not named <repeats>_<class tokens>") })
        #expect(notes.contains { $0.contains("/0_unused is left out: it asks for 0 repeats") })
    }

    @Test func `gives its pictures in the order of their names' bytes`() throws {
        let folder = try TemporaryFolder()
        for name in ["b.PNG", "a.jpeg", "é.png", "e\u{301}.png", "10.webp", "9.bmp", "马.JPG", ".hidden.png", "a.txt"] {
            try folder.copy("plain.png", as: name)
        }
        try folder.copy("plain.png", as: "folder.png/inside.png")
        let pictures = try FolderScan.pictures(in: folder.path + "/")
        #expect(
            pictures.paths.map { Array($0.utf8.dropFirst(folder.path.utf8.count + 1)) }
                == ["10.webp", "9.bmp", "a.jpeg", "b.PNG", "e\u{301}.png", "é.png", "马.JPG"].map { Array($0.utf8) })
        #expect(pictures.notes.isEmpty)
    }

    @Test func `says what it passes over`() throws {
        let folder = try TemporaryFolder()
        try folder.copy("plain.png")
        try folder.copy("gif.png", as: "anim.gif")
        #expect(try FolderScan.pictures(in: folder.path).notes.first?.contains("such as anim.gif: convert") == true)
    }

    @Test func `that is missing, empty or no folder is refused with what to do`() throws {
        let folder = try TemporaryFolder()
        func scan(_ path: String) -> String {
            sentence { try FolderScan.subsets(in: path, isRegularization: false, defaults: .init()) }
        }
        #expect(scan(folder.path + "/nowhere").contains("/nowhere cannot be opened (No such file or directory): check"))
        #expect(scan("").contains("no folder is named"))
        #expect(scan(folder.path).contains("has no folder named <repeats>_<class tokens>, such as 10_horse"))
        #expect(
            sentence { try FolderScan.pictures(in: folder.path) }.hasSuffix(
                "has no pictures (png, jpg, jpeg, webp or bmp)"))
        let file = try folder.copy("plain.png")
        #expect(scan(file).contains("plain.png cannot be opened (Not a directory): check"))
        #expect(scan(folder.path).contains("has 1 pictures but no folder named"))
    }

    @Test(.enabled(if: geteuid() != 0, "root reads everything"))
    func `that may not be read is refused`() throws {
        let folder = try TemporaryFolder()
        try folder.copy("plain.png", as: "1_x/a.png")
        chmod(folder.path + "/1_x", 0)
        defer { chmod(folder.path + "/1_x", 0o755) }
        #expect(sentence { try FolderScan.pictures(in: folder.path + "/1_x") }.contains("(Permission denied)"))
    }
}
