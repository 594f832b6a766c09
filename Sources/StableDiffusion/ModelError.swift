/// A base model, or a file of one, that cannot be used: which file, what is wrong, and what to do.
package struct ModelError: Error, CustomStringConvertible, Equatable, Sendable {
    /// The file or folder the sentence is about.
    package let file: String
    /// What is wrong in it, and what to do.
    package let problem: String

    package init(_ file: String, _ problem: String) {
        self.file = file
        self.problem = problem
    }

    package var description: String { "\(file): \(problem)" }
}
