@testable import Coordination

extension FlatFloats {
    /// A copy of the numbers; a pointer from ``elements`` does not keep a buffer that nobody else holds.
    var numbers: [Float] { withExtendedLifetime(self) { Array(elements) } }
}
