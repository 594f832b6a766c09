import Recipe

/// Which of a folder's pictures are held out for validation.
package enum ValidationSplit {
    /// Places in the folder's list, of `count` pictures in the order of their names, that are held out, rising.
    ///
    /// A folder that is listed twice, for two resolutions say, lends the same pictures each time, so that none is trained on
    /// in one size and looked at in the other.
    ///
    /// - Parameters:
    ///   - split: 0...1, of which the nearest whole number is held out.
    ///   - seed: `validation_seed`.
    package static func heldOut(of count: Int, split: Double, seed: UInt64) -> [Int] {
        let share = min(count, max(0, Int((Double(count) * split).rounded())))
        var random = CounterRandom(seed: seed, purpose: .validation, picture: folder)
        return random.shuffled(Array(0..<count)).prefix(share).sorted()
    }

    /// The order in which pictures that are held out are looked at, so that the first few are of all folders.
    static func order(of count: Int, seed: UInt64) -> [Int] {
        var random = CounterRandom(seed: seed, purpose: .validation, picture: wholeSet)
        return random.shuffled(Array(0..<count))
    }

    // What is ordered stands where a picture would.
    private static let folder = 0
    private static let wholeSet = 1
}
