/// How the numbers of gradients are written on their way to where they are added up.
///
/// Weights always travel as they are.
package enum GradientFormat: String, CaseIterable, Codable, Sendable {
    /// IEEE 754 binary32: nothing is lost.
    case fp32
    /// The upper half of that, rounded: half the bytes.
    case bf16
    /// Whole numbers from −127 to 127, with a scale for each block: a quarter of the bytes.
    case int8
}
