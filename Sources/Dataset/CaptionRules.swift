package import Recipe

/// The random numbers that one sample's caption is made with, each kind from a stream of its own.
package struct CaptionDraws: Sendable {
    var dropout: CounterRandom
    var shuffle: CounterRandom
    var tagDropout: CounterRandom

    /// - Parameter epoch: from 0.
    package init(seed: UInt64, epoch: Int, sample: SampleAddress) {
        func stream(_ purpose: CounterRandom.Purpose) -> CounterRandom {
            CounterRandom(
                seed: seed, purpose: purpose, epoch: epoch, picture: sample.picture, repetition: sample.repetition)
        }
        dropout = stream(.captionDropout)
        shuffle = stream(.captionShuffle)
        tagDropout = stream(.tagDropout)
    }
}

extension TrainingData.Subset {
    /// A picture's caption as one sample of one epoch sees it: a pure function of the settings, the caption and the draws.
    ///
    /// The order is that of kohya's `library/train_util.py`, `process_caption`: prefix and suffix; the whole caption
    /// dropped or not; then, where tags are shuffled or dropped, split at the separator, the first `keep_tokens` kept where
    /// they are, the others shuffled, each dropped or not, and all joined by ", ".
    ///
    /// - Parameter epoch: from 0; kohya counts from 1, and so does `caption_dropout_every_n_epochs`.
    package func caption(from caption: String, epoch: Int, draws: CaptionDraws) -> String {
        var draws = draws
        let isDroppedInThisEpoch = captionDropoutEveryNEpochs > 0 && (epoch + 1) % captionDropoutEveryNEpochs == 0
        if isDroppedInThisEpoch || draws.dropout.chance(captionDropoutRate) { return "" }

        let caption = wholeCaption(caption)
        guard shuffleCaption || captionTagDropoutRate > 0 else { return caption }

        let tags = tags(of: caption)
        let kept = tags.prefix(max(0, keepTokens))
        var others = Array(tags.dropFirst(kept.count))
        if shuffleCaption { others = draws.shuffle.shuffled(others) }
        others = others.filter { _ in !draws.tagDropout.chance(captionTagDropoutRate) }
        return (kept + others).joined(separator: ", ")
    }

    /// A caption between its prefix and suffix, up to the first line break: what is trained where nothing is drawn.
    package func wholeCaption(_ caption: String) -> String {
        var caption = caption
        if let captionPrefix, !captionPrefix.isEmpty { caption = captionPrefix + " " + caption }
        if let captionSuffix, !captionSuffix.isEmpty { caption += " " + captionSuffix }
        return String(caption.prefix { !$0.isNewline })
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
