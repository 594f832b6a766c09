/// How often an epoch sees each regularization picture, so that there are about as many of them as of training pictures.
package enum RegularizationBalance {
    /// One pass over the pictures takes each with its own repeats, further passes add one to each, and both end as soon as
    /// there are at least `target`; a picture that the first pass does not reach is not used (0).
    ///
    /// kohya's `library/train_util.py`, `DreamBoothDataset`, with the later passes counted at once.
    ///
    /// - Parameters:
    ///   - target: training samples in an epoch: pictures times repeats.
    ///   - repeats: `num_repeats` of each regularization picture, each at least 1.
    package static func repeats(target: Int, of repeats: [Int]) -> [Int] {
        var balanced = [Int](repeating: 0, count: repeats.count)
        var count = 0
        for (picture, own) in repeats.enumerated() {
            guard count < target else { return balanced }
            balanced[picture] = own
            count += own
        }
        guard count < target, !balanced.isEmpty else { return balanced }
        let (passes, rest) = (target - count).quotientAndRemainder(dividingBy: balanced.count)
        for picture in balanced.indices { balanced[picture] += passes + (picture < rest ? 1 : 0) }
        return balanced
    }
}
