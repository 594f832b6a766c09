import Testing
import Torch

/// A frozen layer's shapes: odd ones, single rows, strides, and kernels that reach far over the edge.
private struct Window: Sendable, CustomTestStringConvertible {
    let inputs, outputs, kernel, stride, padding: Int
    var size = [1, 8, 8]  // batch, height, width
    var testDescription: String { "\(size) \(inputs)→\(outputs), \(kernel)×\(kernel)/\(stride)+\(padding)" }

    static let all = [
        Window(inputs: 32, outputs: 48, kernel: 3, stride: 1, padding: 1),
        Window(inputs: 3, outputs: 5, kernel: 3, stride: 1, padding: 1, size: [2, 7, 5]),
        Window(inputs: 16, outputs: 16, kernel: 3, stride: 1, padding: 1, size: [1, 1, 1]),
        Window(inputs: 16, outputs: 24, kernel: 1, stride: 1, padding: 0, size: [3, 6, 10]),
        Window(inputs: 16, outputs: 16, kernel: 3, stride: 2, padding: 1, size: [1, 9, 8]),
        Window(inputs: 16, outputs: 16, kernel: 3, stride: 2, padding: 0, size: [1, 9, 9]),
        Window(inputs: 24, outputs: 40, kernel: 3, stride: 3, padding: 1, size: [2, 12, 10]),
        Window(inputs: 8, outputs: 12, kernel: 1, stride: 2, padding: 0, size: [2, 7, 10]),
        Window(inputs: 8, outputs: 8, kernel: 3, stride: 1, padding: 0),
        Window(inputs: 8, outputs: 8, kernel: 3, stride: 1, padding: 4),
        Window(inputs: 4, outputs: 320, kernel: 3, stride: 1, padding: 1, size: [1, 32, 32]),
        // In blocks: small pictures, few points and many; and, filtered in fp32, tiles of 2×2.
        Window(inputs: 192, outputs: 64, kernel: 3, stride: 1, padding: 1, size: [1, 4, 4]),
        Window(inputs: 64, outputs: 128, kernel: 3, stride: 1, padding: 1, size: [2, 5, 7]),
        Window(inputs: 128, outputs: 64, kernel: 3, stride: 1, padding: 1, size: [5, 7, 8]),
        Window(inputs: 64, outputs: 128, kernel: 3, stride: 1, padding: 1, size: [3, 11, 10]),
        // Filtered in tiles of 2×2 and of 4×4: whole ones, cut ones, and more than are filtered at a time.
        Window(inputs: 64, outputs: 80, kernel: 3, stride: 1, padding: 1),
        Window(inputs: 65, outputs: 67, kernel: 3, stride: 1, padding: 1, size: [2, 9, 13]),
        Window(inputs: 80, outputs: 64, kernel: 3, stride: 1, padding: 1, size: [1, 32, 32]),
        Window(inputs: 67, outputs: 65, kernel: 3, stride: 1, padding: 1, size: [2, 37, 35]),
        Window(inputs: 64, outputs: 64, kernel: 3, stride: 1, padding: 1, size: [1, 101, 90]),
    ]
}

@Suite struct `A frozen weight` {
    private let generator: Generator

    init() throws { generator = try Generator(seed: 3) }

    private func normal(_ shape: [Int], _ type: ScalarType) throws -> Tensor {
        try Tensor.normal(shape, generator: generator).to(type)
    }

    private func expectAlike(_ mine: Tensor, _ theirs: Tensor, on x: Tensor, _ type: ScalarType) throws {
        let tolerance = type == .float32 ? 1e-5 : 1e-2
        #expect(mine.shape == theirs.shape)
        #expect(try mine.scalarType == type)
        #expect(try relativeError(mine, theirs) < tolerance)
        let seed = try normal(mine.shape, type)
        let found = try #require(try gradients(of: mine, seed: seed, withRespectTo: [x])[0])
        let expected = try #require(try gradients(of: theirs, seed: seed, withRespectTo: [x])[0])
        #expect(found.shape == expected.shape)
        #expect(try relativeError(found, expected) < tolerance)
    }

