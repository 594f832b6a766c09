import Foundation
import Safetensors
import Testing

@Suite struct `Writing a safetensors file` {
    private struct Stopped: Error {}

    @Test func `that fails half-way leaves the old file and nothing else`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("lora.safetensors")
        try SafetensorsWriter([OutgoingTensor(name: "w", shape: [1], floats: [1])]).write(to: path)
        let before = try folder.read("lora.safetensors")
        let failing = try SafetensorsWriter([
            OutgoingTensor(name: "a", shape: [1], floats: [2]),
            OutgoingTensor(name: "w", type: .float32, shape: [1]) { _ in throw Stopped() },
        ])
        #expect(throws: Stopped.self) { try failing.write(to: path) }
        #expect(try folder.read("lora.safetensors") == before)
        #expect(try folder.names == ["lora.safetensors"])
    }

    @Test func `replaces the old file at once`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("lora.safetensors")
        try SafetensorsWriter([OutgoingTensor(name: "w", shape: [1], floats: [1])]).write(to: path)
        let mapped = try SafetensorsFile(path: path)
        try SafetensorsWriter([OutgoingTensor(name: "w", shape: [1], floats: [2])]).write(to: path)
        #expect(try mapped.floats(of: "w") == [1])
        #expect(try SafetensorsFile(path: path).floats(of: "w") == [2])
        #expect(try folder.names == ["lora.safetensors"])
    }

    @Test func `into a folder that is not there or is a file names the path`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("nowhere/lora.safetensors")
        #expect(throws: SafetensorsError(path: path, problem: .cannotWrite(reason: "No such file or directory"))) {
            try SafetensorsWriter([]).write(to: path)
        }
        let file = try folder.write([])
        #expect(throws: SafetensorsError(path: file + "/x", problem: .cannotWrite(reason: "Not a directory"))) {
            try SafetensorsWriter([]).write(to: file + "/x")
        }
    }

    @Test func `of a tensor that gives too few bytes is refused by name`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("short.safetensors")
        let writer = try SafetensorsWriter([OutgoingTensor(name: "w", type: .float32, shape: [2], bytes: [0, 0, 0, 0])])
        #expect(
            throws: SafetensorsError(path: path, problem: .wrongByteCount(tensor: "w", expected: 8, actual: 4))
        ) { try writer.write(to: path) }
        #expect(try folder.names.isEmpty)
    }

    @Test func `of two tensors with one name, or one named like the metadata, is refused`() throws {
        for names in [["w", "w"], ["__metadata__"]] {
            let tensors = names.map { OutgoingTensor(name: $0, shape: [0], floats: []) }
            #expect(throws: SafetensorsProblem.duplicateTensor(names[0])) { try SafetensorsWriter(tensors) }
        }
    }

    @Test func `on a full disk is refused in the system's words`() throws {
        let full = try OutputFile(opening: "/dev/full", for: "lora.safetensors")
        let error = try #require(throws: SafetensorsError.self) { try [UInt8(0)].withUnsafeBytes(full.write) }
        #expect(error.problem == .cannotWrite(reason: "No space left on device"))
        #expect(
            error.description
                == "lora.safetensors: cannot be written: No space left on device; what was there before is unchanged.")
    }

    @Test func `takes tensors in pieces and hashes them as they pass`() throws {
        // 0x110000 and more, so that the window of the legacy hash is full.
        let pieces = (0..<20).map { number in [UInt8](repeating: UInt8(number), count: 65_536) }
        let tensor = OutgoingTensor(name: "w", type: .uint8, shape: [20, 65_536]) { write in
            for piece in pieces { try piece.withUnsafeBytes(write) }
        }
        let folder = try TemporaryFolder()
        let writer = try SafetensorsWriter([tensor], metadata: ["ss_epoch": "1"])
        try writer.write(to: folder.path("w.safetensors"))
        let file = try SafetensorsFile(path: folder.path("w.safetensors"))
        let hashes = try TensorHashes(of: writer)

        // hashlib.sha256 over what safetensors 0.8.0 writes for the same tensor and metadata.
        #expect(hashes.model == "b4d434216d3b3ffadeb021b5416742c7ec370a706c18a4c26ec71b5332e2fdeb")
        #expect(hashes.legacy == "06406da7")
        #expect(file.fileHash == "3cd64062fd1f36e042c7d0c7736e3d34d76e2e8cfcba918d93cadaa5d81ecfb3")
        #expect(file.tensorDataHash == hashes.model)
        #expect(file.legacyHash == hashes.legacy)
    }

    @Test func `gives a small file the legacy hash of nothing`() throws {
        let hashes = try TensorHashes(of: SafetensorsWriter([]))
        #expect(hashes.legacy == "e3b0c442")
        #expect(hashes.model == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }
}
