"""What the text encoder, the UNet and the VAE say, in fp32."""

import torch

from .models import Model
from .prompts import conditioning, token_ids
from .randomness import generator, normal

CAPTIONS = [
    "horse on a blue background",
    "",
    "a red apple, 2 bananas & the cat's guitar! " * 12,  # longer than one chunk, shorter than three
]


@torch.no_grad()
def text_encoder(model: Model) -> dict[str, torch.Tensor]:
    tensors = {}
    for length, clip_skips in [(75, (1, 2)), (150, (2,)), (225, (1,))]:
        ids = torch.stack([token_ids(model.tokenizer, caption, length).reshape(-1, 77) for caption in CAPTIONS])
        tensors[f"input_ids.{length}"] = ids
        for clip_skip in clip_skips:
            tensors[f"hidden_states.{length}.clip_skip_{clip_skip}"] = conditioning(model, ids, clip_skip)
    # What the library itself says for the first caption, with no word of ours in between.
    plain = model.text_encoder(tensors["input_ids.75"][:1, 0]).last_hidden_state
    torch.testing.assert_close(plain, tensors["hidden_states.75.clip_skip_1"][:1])
    return tensors


@torch.no_grad()
def unet(model: Model) -> dict[str, torch.Tensor]:
    context = model.unet.config.cross_attention_dim
    timesteps = torch.tensor([0, 451, 999])
    # Rows and columns differ, and neither is a power of two.
    side = (8, 12) if model.name == "tiny-sd1" else (6, 10)
    tensors = {
        "latents": normal(f"{model.name}.latents", 3, 4, *side),
        "timesteps": timesteps,
        "encoder_hidden_states": normal(f"{model.name}.context", 3, 77, context),
        "odd.latents": normal(f"{model.name}.odd", 1, 4, 5, 7),
        "odd.timesteps": torch.tensor([37]),
        "odd.encoder_hidden_states": normal(f"{model.name}.odd.context", 1, 152, context),
    }
    for prefix in ("", "odd."):
        tensors[f"{prefix}output"] = model.unet(
            tensors[f"{prefix}latents"], tensors[f"{prefix}timesteps"],
            encoder_hidden_states=tensors[f"{prefix}encoder_hidden_states"],
        ).sample
    return tensors


@torch.no_grad()
def vae(model: Model) -> dict[str, torch.Tensor]:
    factor = 2 ** (len(model.vae.config.block_out_channels) - 1)
    side = (5 * factor, 7 * factor)
    pixels = torch.rand(2, 3, *side, generator=generator(f"{model.name}.pixels")) * 2 - 1
    distribution = model.vae.encode(pixels).latent_dist
    latents = normal(f"{model.name}.vae.latents", 2, 4, 3, 5)
    return {
        "pixels": pixels, "mean": distribution.mean, "logvar": distribution.logvar,
        "latents": latents, "decoded": model.vae.decode(latents).sample,
    }
