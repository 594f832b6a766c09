/// A failed libtorch call: the operator, what its tensor arguments looked like, and libtorch's own words.
package struct TorchError: Error, CustomStringConvertible, Equatable {
    package let operation: String
    package let shapes: [[Int]]
    package let message: String

    package init(operation: String, shapes: [[Int]] = [], message: String) {
        self.operation = operation
        self.shapes = shapes
        self.message = message
    }

    package var description: String {
        let arguments = shapes.map { "[" + $0.map(String.init).joined(separator: "×") + "]" }.joined(separator: ", ")
        return shapes.isEmpty ? "\(operation): \(message)" : "\(operation)(\(arguments)): \(message)"
    }
}
