/// What a LoRA is worth: the three qualities that every LoRA trades off, each measured against the base model.
///
/// Throughout, `L_w(p)` is the mean over pictures, timesteps and elements of `(target − prediction)²`, with the LoRA at
/// weight `w` and told the prompt `p`; `w = 0` is the base model. `fall_w(p) = L_0(p) − L_w(p)`. Noise and timesteps are
/// the same for every LoRA, prompt and weight, so that differences are the LoRA's alone.
package struct Qualities: Codable, Equatable, Sendable {
    /// 还原性: `fall(caption) / L_0(caption)`, the part of the base model's error on the training pictures that the LoRA
    /// takes away when it is told their captions.
    ///
    /// At most 1; 0 for a LoRA that does nothing, below for one that harms.
    package var fidelity: Double
    /// 易调用性: the mean of ``reached`` over the trigger alone and the trigger with 1, 2, 4, … of the caption's tags, each
    /// cut off at 0 and 1; nil where nothing falls with the whole caption, so that there is nothing to reach.
    package var ease: Double?
    /// 泛化性: the mean of ``stillness``, ``obedience``, ``steadiness`` and ``company``, of those that there are.
    package var generality: Double

    /// `L(p)` at the evaluated weight, by prompt; see ``Prompts/rungs``.
    package var losses: [String: Double]
    /// `fall(p) / fall(caption)` by prompt; empty where nothing falls with the whole caption.
    ///
    /// `empty` says how much the LoRA
    /// does without being called.
    package var reached: [String: Double]
    /// The mean of `(prediction − base's)²` on the training pictures with their captions.
    package var movedWhenCalled: Double
    /// The same on prompts that have nothing to do with what was trained, along the base model's own way from noise to a
    /// picture of each.
    package var movedUncalled: Double
    /// `L_0(caption) / (L_0(caption) + movedUncalled)`: 1 where unrelated prompts give what the base model gives, ½ where
    /// they are moved as far as the base model errs.
    package var stillness: Double
    /// How much of a held-out word's effect the LoRA leaves: with `r` the change of the prediction when the word is put
    /// behind the trigger, `⟨r_w, r_0⟩ / ⟨r_0, r_0⟩`, cut off at 0 and 1 for each word, and their mean.
    package var obedience: Double
    /// `fall_w(caption)` over the largest of them, cut off at 0, and the mean over the weights of ``byWeight``; nil where it
    /// falls at none.
    package var steadiness: Double?
    /// With another LoRA B beside it: `1 / (1 + |m_AB − m_A − m_B|² / (|m_A|² + |m_B|²))`.
    ///
    /// Here `m` is how the prediction moves on the training pictures; 1 where the two add up. nil without another LoRA.
    package var company: Double?
    package var byWeight: [WeightFall]

    /// How much the loss falls when the LoRA is at a weight.
    package struct WeightFall: Codable, Equatable, Sendable {
        package var weight: Double
        package var fall: Double

        package init(weight: Double, fall: Double) {
            self.weight = weight
            self.fall = fall
        }
    }

    /// The weights at which LoRAs are used.
    package static let weights = [0.4, 0.6, 0.8, 1.0, 1.2]
}

/// What the base model does with the same pictures, noise and timesteps.
package struct BaseFigures: Codable, Equatable, Sendable {
    /// `L_0(p)` by prompt.
    package var losses: [String: Double]

    package init(losses: [String: Double]) {
        self.losses = losses
    }
}
