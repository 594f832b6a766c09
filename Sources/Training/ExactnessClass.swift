package import Torch

/// What must be equal on two workers for them to compute the same bits, beside what the recipe settles (threads, formats).
package struct ExactnessClass: Equatable, Sendable, CustomStringConvertible {
    package let description: String

    /// Of this process's libtorch and a device of this box.
    package init(device: Device) {
        let place =
            switch device {
            case .cpu: "cpu with \(LibTorch.cpuCapability)"
            case .cuda: "\(device)"
            }
        description = "libtorch \(LibTorch.version) on \(place)"
    }
}
