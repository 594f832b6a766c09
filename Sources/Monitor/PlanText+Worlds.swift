import Recipe

extension PlanText {
    /// Where the batch grows with the world: what one, two and four workers (and as many as are expected) would make of
    /// the run, a row each.
    var worlds: [(String, String)] {
        guard recipe.batch.policy == .perWorker else { return [] }
        let sizes = Set([1, 2, 4, workers ?? 1].filter { $0 > 0 }).sorted()
        return sizes.map { ("\(Figures.count($0, "worker"))", world(of: $0)) }
    }

    private func world(of workers: Int) -> String {
        let batch = recipe.batch
        let steps = Figures.count(plan.steps(workers: workers), "step")
        let asked = batch.ratio(workers: workers)
        var text = "batch \(batch.effectiveBatch(workers: workers)), \(steps)"
        guard let rates = try? learningRates.scaled(to: asked) else { return text }
        for group in rates.groups { text += ", \(group.rawValue) \(Figures.rate(rates.scaled(group)))" }
        if rates.scaling.factor != 1 { text += " (\(rates.scaling.rule.rawValue), x \(rates.scaling.factor.short))" }
        if rates.scaling.ratio < asked { text += ", as far as scale_adam_betas goes" }
        return text
    }
}
