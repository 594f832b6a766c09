extension ShapeTable {
    /// The flat array before the first step: A uniform in ±1/√fan_in, B zero, so that the model is its base.
    ///
    /// That is `kaiming_uniform_(a=√5)`, what kohya's `LoRAModule` and PEFT give A.
    ///
    /// - Parameter uniform: given an entry's name and a count, so many numbers in 0..<1. Drawn from a counter-based
    ///   generator, they make the same adapter on every box.
    package func initialWeights(uniform: (_ name: String, _ count: Int) throws -> [Float]) throws -> [Float] {
        var weights = [Float](repeating: 0, count: count)
        for entry in entries where entry.group.half == .down {
            let bound = 1 / Float(layers[entry.layer].fanIn).squareRoot()
            for (index, number) in zip(entry.range, try uniform(entry.name, entry.count)) {
                weights[index] = (2 * number - 1) * bound
            }
        }
        return weights
    }
}
