/// Whether fp32 gradients and weights go in fewer bytes, from which they come back bit for bit.
package enum Packing: String, CaseIterable, Codable, Sendable {
    /// Where it has been seen to save time.
    case auto
    case on
    case off
}
