import Crypto
import Foundation
import Journal
import ProgramSupport
import Synchronization
import Testing

@testable import Export

@Suite struct `A TensorBoard event` {
    // RFC 3720, B.4: 32 bytes of zeros, of ones, ascending; and the usual "123456789".
    @Test(
        arguments: [
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            ([UInt8](0..<32), 0x46DD_794E), ([UInt8]("123456789".utf8), 0xE306_9283),
        ] as [([UInt8], UInt32)])
    func `has sums with the known answers`(bytes: [UInt8], sum: UInt32) {
        #expect(CyclicRedundancyCheck.sum(of: bytes) == sum)
    }
}

/// Skipped where there is no Python with tensorboard; `Cluster/test` brings one.
@Suite(.enabled("needs .deps/clients, or DANLU_CLIENTS") { ClientPython.isThere })
struct `TensorBoard` {
    private let ledge: Ledge

    init() throws { ledge = try Ledge() }

    private var board: URL { ledge.folder.appending(path: "tensorboard") }

    private func log() -> TensorBoardLog { TensorBoardLog(run: ledge.folder, folder: board) { _ in } }

    @Test func `reads every number and picture, each step once, while the run goes on and is resumed`() throws {
        var writer: JournalWriter? = try ledge.writer()
        var log: TensorBoardLog? = log()
        for step in 0..<4 { writer?.write(.step(Ledge.step(step))) }
        let picture = try ledge.picture(step: "000002", prompt: "01")
        try ledge.picture(step: "000009", prompt: "00")
        try writer?.flush()
        log?.finish()
        let reader = try Reader(board)
        let first = try reader.next()
        try check(first, steps: 4)
        let sum = SHA256.hash(data: picture).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(first.images.mapValues(\.count) == ["samples/01": 1], "a picture of a step that was not done is old")
        #expect(
            first.images["samples/01"]?.first == .init(step: 2, width: 1, height: 1, bytes: picture.count, sum: sum))

        // The coordinator is killed and goes on from an earlier state, twice; the second time within its life.
        (writer, log) = (nil, nil)
        writer = try ledge.writer(from: 2)
        log = self.log()
        log?.finish()
        try check(try reader.next(), steps: 2)
        for step in 2..<5 { writer?.write(.step(Ledge.step(step, loss: Double(step)))) }
        try writer?.flush()
        log?.finish()
        try check(try reader.next(), steps: 5)
        writer?.write(.rolledBack(step: 3))
        for step in 3..<6 { writer?.write(.step(Ledge.step(step, loss: 7))) }
        try writer?.flush()
        log?.finish()
        let last = try reader.next()
        try check(last, steps: 6)
        #expect(last.scalars["loss/epoch_average"]?.map(\.step) == [3, 6])
        let fresh = try Reader(board).next()
        #expect(fresh.scalars == last.scalars && fresh.images == last.images)
        #expect(try files().count == 1, "a folder that is read whole has no step twice either")
    }

    @Test func `reads the validation losses by kohya's tags, each once, whenever they come`() throws {
        func entry(_ step: Int, _ loss: Double, epoch: Bool = false) -> Entry {
            .validation(ValidationEntry(step: step, loss: loss, samples: 8, isOfStep: !epoch, isOfEpoch: epoch))
        }
        var writer: JournalWriter? = try ledge.writer()
        var log: TensorBoardLog? = log()
        for step in 0..<4 { writer?.write(.step(Ledge.step(step))) }
        writer?.write(entry(1, 0.75))
        try writer?.flush()
        log?.finish()
        let reader = try Reader(board)
        #expect(try reader.next().scalars["loss/validation/step_average"]?.map(\.step) == [2])
        // Of a step that was done a while ago.
        writer?.write(entry(2, 0.5, epoch: true))
        try writer?.flush()
        log?.finish()
        let found = try reader.next().scalars
        #expect(found["loss/validation/step_average"]?.map(\.value) == [0.75])
        #expect(found["loss/validation/step_divergence"]?.map(\.value) == [Double(Float(0.75 - (0.1 + 0.2 * 1)))])
        #expect(found["loss/validation/epoch_average"]?.map(\.step) == [3])
        #expect(found["loss/validation/epoch_divergence"]?.map(\.value) == [Double(Float(0.5 - (0.1 + 0.2 * 2)))])
        #expect(found["loss/current"]?.count == 4)
        // The coordinator is killed, and goes on from an earlier state.
        (writer, log) = (nil, nil)
        writer = try ledge.writer(from: 2)
        log = self.log()
        for step in 2..<6 { writer?.write(.step(Ledge.step(step))) }
        writer?.write(entry(2, 0.25, epoch: true))
        try writer?.flush()
        log?.finish()
        let again = try Reader(board).next().scalars
        #expect(again["loss/validation/step_average"]?.map(\.value) == [0.75])
        #expect(again["loss/validation/epoch_average"]?.map(\.value) == [0.25])
    }

    @Test func `keeps what was written before a journal was damaged`() throws {
        var writer: JournalWriter? = try ledge.writer()
        var log: TensorBoardLog? = log()
        for step in 0..<4 { writer?.write(.step(Ledge.step(step))) }
        try writer?.flush()
        log?.finish()
        (writer, log) = (nil, nil)
        for ending in ["", "-wal", "-shm"] {
            try Data("no journal".utf8).write(to: ledge.folder.appending(path: "journal.sqlite\(ending)"))
        }
        writer = try ledge.writer(from: 3)
        log = self.log()
        for step in 3..<6 { writer?.write(.step(Ledge.step(step))) }
        try writer?.flush()
        log?.finish()
        try check(try Reader(board).next(), steps: 6, journal: (0..<6).map { Ledge.step($0).loss })
    }

    @Test func `is not needed: a folder that cannot be written is said once, and the run goes on`() throws {
        let said = Mutex<[String]>([])
        try Data().write(to: board)
        let log = TensorBoardLog(run: ledge.folder, folder: board) { sentence in said.withLock { $0.append(sentence) } }
        let writer = try ledge.writer()
        writer.write(.step(Ledge.step(0)))
        try writer.flush()
        log.finish()
        log.finish()
        #expect(said.withLock(\.count) == 1)
        #expect(said.withLock { $0[0] }.contains("\(board.path) cannot be written ("))
        try FileManager.default.removeItem(at: board)
        log.finish()
        #expect(said.withLock(\.last) == "the TensorBoard files are written again")
        #expect(try files().count == 1)
    }

    /// Those that have something in them.
    private func files() throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: board, includingPropertiesForKeys: [.fileSizeKey])
            .filter { try $0.resourceValues(forKeys: [.fileSizeKey]).fileSize != 0 }
    }

    /// Holds what TensorBoard has against the journal.
    private func check(_ found: Reader.Contents, steps: Int, journal: [Double]? = nil) throws {
        let known = try ledge.reader().steps(from: 0)
        let losses = try journal ?? known.map { try #require($0.loss) }
        #expect(losses.count == steps)
        #expect(found.scalars["loss/current"]?.map(\.step) == Array(1...steps))
        #expect(found.scalars["loss/current"]?.map(\.value) == losses.map { Double(Float($0)) })
        #expect(found.scalars["lr/unet"]?.map(\.value) == losses.map { _ in Double(Float(1e-4 / 3)) })
        #expect(found.scalars["loss_by_timestep/800-999"]?.count == steps)
        #expect(found.scalars["gradient/noise_scale"]?.map(\.step) == Array(2...steps))
        #expect(found.scalars["lr/textencoder"]?.count == steps && found.scalars["lr/unet plus"] == nil)
        if journal == nil {
            #expect(found.scalars["loss/average"]?.map(\.time) == known.map(\.time.timeIntervalSince1970))
        }
    }
}

