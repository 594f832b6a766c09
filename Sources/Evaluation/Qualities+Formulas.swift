extension Qualities {
    /// The qualities by their formulas, from what was measured.
    ///
    /// - Parameters:
    ///   - base: `L_0` by prompt; has ``Prompts/caption``.
    ///   - losses: `L_w` by prompt.
    package init(
        base: [String: Double], losses: [String: Double], called: Double, uncalled: Double, obedience: Double,
        byWeight: [WeightFall], company: Double?
    ) {
        let error = base[Prompts.caption] ?? 0
        let falls = losses.merging(base) { $1 - $0 }
        let fall = falls[Prompts.caption] ?? 0
        fidelity = error > 0 ? fall / error : 0
        let reached = fall > 0 ? falls.mapValues { $0 / fall } : [:]
        let rungs = reached.filter { $0.key.hasPrefix(Prompts.trigger) }.sorted { $0.key < $1.key }
        self.reached = reached
        ease = rungs.isEmpty ? nil : mean(rungs.map { min(1, max(0, $0.value)) })
        stillness = error + uncalled > 0 ? error / (error + uncalled) : 1
        let highest = byWeight.map(\.fall).max() ?? 0
        steadiness = highest > 0 ? mean(byWeight.map { max(0, $0.fall) / highest }) : nil
        generality = mean([stillness, obedience, steadiness, company].compactMap { $0 })
        self.losses = losses
        movedWhenCalled = called
        movedUncalled = uncalled
        self.obedience = obedience
        self.company = company
        self.byWeight = byWeight
    }

    var isFinite: Bool {
        ([fidelity, generality, movedWhenCalled, movedUncalled] + losses.values).allSatisfy(\.isFinite)
    }

    /// `(fidelity / best · ease · generality)^⅓`, the geometric mean with fidelity as a part of the best file's; 0 for a LoRA
    /// that has learned nothing.
    ///
    /// - Parameter best: the highest fidelity among the files that are compared.
    package func overall(best: Double) -> Double {
        guard fidelity > 0, best > 0, let ease else { return 0 }
        return cubeRoot(fidelity / best * ease * generality)
    }
}

/// By Newton's method, so that it has the same last digit everywhere.
private func cubeRoot(_ value: Double) -> Double {
    guard value > 0 else { return 0 }
    var root = max(1, value)
    for _ in 0..<200 { root = (2 * root + value / (root * root)) / 3 }
    return root
}
