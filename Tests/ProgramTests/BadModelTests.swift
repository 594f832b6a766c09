import Foundation
import ProgramSupport
import Safetensors
import Testing

extension `The program` {
    @Suite struct `says in one sentence why it cannot use` {
        private let furnace: Furnace

        init() throws { furnace = try Furnace() }

        private func refusal(ofModel path: String) throws -> String {
            furnace.settings["pretrained_model_name_or_path"] = "\"\(path)\""
            return try furnace.refusal()
        }

        /// The fixture's model with its UNet written anew.
        private func model(_ change: (OutgoingTensor) throws -> OutgoingTensor?) throws -> String {
            let folder = furnace.path("model")
            try? FileManager.default.removeItem(atPath: folder)
            try FileManager.default.copyItem(atPath: Furnace.model.path, toPath: folder)
            let unet = folder + "/unet/diffusion_pytorch_model.safetensors"
            let file = try SafetensorsFile(path: unet)
            let tensors = try file.header.tensors.compactMap { entry in
                try change(
                    OutgoingTensor(
                        name: entry.name, type: entry.type, shape: entry.shape, bytes: [UInt8](file.bytes(of: entry))))
            }
            try SafetensorsWriter(tensors).write(to: unet)
            return folder
        }

        @Test func `a model that is not there, no model, a LoRA, or a pickle`() throws {
            #expect(try refusal(ofModel: "/nowhere").hasPrefix("/nowhere: there is no such file or folder"))
            #expect(try refusal(ofModel: "data").contains("data: is no diffusers model"))
            let lora = Furnace.fixtures.appending(path: "training/tiny-sd1.adapter.safetensors").path
            #expect(try refusal(ofModel: lora).contains("is a LoRA, not a base model"))
            try Data("a pickle".utf8).write(to: furnace.folder.appending(path: "model.ckpt"))
            #expect(try refusal(ofModel: "model.ckpt").contains("is a pickle, which can run code and is never opened"))
        }

        @Test func `a model of another family, and which it looks like`() throws {
            let key = "model.diffusion_model.double_blocks.0.img_attn.qkv.weight"
            try SafetensorsWriter([OutgoingTensor(name: key, shape: [2, 2], floats: [1, 2, 3, 4])])
                .write(to: furnace.path("flux.safetensors"))
            let refusal = try refusal(ofModel: "flux.safetensors")
            #expect(refusal.hasPrefix(furnace.path("flux.safetensors") + ": "))
            #expect(refusal.contains("Flux") || refusal.contains("FLUX"))
        }

        @Test func `Stable Diffusion XL, be it to train or to draw with`() throws {
            let model = Furnace.fixtures.appending(path: "tiny-sdxl").path
            let complaint = model + ": is Stable Diffusion XL (StableDiffusionXLPipeline); this release trains"
            #expect(try refusal(ofModel: model).hasPrefix(complaint))
            let sample = ["sample", "--model", model, "--prompt", "a horse"]
            #expect(try Launched(sample, in: furnace.folder).end().refusal().hasPrefix(complaint))
        }

        @Test func `a model that lacks a tensor, or has one of a wrong shape`() throws {
            let name = "conv_in.weight"
            let lacking = try refusal(ofModel: model { $0.name == name ? nil : $0 })
            #expect(lacking.contains(name) && lacking.contains(furnace.path("model")))
            let wrong = try refusal(
                ofModel: model {
                    $0.name == name
                        ? OutgoingTensor(name: name, shape: [9, 4, 1, 9], floats: .init(repeating: 0, count: 324)) : $0
                })
            #expect(wrong.contains(name) && wrong.contains("[9, 4, 1, 9]") && wrong.contains("[9, 4, 3, 3]"))
        }

        @Test func `a model file that was cut short`() throws {
            let path = try model { $0 }
            let unet = URL(filePath: path).appending(path: "unet/diffusion_pytorch_model.safetensors")
            try Data(contentsOf: unet).dropLast(100).write(to: unet)
            #expect(try refusal(ofModel: path).contains("unet/diffusion_pytorch_model.safetensors"))
        }

        @Test func `a LoRA that does not fit the model`() throws {
            let other = Furnace.fixtures.appending(path: "training/tiny-sd2.adapter.safetensors").path
            furnace.settings["network_weights"] = "\"\(other)\""
            #expect(try furnace.refusal().hasPrefix(other + ": "))
            furnace.settings["network_weights"] = "\"nowhere.safetensors\""
            #expect(try furnace.refusal().contains("nowhere.safetensors: cannot be read: No such file or directory"))

            let sample = [
                "sample", "--model", Furnace.model.path, "--prompt", "a horse", "--steps", "1", "--width", "24",
            ]
            for (lora, complaint) in [
                (other, "use the base model that the LoRA was made for"), ("nowhere.safetensors", "cannot be read"),
                (Furnace.model.appending(path: "unet/diffusion_pytorch_model.safetensors").path, "is no key of a LoRA"),
            ] {
                let ended = try Launched(sample + ["--height", "24", "--lora", lora], in: furnace.folder).end()
                #expect(ended.refusal().contains(complaint))
            }
            #expect(!FileManager.default.fileExists(atPath: furnace.path("samples")))
        }
    }
}