    // The last ones lie in blocks: few rows and many, more than go into a sum at a time, and far apart.
    @Test(
        arguments: [
            [1, 7, 11], [5, 64, 96], [77, 768, 320], [256, 33, 65], [2, 1, 1], [1, 64, 64], [150, 128, 192],
            [3, 2112, 128], [65, 64, 2112],
        ], [ScalarType.float32, .bfloat16])
    func `of a linear layer does what the plain one does`(sizes: [Int], type: ScalarType) throws {
        let x = try normal([2, sizes[0], sizes[1]], type)
        x.requiresGradient = true
        let (weight, bias) = (try normal([sizes[2], sizes[1]], type), try normal([sizes[2]], type))
        for bias in [bias, nil] {
            try expectAlike(linear(x, FrozenWeight(weight), bias), linear(x, weight, bias), on: x, type)
        }
    }

    @Test(arguments: Window.all, [ScalarType.float32, .bfloat16])
    private func `of a convolution does what the plain one does`(window: Window, type: ScalarType) throws {
        let x = try normal([window.size[0], window.inputs] + window.size.dropFirst(), type)
        x.requiresGradient = true
        let weight = try normal([window.outputs, window.inputs, window.kernel, window.kernel], type)
        let bias = try normal([window.outputs], type)
        try expectAlike(
            convolution(x, FrozenWeight(weight), bias, stride: window.stride, padding: window.padding),
            convolution(x, weight, bias, stride: window.stride, padding: window.padding), on: x, type)
    }

    @Test(arguments: [ScalarType.float16, .float64])
    func `in a format that no kernel is made for takes the plain way`(type: ScalarType) throws {
        let x = try normal([3, 8], type)
        let weight = try normal([5, 8], type)
        #expect(try linear(x, FrozenWeight(weight)).floats() == linear(x, weight).floats())
    }

    @Test(arguments: [[16, 32], [64, 128]])
    func `is made when it is first used, and let go once it is laid out`(shape: [Int]) throws {
        var made = 0
        weak var memory: Values?
        let weight = FrozenWeight(shape: shape) {
            made += 1
            let values = Values(count: shape[0] * shape[1])
            memory = values
            return try Tensor.over(values.pointer, shape: shape, type: .float32, keeping: values)
        }
        #expect(made == 0)
        let x = try normal([4, shape[1]], .float32)
        x.requiresGradient = true
        for _ in 0..<3 {
            let loss = try linear(x, weight).sum()
            _ = try gradients(of: loss, withRespectTo: [x])
        }
        #expect(made == 1)
        let isLaidOut = LibTorch.cpuCapability == "AVX2" || LibTorch.cpuCapability.hasPrefix("AVX512")
        #expect((memory == nil) == isLaidOut)
        // Asked for by itself it is there again.
        #expect(try weight.plain().floats() == [Float](repeating: 0.5, count: shape[0] * shape[1]))
    }

    @Test func `of a convolution serves pictures of several sizes in turn`() throws {
        let weight = try normal([64, 72, 3, 3], .float32)
        let frozen = FrozenWeight(weight)
        for side in [4, 8, 34, 8, 4] {
            let x = try normal([2, 72, side, side], .float32)
            x.requiresGradient = true
            try expectAlike(
                convolution(x, frozen, padding: 1), convolution(x, weight, padding: 1), on: x, .float32)
        }
    }

    @Test func `says what hindered it from being made`() throws {
        struct Hindrance: Error, CustomStringConvertible { let description = "model.safetensors is gone" }
        let weight = FrozenWeight(shape: [2, 2]) { throw Hindrance() }
        let error = #expect(throws: TorchError.self) { try linear(Tensor.zeros([1, 2]), weight) }
        #expect(error?.message.contains("model.safetensors is gone") == true)
        #expect(throws: TorchError.self) { try weight.plain() }
    }

    @Test func `of another width than its input is an error`() throws {
        let weight = FrozenWeight(try Tensor.zeros([4, 3]))
        #expect(throws: TorchError.self) { try linear(Tensor.zeros([2, 5]), weight) }
        let blocks = FrozenWeight(try Tensor.zeros([64, 128]))
        #expect(throws: TorchError.self) { try linear(Tensor.zeros([2, 64]), blocks) }
        #expect(throws: TorchError.self) { try linear(Tensor.zeros([2, 128]).to(.bfloat16), blocks) }
        let kernel = FrozenWeight(try Tensor.zeros([4, 3, 3, 3]))
        #expect(throws: TorchError.self) { try convolution(Tensor.zeros([1, 5, 8, 8]), kernel, padding: 1) }
    }
}

/// Memory that goes with its last user.
private final class Values {
    let pointer: UnsafeMutablePointer<Float>

    init(count: Int) {
        pointer = .allocate(capacity: count)
        pointer.initialize(repeating: 0.5, count: count)
    }

    deinit { pointer.deallocate() }
}
