package import Recipe

extension TrainingData.Subset {
    /// A picture's caption as one sample of one epoch sees it.
    ///
    /// The order is that of kohya's `library/train_util.py`, `process_caption`: prefix and suffix; the whole caption
    /// dropped or not; then, where tags are shuffled or dropped, split at the separator, the first `keep_tokens` kept where
    /// they are, the others shuffled, each dropped or not, and all joined by ", ".
    ///
    /// - Parameter epoch: counted from 0; kohya counts from 1, and so does `caption_dropout_every_n_epochs`.
    /// - Parameter uniform: the sample's next draw from [0, 1): one for the caption, one less than there are tags to
    ///   shuffle, one for each tag that may be dropped. What is switched off draws nothing.
    package func caption(from caption: String, epoch: Int, uniform: () -> Double) -> String {
        var caption = caption
        if let captionPrefix, !captionPrefix.isEmpty { caption = captionPrefix + " " + caption }
        if let captionSuffix, !captionSuffix.isEmpty { caption += " " + captionSuffix }

        let isDropped = captionDropoutRate > 0 && uniform() < captionDropoutRate
        let isDroppedInThisEpoch = captionDropoutEveryNEpochs > 0 && (epoch + 1) % captionDropoutEveryNEpochs == 0
        if isDropped || isDroppedInThisEpoch { return "" }

        caption = caption.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        guard shuffleCaption || captionTagDropoutRate > 0 else { return caption }

        let tags = tags(of: caption)
        let kept = tags.prefix(max(0, keepTokens))
        var others = Array(tags.dropFirst(kept.count))
        if shuffleCaption { others.shuffle(uniform) }
        if captionTagDropoutRate > 0 { others = others.filter { _ in uniform() >= captionTagDropoutRate } }
        return (kept + others).joined(separator: ", ")
    }

    /// Whether two samples of a picture can have different captions, so that what the text encoder says of one
    /// cannot stand for the other.
    package var variesCaptions: Bool {
        shuffleCaption || captionTagDropoutRate > 0 || captionDropoutRate > 0 || captionDropoutEveryNEpochs > 0
    }

    private func tags(of caption: String) -> [String] {
        guard !captionSeparator.isEmpty else { return [caption.trimmed] }
        return caption.trimmed.split(separator: captionSeparator, omittingEmptySubsequences: false).map(\.trimmed)
    }
}

extension Array {
    /// Fisher and Yates's shuffle, from the last place down.
    fileprivate mutating func shuffle(_ uniform: () -> Double) {
        for last in indices.dropFirst().reversed() {
            swapAt(last, Swift.min(last, Int(uniform() * Double(last + 1))))
        }
    }
}
