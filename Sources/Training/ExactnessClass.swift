package import Torch

/// What must be equal on two workers for them to compute the same bits.
package struct ExactnessClass: Equatable, Sendable, CustomStringConvertible {
    package let description: String

    /// Of this process as it is set up now.
    ///
    /// - Parameter type: the format that is computed in.
    package init(device: Device, type: ScalarType) {
        let place =
            switch device {
            case .cpu: "cpu \(LibTorch.cpuCapability) \(LibTorch.threads) threads"
            case .cuda: "\(device)"
            }
        description = "libtorch \(LibTorch.version), \(place), \(type)"
    }
}
