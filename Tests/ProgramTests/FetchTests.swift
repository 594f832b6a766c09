import Crypto
import Foundation
import ProgramSupport
import Testing

extension `The program` {
    @Suite struct `brings a worker all it needs,` {
        private let furnace: Furnace
        private let cache: String

        init() throws {
            furnace = try Furnace()
            try furnace.write()
            cache = furnace.path("cache of a worker")
        }

        private func coordinate() throws -> (Launched, address: String) {
            let coordinator = try furnace.danlu("coordinate", "recipe.toml", "--listen", "tcp://127.0.0.1:0")
            let words = "Workers join with: danlu work "
            try coordinator.wait(forOutput: words)
            let line = try #require(coordinator.output.split(separator: "\n").first { $0.hasPrefix(words) })
            return (coordinator, String(line.dropFirst(words.count)))
        }

        /// Starts a worker on what is as good as another box: it can see neither the model nor the pictures.
        ///
        /// - Returns: nil where this user may not hide anything, which is said.
        private func workElsewhere(_ arguments: String...) throws -> Launched? {
            let away = furnace.folder.appending(path: "another box")
            try FileManager.default.createDirectory(at: away, withIntermediateDirectories: true)
            let hide = [Furnace.model.path, furnace.path("data")]
                .map { "mount -t tmpfs none '\($0)'" }.joined(separator: " && ")
            let unshare = ["--mount"] + (getuid() == 0 ? [] : ["--map-root-user"])
            let probe = try Launched(unshare + ["true"], in: away, executable: "/usr/bin/unshare").end()
            guard probe.status == 0 else {
                print("skipped: hiding files from a process takes root or user namespaces: \(probe.errors)")
                return nil
            }
            return try Launched(
                unshare + ["sh", "-ec", "\(hide); ! test -e '\(Furnace.model.path)/unet'; exec \"$@\"", "sh"]
                    + [Launched.program(), "work"] + arguments,
                in: away, executable: "/usr/bin/unshare", environment: ["HOME": away.path])
        }

        private func file(_ bytes: Data) throws -> (folder: String, path: String) {
            let hash = SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
            return ("\(cache)/sha256/\(hash.prefix(2))", "\(cache)/sha256/\(hash.prefix(2))/\(hash)")
        }

