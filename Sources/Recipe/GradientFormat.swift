/// How the numbers of gradients, and of changes of the weights, are written on their way.
package enum GradientFormat: String, CaseIterable, Codable, Sendable {
    /// IEEE 754 binary32: nothing is lost.
    case fp32
    /// The upper half of that, rounded: half the bytes.
    case bf16
    /// Whole numbers from −127 to 127, with a scale for each block: a quarter of the bytes.
    case int8
}
