package import Foundation
package import Torch

/// The UNet of a base model and its noise schedule, without the rest: what a step on given latents and conditions takes.
///
/// Unlike a ``Checkpoint`` it may be Stable Diffusion XL's, as a diffusers folder.
package struct UNetCheckpoint: Sendable {
    package let configuration: UNetConfiguration
    package let scheduler: SchedulerConfiguration
    private let part: Checkpoint.LocatedPart

    /// Opens and checks a UNet; no weight is read.
    ///
    /// - Parameter location: the folder of a model, of which `unet` and `scheduler` are read, or a single file.
    /// - Throws: ``ModelError`` or `SafetensorsError`: one sentence naming the file and the key or tensor.
    package init(at location: URL) throws {
        var isDirectory: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: location.path, isDirectory: &isDirectory)
        guard exists, isDirectory.boolValue else {
            let checkpoint = try Checkpoint(at: location)
            configuration = checkpoint.configuration.unet
            scheduler = checkpoint.configuration.scheduler
            part = try checkpoint.located(.unet)
            return
        }
        let folder = location.appending(path: "unet")
        configuration = try UNetConfiguration(JSONFile(folder.appending(path: "config.json")))
        scheduler = try SchedulerConfiguration(JSONFile(location.appending(path: "scheduler/scheduler_config.json")))
        let files = try WeightFiles(folder: folder)
        let tensors = try files.locate(configuration.parameters, of: .unet) { [StoredTensor($0)] }
        part = Checkpoint.LocatedPart(name: files.name, tensors: tensors)
    }

    /// Its tensors in the format and on the device that it is to compute in; every call's are its own.
    package func weights(as type: ScalarType, on device: Device = .cpu) -> CheckpointPart {
        CheckpointPart(name: part.name, tensors: part.tensors, type: type, device: device)
    }
}
