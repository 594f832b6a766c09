import ContentStore
import Foundation
import Wire

/// A picture that a worker has made and the coordinator does not wholly have.
struct Canvas: Sendable {
    let number: UInt64
    let file: [UInt8]
    private let content: Content
    /// What the coordinator has, as far as is known.
    private var count = 0

    init(number: UInt64, file: [UInt8]) {
        self.number = number
        self.file = file
        content = Content(of: file)
    }

    /// The coordinator says how much it has.
    ///
    /// - Returns: whether that is all.
    mutating func isDone(at count: Int) -> Bool {
        self.count = max(0, count)
        return self.count >= file.count
    }

    /// What to say now, and again as long as nothing is heard.
    var message: WorkerMessage {
        let end = min(file.count, count + PicturePiece.limit)
        guard count < end else { return .notPainted(number: number, reason: "the picture's file is empty") }
        return .painted(PicturePiece(number: number, file: content, offset: count, bytes: Data(file[count..<end])))
    }
}
