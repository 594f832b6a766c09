package import ContentStore
package import Foundation

/// What a worker is asked to make of a step's weights when there is time for it: a picture, or the validation losses.
package struct PictureTask: Codable, Equatable, Sendable {
    package enum Kind: String, Codable, Sendable {
        case picture
        /// The loss of each sample that is held out, as a file like a picture's.
        case validation
    }

    package var kind: Kind
    /// Counts tasks; a task that is given to another worker keeps its number.
    package var number: UInt64
    /// How many steps had been done when it was due.
    package var step: Int
    /// Which of that step's pictures, from 0.
    package var index: Int
    /// The weights that it shows, fp32, little-endian, to be fetched like any other content.
    package var weights: Content
    /// What it is to be of, as the program wrote it down for its workers: for it alone to read.
    package var request: Data

    package init(
        _ kind: Kind = .picture, number: UInt64, step: Int, index: Int, weights: Content, request: Data
    ) {
        self.kind = kind
        self.number = number
        self.step = step
        self.index = index
        self.weights = weights
        self.request = request
    }
}

/// A piece of what a task asked for, as a file's bytes.
///
/// The next is sent when the coordinator has said that it has this one, so that pictures never crowd a connection.
package struct PicturePiece: Codable, Equatable, Sendable {
    /// The task's.
    package var number: UInt64
    /// The whole file.
    package var file: Content
    package var offset: Int
    package var bytes: Data

    package init(number: UInt64, file: Content, offset: Int, bytes: Data) {
        self.number = number
        self.file = file
        self.offset = offset
        self.bytes = bytes
    }

    /// The most bytes in a piece.
    package static let limit = 64 << 10
    /// The largest file that is taken.
    package static let largestFile = 64 << 20
}
