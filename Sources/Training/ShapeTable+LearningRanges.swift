package import Adapters
package import Recipe

extension ShapeTable {
    /// Which stretches of the flat array share a learning rate in this recipe.
    package func learningRanges(of recipe: Recipe) -> [ParameterRange] {
        groups.map { group, range in
            ParameterRange(
                group: recipe.parameterGroup(textEncoder: group.part == .textEncoder, up: group.half == .up),
                range: range)
        }
    }
}
