/// `2.36`: ordered by its numbers, not as text.
struct GlibcVersion: Comparable, CustomStringConvertible {
    let numbers: [Int]

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        numbers = parts.prefix(4).compactMap { Int($0) }
        guard numbers.count == parts.count, numbers.count >= 2, numbers.allSatisfy({ $0 >= 0 }) else { return nil }
    }

    var description: String { numbers.map(String.init).joined(separator: ".") }

    static func < (a: GlibcVersion, b: GlibcVersion) -> Bool { a.numbers.lexicographicallyPrecedes(b.numbers) }
}