        @Test func `to a box that has nothing, and the LoRA is the same`() throws {
            let (coordinator, address) = try coordinate()
            guard let worker = try workElsewhere(address, "--name", "far", "--device", "cpu", "--cache", cache) else {
                return
            }
            #expect(try coordinator.end().status == 0)
            let ended = try worker.end(within: 30)
            #expect(ended.status == 0)
            for what in ["pictures", "the base model"] { #expect(ended.errors.contains("fetched \(what): ")) }
            #expect(try furnace.fingerprint() == Furnace.expected())
            let model = try file(Data(contentsOf: Furnace.model.appending(path: "unet/config.json")))
            #expect(FileManager.default.fileExists(atPath: model.path))
        }

        @Test func `of the pictures only those that its slots need, when they need them`() throws {
            for key in ["train_batch_size", "gradient_accumulation_steps", "max_train_steps"] {
                furnace.settings[key] = "1"
            }
            try furnace.write()
            let (coordinator, address) = try coordinate()
            guard let worker = try workElsewhere(address, "--name", "far", "--device", "cpu", "--cache", cache) else {
                return
            }
            #expect(try coordinator.end().status == 0)
            #expect(try worker.end(within: 30).status == 0)
            let here = try (0..<6).filter {
                let picture = try Data(contentsOf: furnace.folder.appending(path: "data/3_a horse/\($0).png"))
                return FileManager.default.fileExists(atPath: try file(picture).path)
            }
            #expect(here.count == 1, "\(here)")
        }

        @Test func `and goes on with what has arrived, and fetches again what is damaged`() throws {
            let unet = try Data(contentsOf: Furnace.model.appending(path: "unet/diffusion_pytorch_model.safetensors"))
            let begun = try file(unet)
            let damaged = try file(Data(contentsOf: furnace.folder.appending(path: "data/3_a horse/1.png")))
            for place in [begun, damaged] {
                try FileManager.default.createDirectory(atPath: place.folder, withIntermediateDirectories: true)
            }
            try unet.dropLast(12_345).write(to: URL(filePath: begun.path + ".partial"))
            try Data("no picture".utf8).write(to: URL(filePath: damaged.path))

            let (coordinator, address) = try coordinate()
            guard let worker = try workElsewhere(address, "--name", "far", "--device", "cpu", "--cache", cache) else {
                return
            }
            #expect(try coordinator.end().status == 0)
            let ended = try worker.end(within: 30)
            #expect(ended.errors.contains("1.png in the cache is damaged and is fetched again"))
            #expect(try Data(contentsOf: URL(filePath: begun.path)) == unet)
            #expect(!FileManager.default.fileExists(atPath: begun.path + ".partial"))
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `several workers on one box, which share what is fetched`() throws {
            let (coordinator, address) = try coordinate()
            guard
                let workers = try workElsewhere(address, "--name", "far", "--device", "cpu,cpu", "--cache", cache)
            else { return }
            let finished = try coordinator.end()
            #expect(finished.status == 0)
            #expect(finished.output.contains("(far/0) joined") && finished.output.contains("(far/1) joined"))
            let ended = try workers.end(within: 30)
            #expect(ended.status == 0)
            for name in ["far/0: ", "far/1: "] {
                #expect(ended.errors.contains(name + "worker: dismissed: the run is complete"))
            }
            #expect(try furnace.fingerprint() == Furnace.expected())
        }

        @Test func `or says in one sentence that it does not fit`() throws {
            let (coordinator, address) = try coordinate()
            guard
                let worker = try workElsewhere(
                    address, "--name", "far", "--device", "cpu", "--cache", cache, "--cache-limit", "100kB")
            else { return }
            let ended = try worker.end(within: 60)
            #expect(ended.status == 1)
            #expect(ended.errors.contains("which may hold 100 kB: raise --cache-limit"))
            try coordinator.wait(forOutput: "(far) is gone: the run needs ", within: 10)
        }

        @Test func `and refuses what arrives wrong twice, with both hashes`() throws {
            let model = furnace.folder.appending(path: "model")
            try FileManager.default.copyItem(at: Furnace.model, to: model)
            furnace.settings["pretrained_model_name_or_path"] = "\"model\""
            try furnace.write()
            let (coordinator, address) = try coordinate()
            // A disk that gives other bytes than before, although nobody has written to the file.
            let path = model.appending(path: "unet/diffusion_pytorch_model.safetensors").path
            var status = stat()
            #expect(stat(path, &status) == 0)
            var bytes = try Data(contentsOf: URL(filePath: path))
            let right = SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
            bytes[bytes.count - 1] ^= 1
            let wrong = SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
            let file = try FileHandle(forUpdating: URL(filePath: path))
            try file.write(contentsOf: bytes)
            try file.close()
            utimensat(AT_FDCWD, path, [status.st_atim, status.st_mtim], 0)

            let ended = try furnace.danlu("work", address, "--name", "w", "--device", "cpu", "--cache", cache)
                .end(within: 60)
            #expect(ended.status == 1)
            #expect(ended.errors.contains("arrived damaged and is fetched once more"))
            #expect(ended.errors.contains("is \(wrong) as it arrives here and \(right) at the coordinator, twice"))
            try coordinator.wait(forOutput: "(w) is gone: ", within: 10)
        }

        @Test func `and its several workers leave when they are asked to`() throws {
            let address = "tcp://127.0.0.1:\(try TakenPort.free())"
            let workers = try furnace.danlu("work", address, "--name", "box", "--device", "cpu,cpu")
            try workers.wait(for: "two workers") {
                ["box/0", "box/1"].allSatisfy { workers.errors.contains("\($0): worker: looking for") }
            }
            let children = workers.workers
            #expect(children.count == 2)
            workers.signal(SIGTERM)
            #expect(try workers.end(within: 20).status == 0)
            #expect(children.allSatisfy { !Launched.isAlive($0) })
        }

        @Test func `and starts one of several again that was killed`() throws {
            let address = "tcp://127.0.0.1:\(try TakenPort.free())"
            let workers = try furnace.danlu("work", address, "--name", "box", "--device", "cpu,cpu")
            try workers.wait(for: "two workers") { workers.workers.count == 2 }
            let victim = try #require(workers.workers.first)
            kill(victim, SIGKILL)
            try workers.wait(for: "another worker") {
                workers.errors.contains("killed by signal 9; started again") && workers.workers.count == 2
            }
            workers.signal(SIGTERM)
            #expect(try workers.end(within: 20).status == 0)
        }

        @Test(arguments: ["", "20XB", "-1GB", "GB", "1e40GB"])
        func `but takes no limit that is no number of bytes`(limit: String) throws {
            let ended = try furnace.danlu("work", "tcp://127.0.0.1:1", "--cache-limit", limit).end(within: 60)
            #expect(ended.status != 0 && ended.errors.contains("--cache-limit"))
        }
    }
}
