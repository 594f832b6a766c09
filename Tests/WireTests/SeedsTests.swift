import Foundation
import Recipe
import Testing
import Wire

/// What `Cluster/fuzz` begins with: files in `Tests/Fuzz/Seeds`, whose first letter names the reader of the rest.
///
/// `DANLU_WRITE_SEEDS=1 swift test --filter SeedsTests` writes them anew.
@Suite(.serialized) struct `The fuzzer's seeds` {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fuzz/Seeds")

    private static func json(_ message: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try Array(encoder.encode(message))
    }

    private static let gradients: [[UInt8]] = [GradientFormat.fp32, .bf16, .int8].enumerated().map { number, format in
        let floats: [Float] = [1, -0.5, 3e38, 0, .leastNonzeroMagnitude, 127]
        return [UInt8(number), UInt8(floats.count), 0] + floats.withUnsafeBufferPointer { format.encode($0) }
    }

    /// 300 floats by themselves, and as a change since zeros.
    private static let packedFloats: [[UInt8]] = [UInt8(0), 1].map { isChange in
        let floats = (0..<300).map { Float($0 * $0) * 1e-7 }
        let place = UnsafeMutableRawBufferPointer.allocate(byteCount: 1200, alignment: 4)
        defer { place.deallocate() }
        let zeros = [Float](repeating: 0, count: 300)
        let count = floats.withUnsafeBytes { floats in
            zeros.withUnsafeBytes { PackedFloats.pack(floats, since: isChange == 1 ? $0 : nil, into: place) }
        }
        return [isChange, 44, 1] + Array(place[..<(count ?? 0)])
    }

    /// Frames, each behind its length: version, number, domain, address, identity, mechanism, key.
    private static let authentication: [UInt8] = {
        let words = ["1.0", "1", "danlu", "10.0.0.7", "", "CURVE", String(repeating: "k", count: 32)]
        return words.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    }()

    private static let safetensors: [UInt8] = {
        let json = #"{"__metadata__":{"a":"é\n"},"b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#
        return withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Array($0) } + Array(json.utf8)
            + [UInt8](repeating: 1, count: 8)
    }()

    private static let recipe = """
        pretrained_model_name_or_path = "m"
        [data]
        train_data_dir = 'd'
        resolution = "512,768"
        [network]
        network_dim = 8
        network_args = ["loraplus_lr_ratio=4"]
        unet_lr = 1e-4
        max_train_steps = 0x10
        [[datasets]]
        batch_size = 2
        [[datasets.subsets]]
        image_dir = "d"
        num_repeats = 3
        """

    /// Of every reader's letter some inputs that it accepts.
    private static func all() throws -> [(letter: String, inputs: [[UInt8]])] {
        [
            ("r", [Samples.header.bytes]),
            ("h", [Samples.header.bytes, [UInt8](repeating: 1, count: 6) + Samples.header.bytes[6...] + [1, 2]]),
            ("w", try Samples.ofWorkers.map(json)), ("c", try Samples.ofTheCoordinator.map(json)),
            ("o", try Samples.operations.map { try json(OperationRequest(number: 7, operation: $0)) }),
            ("q", [Samples.contentRequest.bytes]), ("g", gradients),
            ("p", packedFloats), ("z", [authentication]), ("s", [safetensors]),
            ("t", [Array(recipe.utf8)]),
        ]
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["DANLU_WRITE_SEEDS"] != nil))
    func `are written anew`() throws {
        try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
        for (letter, inputs) in try Self.all() {
            for (number, input) in inputs.enumerated() {
                try Data(Array(letter.utf8) + input).write(to: Self.folder.appending(path: "\(letter)\(number)"))
            }
        }
    }

    @Test func `are there for every reader, and those of messages are still understood`() throws {
        for (letter, inputs) in try Self.all() {
            let seeds = try inputs.indices.map { number in
                try Data(contentsOf: Self.folder.appending(path: "\(letter)\(number)"))
            }
            let understood = seeds.filter { seed in
                guard seed.first == letter.utf8.first else { return false }
                return seed.dropFirst().withUnsafeBytes { bytes in
                    switch letter {
                    case "w": (try? Control.decode(WorkerMessage.self, from: bytes)) != nil
                    case "c": (try? Control.decode(CoordinatorMessage.self, from: bytes)) != nil
                    case "o": (try? Control.decode(OperationRequest.self, from: bytes)) != nil
                    case "r": (try? Header.parse(bytes)) != nil
                    default: true
                    }
                }
            }
            #expect(understood.count >= (seeds.count + 1) / 2, "write the seeds anew: DANLU_WRITE_SEEDS=1")
        }
    }
}
