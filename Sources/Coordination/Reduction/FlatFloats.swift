import Foundation
import Wire

/// A gradient or all weights, flat: memory of a fixed number of floats.
///
/// It goes from thread to thread (learner, socket's owner, libzmq's own), so it is a class and `Sendable`; whoever
/// writes to it is the only one who has it, and once it is being sent nobody writes.
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

    /// The name of these very bits.
    package var checksum: UInt64 { Wire.checksum(bytes) }

    /// Whether there is neither a NaN nor an infinity in it: those have all bits of the exponent set.
    var isFinite: Bool {
        let exponent: UInt32 = 0x7F80_0000
        var found: UInt32 = 0
        for element in elements { found |= (element.bitPattern & exponent) == exponent ? 1 : 0 }
        return found == 0
    }

    /// √Σ x², in fp64; not finite when an element is not.
    package var norm: Double {
        var lanes = SIMD8<Double>()
        let whole = count / 8 * 8
        for start in stride(from: 0, to: whole, by: 8) {
            let values = UnsafeRawPointer(elements.baseAddress.unsafelyUnwrapped + start)
            let x = SIMD8<Double>(values.loadUnaligned(as: SIMD8<Float>.self))
            lanes += x * x
        }
        var sum = lanes.sum()
        for index in whole..<count { sum += Double(elements[index]) * Double(elements[index]) }
        return sum.squareRoot()
    }

    /// `self += other`, element by element.
    func add(_ other: FlatFloats) {
        precondition(count == other.count)
        guard let sum = elements.baseAddress, let addend = other.elements.baseAddress else { return }
        for index in 0..<count { sum[index] += addend[index] }
    }
}

/// Memory of gradients that are no more, of one size, for the next ones: fresh pages cost more than adding up.
private final class SpareMemory: @unchecked Sendable {
    // `Sendable` because every access to `buffers` holds the lock.
    static let shared = SpareMemory()
    private static let most = 6
    private let lock = NSLock()
    private var buffers: [UnsafeMutableBufferPointer<Float>] = []

    func take(_ count: Int) -> UnsafeMutableBufferPointer<Float>? {
        lock.withLock { buffers.last?.count == count ? buffers.popLast() : nil }
    }

    func put(_ buffer: UnsafeMutableBufferPointer<Float>) {
        lock.withLock {
            if let other = buffers.last, other.count != buffer.count || buffers.count == SpareMemory.most {
                buffers.removeLast().deallocate()
            }
            buffers.append(buffer)
        }
    }
}