/// The tensorboard package, reading on whenever it is asked.
private final class Reader {
    struct Scalar: Decodable, Equatable {
        let step: Int
        let time: Double
        let value: Double

        init(from decoder: any Decoder) throws {
            var fields = try decoder.unkeyedContainer()
            step = try fields.decode(Int.self)
            time = try fields.decode(Double.self)
            value = try fields.decode(Double.self)
        }
    }

    struct Image: Decodable, Equatable {
        let step: Int
        let width: Int
        let height: Int
        let bytes: Int
        let sum: String

        init(step: Int, width: Int, height: Int, bytes: Int, sum: String) {
            (self.step, self.width, self.height, self.bytes, self.sum) = (step, width, height, bytes, sum)
        }

        init(from decoder: any Decoder) throws {
            var fields = try decoder.unkeyedContainer()
            step = try fields.decode(Int.self)
            width = try fields.decode(Int.self)
            height = try fields.decode(Int.self)
            bytes = try fields.decode(Int.self)
            sum = try fields.decode(String.self)
        }
    }

    struct Contents: Decodable {
        let scalars: [String: [Scalar]]
        let images: [String: [Image]]
    }

    private let process = Process()
    private let questions = Pipe()
    private let answers = Pipe()
    private var isFirst = true
    private var rest = Data()

    init(_ folder: URL) throws {
        process.executableURL = URL(filePath: ClientPython.path)
        process.arguments = [ClientPython.folder.appending(path: "read_tensorboard.py").path, folder.path]
        process.standardInput = questions
        process.standardOutput = answers
        try process.run()
    }

    deinit {
        try? questions.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    func next() throws -> Contents {
        if !isFirst { try questions.fileHandleForWriting.write(contentsOf: Data("\n".utf8)) }
        isFirst = false
        while !rest.contains(0x0A) {
            let more = answers.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Launched.Complaint(description: "tensorboard ended without an answer") }
            rest += more
        }
        let line = rest.prefix { $0 != 0x0A }
        rest = Data(rest.dropFirst(line.count + 1))
        return try JSONDecoder().decode(Contents.self, from: line)
    }
}
