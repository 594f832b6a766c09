"""Stable Diffusion XL's UNet alone, of sizes that no constant survives: what it says, and one step of training it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import EulerDiscreteScheduler, UNet2DConditionModel

from . import noising, randomness
from .models import SCHEDULE, write_json
from .randomness import normal

TEXT_WIDTH, WAVE_WIDTH = 13, 5
# Height and width before resizing, top and left of the crop, height and width that are wanted; one row a sample.
SIZES = [[640, 427, 0, 96, 512, 512], [1024, 1024, 0, 0, 1024, 1024], [300, 901, 64, 0, 448, 576]]


@dataclass
class LoneUNet:
    name: str
    unet: UNet2DConditionModel


def tiny_sdxl() -> LoneUNet:
    """No attention at the finest level, more layers of it at each coarser one, and told of sizes and the whole text."""
    unet = UNet2DConditionModel(
        sample_size=8, block_out_channels=(6, 9, 15), norm_num_groups=3, layers_per_block=1,
        # In these configurations `attention_head_dim` counts heads: diffusers keeps the old misnomer.
        attention_head_dim=[2, 3, 5], transformer_layers_per_block=[1, 2, 3], cross_attention_dim=21,
        use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=WAVE_WIDTH,
        projection_class_embeddings_input_dim=TEXT_WIDTH + 6 * WAVE_WIDTH,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"))
    randomness.fill(unet, "tiny-sdxl.unet")
    return LoneUNet("tiny-sdxl", unet.requires_grad_(False).eval())


def save(model: LoneUNet, folder: Path) -> None:
    """As much of a diffusers folder as there is: no text encoders, no tokenizers, no VAE."""
    shutil.rmtree(folder, ignore_errors=True)
    model.unet.save_pretrained(folder / "unet")
    schedule = {key: value for key, value in SCHEDULE.items() if key != "set_alpha_to_one"}
    EulerDiscreteScheduler(**schedule).save_pretrained(folder / "scheduler")
    write_json(folder / "model_index.json", {
        "_class_name": "StableDiffusionXLPipeline", "_diffusers_version": "0.42.1",
        "unet": ["diffusers", "UNet2DConditionModel"], "scheduler": ["diffusers", "EulerDiscreteScheduler"]})
    (folder / "unet/diffusion_pytorch_model.safetensors").chmod(0o644)


def conditions(model: LoneUNet, name: str, samples: int, words: int) -> dict[str, torch.Tensor]:
    return {
        "encoder_hidden_states": normal(f"{name}.context", samples, words, model.unet.config.cross_attention_dim),
        "text_embeds": normal(f"{name}.text", samples, TEXT_WIDTH), "time_ids": torch.tensor(SIZES[:samples]).float(),
    }


def predicted(model: LoneUNet, latents: torch.Tensor, timesteps: torch.Tensor, told: dict) -> torch.Tensor:
    return model.unet(
        latents, timesteps, encoder_hidden_states=told["encoder_hidden_states"],
        added_cond_kwargs={"text_embeds": told["text_embeds"], "time_ids": told["time_ids"]}).sample


@torch.no_grad()
def says(model: LoneUNet) -> dict[str, torch.Tensor]:
    """As `parts.unet`, with what else the model is told."""
    tensors = {}
    for prefix, shape, times, words in [("", (3, 4, 8, 12), [0, 451, 999], 77), ("odd.", (1, 4, 5, 7), [37], 152)]:
        name = f"{model.name}.{prefix}unet"
        told = conditions(model, name, shape[0], words)
        latents, timesteps = normal(f"{name}.latents", *shape), torch.tensor(times)
        output = predicted(model, latents, timesteps, told)
        case = {"latents": latents, "timesteps": timesteps, **told, "output": output}
        tensors |= {prefix + key: value for key, value in case.items()}
    return tensors


def step(model: LoneUNet, parameters: dict[str, torch.nn.Parameter]) -> dict[str, torch.Tensor]:
    """As `training.step`: each sample's loss, and the gradient of their sum."""
    name = f"{model.name}.plain"
    told = conditions(model, name, 3, 77)
    latents, noise = normal(f"{name}.latents", 3, 4, 8, 12), normal(f"{name}.noise", 3, 4, 8, 12)
    timesteps = torch.tensor([17, 480, 999])
    noisy = noising.scheduler().add_noise(latents, noise, timesteps)
    prediction = predicted(model, noisy, timesteps, told)
    loss = torch.nn.functional.mse_loss(prediction, noise, reduction="none").mean(dim=(1, 2, 3))
    gradients = torch.autograd.grad(loss.sum(), list(parameters.values()))
    return {
        "timesteps": timesteps, "noisy_latents": noisy, "target": noise, **told, "prediction": prediction, "loss": loss,
    } | {f"gradient.{key}": value for key, value in zip(parameters, gradients)}
