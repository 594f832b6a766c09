/// A way to somebody who is not watching.
package protocol Courier: Sendable {
    /// What it is called in complaints; has no secrets in it.
    var name: String { get }

    /// Delivers a notice, within a time of its own.
    ///
    /// - Throws: ``Undelivered``.
    func deliver(_ notice: Notice) async throws
}

/// Why a notice did not arrive, in one sentence.
package struct Undelivered: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
