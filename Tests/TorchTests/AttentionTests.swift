import Testing
import Torch

/// Numbers of samples, queries, keys, heads and a head's width: those of the model, single ones and odd ones.
private struct Sizes: Sendable, CustomTestStringConvertible {
    let batch, queries, keys, heads, width: Int
    var testDescription: String { "\(batch)×\(queries) to \(keys), \(heads)×\(width)" }

    static let all = [
        Sizes(batch: 1, queries: 256, keys: 256, heads: 2, width: 40),
        Sizes(batch: 2, queries: 64, keys: 77, heads: 3, width: 80),
        Sizes(batch: 1, queries: 4, keys: 77, heads: 1, width: 160),
        Sizes(batch: 3, queries: 7, keys: 5, heads: 2, width: 6),
        Sizes(batch: 1, queries: 33, keys: 130, heads: 5, width: 3),
        Sizes(batch: 1, queries: 1, keys: 2, heads: 1, width: 2),
        Sizes(batch: 1, queries: 3, keys: 1501, heads: 1, width: 18),
        Sizes(batch: 1, queries: 1501, keys: 3, heads: 1, width: 18),
    ]
}

@Suite struct `Attention in heads` {
    private let generator: Generator

    init() throws { generator = try Generator(seed: 5) }

    private func normal(_ tokens: Int, _ sizes: Sizes, _ type: ScalarType) throws -> Tensor {
        let x = try Tensor.normal([sizes.batch, tokens, sizes.heads * sizes.width], generator: generator).to(type)
        x.requiresGradient = true
        return x
    }

    /// By plain products, head by head, in fp32.
    private func plainly(_ query: Tensor, _ key: Tensor, _ value: Tensor, heads: Int) throws -> Tensor {
        func split(_ x: Tensor) throws -> Tensor {
            let shape = x.shape
            return try x.to(.float32).reshaped([shape[0], shape[1], heads, shape[2] / heads]).transposed(1, 2)
        }
        let width = Double(query.shape[2] / heads)
        let shares = try softmax(
            matrixProduct(split(query), split(key).transposed(2, 3)) * (1 / width.squareRoot()), over: -1)
        return try matrixProduct(shares, split(value)).transposed(1, 2).reshaped(query.shape)
    }

    @Test(arguments: Sizes.all, [ScalarType.float32, .bfloat16])
    private func `does what plain products do`(sizes: Sizes, type: ScalarType) throws {
        let leaves = [
            try normal(sizes.queries, sizes, type), try normal(sizes.keys, sizes, type),
            try normal(sizes.keys, sizes, type),
        ]
        let mine = try attention(leaves[0], leaves[1], leaves[2], heads: sizes.heads)
        let theirs = try plainly(leaves[0], leaves[1], leaves[2], heads: sizes.heads)
        let tolerance = type == .float32 ? 1e-5 : 1e-2
        #expect(try mine.scalarType == type)
        #expect(mine.shape == theirs.shape)
        #expect(try relativeError(mine, theirs) < tolerance)
        let seed = try normal(sizes.queries, sizes, type)
        let found = try gradients(of: mine, seed: seed, withRespectTo: leaves)
        let expected = try gradients(of: theirs, seed: seed.to(.float32), withRespectTo: leaves)
        for (found, expected) in zip(found, expected) {
            #expect(try relativeError(#require(found), #require(expected)) < tolerance)
        }
    }

    @Test(arguments: [ScalarType.float32, .bfloat16])
    func `gives the same bits to one thread and to two`(type: ScalarType) throws {
        let sizes = Sizes(batch: 2, queries: 200, keys: 150, heads: 3, width: 40)
        let leaves = [
            try normal(sizes.queries, sizes, type), try normal(sizes.keys, sizes, type),
            try normal(sizes.keys, sizes, type),
        ]
        let seed = try normal(sizes.queries, sizes, type)
        let threads = LibTorch.threads
        defer { LibTorch.threads = threads }
        let results = try [1, 2].map { count in
            LibTorch.threads = count
            let out = try attention(leaves[0], leaves[1], leaves[2], heads: sizes.heads)
            let found = try gradients(of: out, seed: seed, withRespectTo: leaves)
            return try [out.floats()] + found.map { try #require($0).floats() }
        }
        #expect(results[0] == results[1])
    }

    @Test func `hides no number that is not finite`() throws {
        let sizes = Sizes(batch: 1, queries: 5, keys: 21, heads: 2, width: 8)
        let (query, value) = (try normal(sizes.queries, sizes, .float32), try normal(sizes.keys, sizes, .float32))
        let key = try Tensor.of(
            (0..<21 * 16).map { $0 == 20 * 16 + 3 ? Float.nan : 0.1 }, shape: [1, sizes.keys, 16])
        let out = try attention(query, key, value, heads: 2).floats()
        // In the first head's half of each row alone.
        #expect(out.indices.allSatisfy { out[$0].isNaN == ($0 % 16 < 8) })
    }

    @Test func `of shapes that do not fit is an error`() throws {
        let (query, key) = (try Tensor.zeros([1, 4, 12]), try Tensor.zeros([1, 3, 12]))
        #expect(throws: TorchError.self) { try attention(query, key, key, heads: 5) }
        #expect(throws: TorchError.self) { try attention(query, key, query, heads: 2) }
        let error = #expect(throws: TorchError.self) { try attention(query, Tensor.zeros([2, 3, 12]), key, heads: 2) }
        #expect(error?.shapes == [[1, 4, 12], [2, 3, 12], [1, 3, 12]])
    }
}
