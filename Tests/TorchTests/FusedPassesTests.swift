import Testing
import Torch

@Suite struct `A pass that does several things` {
    private let generator: Generator

    init() throws { generator = try Generator(seed: 5) }

    private func leaf(_ shape: [Int], _ type: ScalarType, mean: Double = 0) throws -> Tensor {
        let leaf = try (Tensor.normal(shape, generator: generator) + mean).to(type)
        leaf.requiresGradient = true
        return leaf
    }

    /// Odd extents, single points, more than one block of points, channels that are no multiple of anything.
    private static let pictures = [
        ([2, 6, 5, 7], 3), ([1, 64, 9, 9], 32), ([3, 5, 1, 1], 1), ([1, 33, 2, 3], 11), ([2, 320, 8, 8], 32),
        ([1, 4, 64, 3], 2),
    ]

    @Test(arguments: pictures, [ScalarType.float32, .bfloat16])
    func `norms groups, shifts and activates as single operators do`(picture: ([Int], Int), type: ScalarType) throws {
        let (shape, groups) = picture
        let x = try leaf(shape, type, mean: 0.5)
        let shift = try leaf(Array(shape.prefix(2)), type)
        let (weight, bias) = (try leaf([shape[1]], type).detached(), try leaf([shape[1]], type).detached())
        let seed = try Tensor.normal(shape, generator: generator)
        for (isShifted, isActivated) in [(false, false), (true, true), (false, true)] {
            let (normed, same) = try groupNorm(
                x, adding: isShifted ? shift : nil, groups: groups, weight: weight, bias: bias, epsilon: 1e-5,
                activated: isActivated)
            #expect(try normed.scalarType == type)
            // In fp32 throughout, with x used a second time.
            let (whole, more) = (try x.to(.float32), try shift.to(.float32).reshaped(Array(shape.prefix(2)) + [1, 1]))
            let plain = try groupNorm(
                isShifted ? whole + more : whole, groups: groups, weight: weight.to(.float32), bias: bias.to(.float32),
                epsilon: 1e-5)
            let expected = try isActivated ? silu(plain) : plain
            let tolerance = type == .float32 ? 2e-5 : 1e-2
            #expect(try relativeError(normed.to(.float32), expected) < tolerance)
            let leaves = isShifted ? [x, shift] : [x]
            let mine = try gradients(
                of: (normed.to(.float32) * seed).sum() + same.to(.float32).squared().sum() * 0.1, withRespectTo: leaves)
            let theirs = try gradients(
                of: (expected * seed).sum() + whole.squared().sum() * 0.1, withRespectTo: leaves)
            for (mine, theirs) in zip(mine, theirs) {
                let (mine, theirs) = (try #require(mine), try #require(theirs))
                #expect(mine.shape == theirs.shape)
                #expect(try relativeError(mine.to(.float32), theirs.to(.float32)) < tolerance)
            }
        }
    }

    @Test(arguments: [[2, 3, 14], [70, 5122], [1, 2]], [ScalarType.float32, .bfloat16])
    func `gates as single operators do`(shape: [Int], type: ScalarType) throws {
        let x = try leaf(shape, type)
        let halves = try x.to(.float32).chunked(2, along: -1)
        let (mine, theirs) = (try geglu(x), try halves[0] * gelu(halves[1]))
        let tolerance = type == .float32 ? 2e-6 : 1e-2
        #expect(try mine.scalarType == type)
        #expect(try relativeError(mine.to(.float32), theirs) < tolerance)
        let seed = try Tensor.normal(theirs.shape, generator: generator)
        let found = try #require(try gradients(of: (mine.to(.float32) * seed).sum(), withRespectTo: [x])[0])
        let expected = try #require(try gradients(of: (theirs * seed).sum(), withRespectTo: [x])[0])
        #expect(try relativeError(found.to(.float32), expected.to(.float32)) < tolerance)
    }

    @Test func `gates the far ends of the number line, and what is no number stays none`() throws {
        let gates: [Float] = [-40, -9, -1e-6, 0, 1e-6, 9, 40, .infinity, .nan]
        let x = try Tensor.of([Float](repeating: 1, count: 9) + gates, shape: [18])
        let found = try geglu(x).floats()
        let expected = try gelu(Tensor.of(gates, shape: [9])).floats()
        for (found, expected) in zip(found, expected).prefix(7) {
            #expect(abs(found - expected) <= 1e-6 * max(1e-6, abs(expected)))
        }
        #expect(found[7] == .infinity)
        #expect(found[8].isNaN)
    }

    @Test(arguments: [ScalarType.float32, .bfloat16])
    func `gives the same bits on one thread and on several`(type: ScalarType) throws {
        let x = try leaf([2, 64, 24, 24], type)
        let ones = try Tensor.full([64], 1).to(type)
        func bits() throws -> [[Float]] {
            let (normed, same) = try groupNorm(
                x, adding: nil, groups: 8, weight: ones, bias: ones, epsilon: 1e-5, activated: true)
            let gate = try geglu(normed.reshaped([-1, 256]))
            let gradient = try gradients(of: gate.sum() + same.sum(), withRespectTo: [x])
            return try [normed.floats(), gate.floats(), #require(gradient[0]).floats()]
        }
        let threads = LibTorch.threads
        defer { LibTorch.threads = threads }
        let all = try [1, 2, 3].map { count in
            LibTorch.threads = count
            return try bits()
        }
        #expect(all[0] == all[1] && all[0] == all[2])
    }

    @Test func `in a format of its own takes libtorch's way`() throws {
        let x = try leaf([2, 4, 3, 3], .float64)
        let ones = try Tensor.full([4], 1).to(.float64)
        let (normed, _) = try groupNorm(
            x, adding: nil, groups: 2, weight: ones, bias: ones, epsilon: 1e-5, activated: true)
        #expect(try normed.floats() == silu(groupNorm(x, groups: 2, weight: ones, bias: ones, epsilon: 1e-5)).floats())
        #expect(try gradients(of: normed.sum(), withRespectTo: [x])[0] != nil)
    }

    @Test func `refuses shapes that do not fit`() throws {
        let ones = try Tensor.full([6], 1)
        let x = try Tensor.zeros([1, 6, 2, 2])
        for (shift, groups) in [(try Tensor.zeros([1, 5]), 3), (try Tensor.zeros([2, 6]), 3), (nil, 4), (nil, 0)] {
            #expect(throws: TorchError.self) {
                try groupNorm(
                    x, adding: shift, groups: groups, weight: ones, bias: ones, epsilon: 1e-5, activated: true)
            }
        }
        #expect(throws: TorchError.self) { try geglu(Tensor.zeros([2, 3])) }
    }
}
