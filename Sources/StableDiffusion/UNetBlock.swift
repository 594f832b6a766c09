/// One block of a UNet's way down, middle or way up, as its configuration lays it out.
package struct UNetBlock: Equatable, Sendable {
    /// A block's transformers.
    package struct Attention: Equatable, Sendable {
        package let heads: Int
        package let layers: Int
    }

    /// Its place in the tree of names, `down_blocks.0`.
    package let name: String
    /// The channels of what it makes.
    package let channels: Int
    /// The channels of what each of its residual blocks reads, skip connections included.
    package let residualInputs: [Int]
    /// Its transformers, one after each residual block, if it looks at the text.
    package let attention: Attention?
    /// Whether it halves or doubles the resolution at its end.
    package let resamples: Bool
}

extension UNetConfiguration {
    /// The way down, the finest resolution first.
    package var downBlocks: [UNetBlock] {
        blockChannels.indices.map { index in
            let before = blockChannels[max(index - 1, 0)]
            return UNetBlock(
                name: "down_blocks.\(index)", channels: blockChannels[index],
                residualInputs: (0..<layers[index]).map { $0 == 0 ? before : blockChannels[index] },
                attention: downAttention[index] ? attention(index) : nil, resamples: index < blockChannels.count - 1)
        }
    }

    /// The middle, which always looks at the text: a residual block, a transformer and a residual block.
    package var middleBlock: UNetBlock {
        let last = blockChannels.count - 1
        return UNetBlock(
            name: "mid_block", channels: blockChannels[last],
            residualInputs: [blockChannels[last], blockChannels[last]],
            attention: attention(last), resamples: false)
    }

    /// The way up, the coarsest resolution first.
    ///
    /// Each residual block reads what the one before it made, beside what the way down left at that place.
    package var upBlocks: [UNetBlock] {
        var skips = [blockChannels[0]]
        for block in downBlocks {
            skips += Array(repeating: block.channels, count: block.residualInputs.count + (block.resamples ? 1 : 0))
        }
        var before = blockChannels[blockChannels.count - 1]
        return blockChannels.indices.map { index in
            let level = blockChannels.count - 1 - index
            let channels = blockChannels[level]
            let inputs = (0...layers[level]).map { _ in
                defer { before = channels }
                return before + (skips.popLast() ?? 0)
            }
            return UNetBlock(
                name: "up_blocks.\(index)", channels: channels, residualInputs: inputs,
                attention: upAttention[index] ? attention(level) : nil, resamples: level > 0)
        }
    }

    private func attention(_ level: Int) -> UNetBlock.Attention {
        UNetBlock.Attention(heads: heads[level], layers: transformerLayers[level])
    }
}
