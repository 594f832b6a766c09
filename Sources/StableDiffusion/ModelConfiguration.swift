package import Foundation

/// Everything about a base model but its weights.
package struct ModelConfiguration: Equatable, Sendable {
    package var textEncoder: TextEncoderConfiguration
    package var unet: UNetConfiguration
    package var autoencoder: AutoencoderConfiguration
    package var scheduler: SchedulerConfiguration

    package init(
        textEncoder: TextEncoderConfiguration, unet: UNetConfiguration, autoencoder: AutoencoderConfiguration,
        scheduler: SchedulerConfiguration
    ) {
        self.textEncoder = textEncoder
        self.unet = unet
        self.autoencoder = autoencoder
        self.scheduler = scheduler
    }

    /// SD 1.x, for a single file, which has no configuration of its own.
    package static let stableDiffusion1 = ModelConfiguration(
        textEncoder: .stableDiffusion1, unet: .stableDiffusion1, autoencoder: .stableDiffusion,
        scheduler: .stableDiffusion)

    /// SD 2.x base; the 768 models differ in ``SchedulerConfiguration/predictionType``, which only their user knows.
    package static let stableDiffusion2 = ModelConfiguration(
        textEncoder: .stableDiffusion2, unet: .stableDiffusion2, autoencoder: .stableDiffusion,
        scheduler: .stableDiffusion)

    /// Reads the configurations in a diffusers folder.
    ///
    /// - Throws: ``ModelError`` naming file and key when one is missing, wrong, or asks for what is not built here.
    package init(folder: URL) throws(ModelError) {
        let unet = try UNetConfiguration(JSONFile(folder.appending(path: "unet/config.json")))
        // Its UNet can be computed, but nobody here reads its two text encoders or writes its LoRA files.
        guard unet.added == nil else {
            throw ModelError(
                folder.path,
                "is Stable Diffusion XL (unet/config.json has an addition_embed_type); \(ModelFamily.advice)")
        }
        self.init(
            textEncoder: try TextEncoderConfiguration(JSONFile(folder.appending(path: "text_encoder/config.json"))),
            unet: unet,
            autoencoder: try AutoencoderConfiguration(JSONFile(folder.appending(path: "vae/config.json"))),
            scheduler: try SchedulerConfiguration(JSONFile(folder.appending(path: "scheduler/scheduler_config.json"))))
        guard unet.contextWidth == textEncoder.width else {
            throw ModelError(
                folder.path,
                "the UNet reads text states of width \(unet.contextWidth), but the text encoder makes \(textEncoder.width); "
                    + "the folder mixes two models")
        }
        guard unet.inputChannels == autoencoder.latentChannels else {
            throw ModelError(
                folder.path,
                "the UNet reads \(unet.inputChannels) channels, but the VAE makes \(autoencoder.latentChannels); "
                    + "the folder mixes two models")
        }
    }
}
