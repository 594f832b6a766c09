import CVectors
import Foundation
import Wire

/// A gradient or all weights, flat: memory of a fixed number of floats.
///
/// It goes from thread to thread (learner, socket's owner, libzmq's own), so it is a class and `Sendable`; whoever
/// writes to a part of it is the only one who knows of that part, and once a part is being sent nobody writes to it.
package final class FlatFloats: @unchecked Sendable {
    package let elements: UnsafeMutableBufferPointer<Float>

    /// Not initialised, or what was in it before: the first use writes all of it.
    package init(count: Int) {
        elements = SpareMemory.shared.take(count) ?? .allocate(capacity: count)
    }

    deinit {
        SpareMemory.shared.put(elements)
    }

    package convenience init(copying source: UnsafeBufferPointer<Float>) {
        self.init(count: source.count)
        _ = elements.update(fromContentsOf: source)
    }

    package static func zeros(count: Int) -> FlatFloats {
        let zeros = FlatFloats(count: count)
        zeros.elements.initialize(repeating: 0)
        return zeros
    }

    package var count: Int { elements.count }

    /// The bytes as they go over the wire.
    ///
    /// Every machine that Swift runs Linux on is little-endian.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(elements) }

    /// The name of these very bits, as weights.
    package var checksum: UInt64 { WeightsChecksum.of(bytes) }

    /// √Σ x², in fp64; finite exactly when all elements are, since no number of squares of floats is too large for it.
    package var norm: Double { squares(UnsafeBufferPointer(elements)).squareRoot() }

    /// `self += other`, element by element.
    func add(_ other: FlatFloats) {
        precondition(count == other.count)
        vectors_add(elements.baseAddress, elements.baseAddress, other.elements.baseAddress, count)
    }
}

/// Σ x², in fp64; finite exactly when all elements are.
func squares(_ floats: UnsafeBufferPointer<Float>) -> Double { vectors_squares(floats.baseAddress, floats.count) }

/// Memory of gradients and shards that are no more, for the next ones: fresh pages cost more than adding up.
private final class SpareMemory: @unchecked Sendable {
    // `Sendable` because every access to the buffers holds the lock.
    static let shared = SpareMemory()
    /// What is kept is at most so many times the longest of them.
    private static let most = 6
    private let lock = NSLock()
    /// The oldest first.
    private var buffers: [UnsafeMutableBufferPointer<Float>] = []
    private var total = 0

    func take(_ count: Int) -> UnsafeMutableBufferPointer<Float>? {
        lock.withLock {
            guard let index = buffers.lastIndex(where: { $0.count == count }) else { return nil }
            total -= count
            return buffers.remove(at: index)
        }
    }

    func put(_ buffer: UnsafeMutableBufferPointer<Float>) {
        lock.withLock {
            buffers.append(buffer)
            total += buffer.count
            while let oldest = buffers.first, total > SpareMemory.most * (buffers.map(\.count).max() ?? 0) {
                total -= oldest.count
                oldest.deallocate()
                buffers.removeFirst()
            }
        }
    }
}
