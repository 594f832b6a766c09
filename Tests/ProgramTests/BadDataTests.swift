import Foundation
import Images
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `says in one sentence what is wrong with` {
        private let furnace: Furnace
        private let pictures: String

        init() throws {
            furnace = try Furnace()
            pictures = furnace.path("data/3_a horse")
        }

        private func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
            try Data(bytes).write(to: URL(filePath: pictures).appending(path: name))
        }

        @Test func `a data folder that is missing, empty, without pictures, or none`() throws {
            furnace.settings["train_data_dir"] = "\"nowhere\""
            #expect(
                try furnace.refusal().hasPrefix(
                    "the folder of pictures nowhere cannot be opened (No such file or directory): check train_data_dir")
            )
            furnace.settings["train_data_dir"] = "\"recipe.toml/data\""
            #expect(
                try furnace.refusal().hasPrefix(
                    "the folder of pictures recipe.toml/data cannot be opened (Not a directory): check"))
            furnace.settings["train_data_dir"] = "\"empty\""
            try FileManager.default.createDirectory(atPath: furnace.path("empty"), withIntermediateDirectories: false)
            #expect(try furnace.refusal().hasPrefix("empty has no folder named <repeats>_<class tokens>"))
            try FileManager.default.createDirectory(
                atPath: furnace.path("empty/1_horse"), withIntermediateDirectories: false)
            #expect(try furnace.refusal().contains("empty/1_horse has no pictures"))
        }

        @Test(.enabled("root may read everything") { geteuid() != 0 })
        func `a data folder that may not be read`() throws {
            try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: furnace.path("data"))
            #expect(
                try furnace.refusal().hasPrefix(
                    "the folder of pictures data cannot be opened (Permission denied): check"))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: furnace.path("data"))
        }

        @Test(arguments: [
            ("truncated.png", "is damaged or cut short"), ("truncated.jpg", "is damaged or cut short"),
            ("truncated.webp", "is damaged or cut short"), ("empty.png", "is empty (0 bytes)"),
            ("one-pixel.png", "is 1×1 pixels and too small"),
            ("promises-too-much.png", "is 65000×65000 pixels and too large"),
            ("gif.png", "is not a PNG, JPEG, WebP or BMP picture but looks like"),
        ])
        func `a picture that cannot be learned from`(name: String, complaint: String) throws {
            let bytes = try Data(contentsOf: Furnace.fixtures.appending(path: "images/\(name)"))
            try write(bytes, to: "x-\(name)")
            let refusal = try furnace.refusal()
            #expect(refusal.hasPrefix("\(pictures)/x-\(name) \(complaint)"))
        }

        @Test func `a picture that is text, leads nowhere, or is a pipe`() throws {
            try write("it says horse".utf8, to: "x.png")
            #expect(try furnace.refusal().hasPrefix("\(pictures)/x.png is not a PNG, JPEG, WebP or BMP picture"))
            try FileManager.default.removeItem(atPath: pictures + "/x.png")
            try FileManager.default.createSymbolicLink(atPath: pictures + "/x.png", withDestinationPath: "nowhere")
            #expect(try furnace.refusal() == "cannot read \(pictures)/x.png: No such file or directory")
            try FileManager.default.removeItem(atPath: pictures + "/x.png")
            try #require(mkfifo(pictures + "/x.png", 0o644) == 0)
            #expect(try furnace.refusal() == "cannot read \(pictures)/x.png: it is not a regular file")
        }

        @Test func `a caption that is not UTF-8`() throws {
            try write([0x68, 0x6F, 0xFA, 0x72], to: "0.txt")
            #expect(try furnace.refusal().hasPrefix("\(pictures)/0.txt is not UTF-8"))
        }

        @Test func `a picture 30,000 pixels wide, unless its bucket can be filled from it`() throws {
            try write(Data(contentsOf: Furnace.fixtures.appending(path: "images/wide-30000.png")), to: "x.png")
            furnace.settings["max_train_steps"] = "1"
            let ended = try furnace.train().end()
            #expect(ended.status == 0 && ended.errors.isEmpty)
        }
    }
}
