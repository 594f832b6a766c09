import Layers
import Torch

/// Halves a picture with a strided convolution; diffusers' `Downsample2D`.
struct Downsample {
    private let convolution: Convolution
    private let padsEnd: Bool

    /// - Parameter padding: 1 for zeros all around, 0 for zeros at the right and the bottom alone.
    init(_ weights: Weights, channels: Int, padding: Int) throws {
        convolution = try Convolution(
            weights / "conv", inputs: channels, outputs: channels, kernel: 3, stride: 2, padding: padding)
        padsEnd = padding == 0
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        try convolution(padsEnd ? x.padded([0, 1, 0, 1]) : x)
    }
}

/// Enlarges a picture to the nearest pixel, then convolves it; diffusers' `Upsample2D`.
struct Upsample {
    private let convolution: Convolution

    init(_ weights: Weights, channels: Int) throws {
        convolution = try Convolution(weights / "conv", inputs: channels, outputs: channels, kernel: 3, padding: 1)
    }

    /// - Parameter size: height and width; twice x's own unless given.
    func callAsFunction(_ x: Tensor, to size: [Int]? = nil) throws -> Tensor {
        try convolution(upsampleNearest(x, to: size ?? x.shape.suffix(2).map { $0 * 2 }))
    }
}
