package import Torch

/// A table of vectors, one row for each index.
package struct Embedding {
    package let table: Tensor  // [rows, width]

    package init(_ weights: Weights, rows: Int, width: Int) throws {
        table = try weights.tensor("weight", shape: [rows, width])
    }

    /// Integer indices of any shape → `indices.shape + [width]`.
    package func callAsFunction(_ indices: Tensor) throws -> Tensor { try embedding(table, indices) }
}
