import Wire
import ZeroMQ

/// What is being sent to one receiver, chunk by chunk, no faster than the receiver gives credit for.
///
/// At most `credit` chunks to each receiver are between the two processes, so what a receiver of many must hold is
/// peers × credit × chunk, and no queue of libzmq's ever fills up.
struct Outflow {
    /// A buffer to send, and a message to send behind it.
    struct Parcel {
        var header: Header
        let floats: FlatFloats
        let ending: (any Encodable & Sendable)?
        var nextChunk = 0
    }

    private let chunkBytes: Int
    private let fullCredit: Int
    private var credit: Int
    private var parcels: [Parcel] = []

    init(chunkBytes: Int, creditChunks: Int) {
        self.chunkBytes = chunkBytes
        fullCredit = creditChunks
        credit = creditChunks
    }

    /// Whether all that was put in has been taken at the other end.
    var isIdle: Bool { parcels.isEmpty && credit == fullCredit }

    mutating func put(_ parcel: Parcel) { parcels.append(parcel) }

    mutating func receiveCredit(_ chunks: UInt32) {
        credit = min(fullCredit, credit + Int(chunks))
    }

    /// Lets go of parcels that nobody wants any more.
    mutating func drop(where isStale: (Header) -> Bool) {
        parcels.removeAll { isStale($0.header) }
    }

    /// Sends what credit allows.
    ///
    /// - Parameter send: throws ``ZeroMQError/queueFull`` to be asked again later.
    mutating func pump(_ send: ([Frame]) throws(ZeroMQError) -> Void) throws {
        while credit > 0, var parcel = parcels.first {
            let bytes = parcel.floats.bytes
            let count = chunkCount(of: bytes.count, in: chunkBytes)
            do throws(ZeroMQError) {
                if parcel.nextChunk < count {
                    let range = chunkRange(parcel.nextChunk, of: bytes.count, in: chunkBytes)
                    let chunk = UnsafeRawBufferPointer(rebasing: bytes[range])
                    var header = parcel.header.describing(chunk)
                    header.numberFormat = .float32
                    header.chunk = UInt32(parcel.nextChunk)
                    header.chunkCount = count
                    try send([Frame(header.bytes), Frame(sharing: chunk, of: parcel.floats)])
                    parcel.nextChunk += 1
                    credit -= 1
                    parcels[0] = parcel
                }
            } catch .queueFull {
                return
            }
            guard parcel.nextChunk == count else { continue }
            if let ending = parcel.ending {
                do throws(ZeroMQError) {
                    try send(try letter(ending, stamp: parcel.header.stamp))
                } catch .queueFull {
                    return
                }
            }
            parcels.removeFirst()
        }
    }
}
