#!/usr/bin/env python3
"""Trains text encoder and UNet of the small base model together, on "<thing> on a <colour> background"."""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, DDPMScheduler, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

import emoji
import vocabulary

SCHEDULE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000)
BATCH = 64


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: np.ndarray) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """Latents of each emoji on each background near the middle, and which thing and background each one is."""
    random = np.random.default_rng(1)
    latents, things, backgrounds = [], [], []
    for background, colour in enumerate(emoji.COLOURS):
        for first in range(0, len(pictures), 64):
            some = pictures[first : first + 64]
            places = random.integers(2, 7, (len(some), 2))
            pixels = np.stack([emoji.to_model(emoji.compose(p, colour, *place)) for p, place in zip(some, places)])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                latents.append(vae.encode(torch.from_numpy(pixels)).latent_dist.mean.float())
            things.append(np.arange(first, first + len(some)))
            backgrounds.append(np.full(len(some), background))
    return torch.cat(latents), np.concatenate(things), np.concatenate(backgrounds)


def new_text_encoder(tokens: int) -> CLIPTextModel:
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=tokens, hidden_size=128, intermediate_size=512, num_hidden_layers=3, num_attention_heads=4,
        max_position_embeddings=77, hidden_act="quick_gelu", bos_token_id=tokens - 2, eos_token_id=tokens - 1,
        pad_token_id=tokens - 1,
    ))


def new_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=16, layers_per_block=1, block_out_channels=(64, 128, 192), norm_num_groups=16,
        cross_attention_dim=128, attention_head_dim=4,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    )


def main(options: argparse.Namespace) -> None:
    torch.manual_seed(0)
    names, pictures = emoji.load(options.things.read_text().splitlines())
    colours = list(emoji.BACKGROUNDS)
    if options.start:
        tokenizer = vocabulary.load(options.start / "tokenizer")
        vae = AutoencoderKL.from_pretrained(options.start / "vae", torch_dtype=torch.float32)
        text_encoder = CLIPTextModel.from_pretrained(options.start / "text_encoder", torch_dtype=torch.float32)
        unet = UNet2DConditionModel.from_pretrained(options.start / "unet", torch_dtype=torch.float32)
        latents, things, backgrounds = encode(vae, pictures)
    else:
        tokenizer = vocabulary.make(names, colours, Path("vocabulary"))
        vae = AutoencoderKL.from_pretrained("vae")
        text_encoder, unet = new_text_encoder(len(tokenizer)), new_unet()
        latents, things, backgrounds = encode(vae, pictures)
        vae.register_to_config(scaling_factor=float(1 / latents.std()))
    latents *= vae.config.scaling_factor
    unet.to(memory_format=torch.channels_last)
    captions = [[emoji.caption(name, colour) for colour in colours] for name in names]
    ids = torch.tensor([tokenizer(row, padding="max_length").input_ids for row in captions])
    empty = torch.tensor(tokenizer("", padding="max_length").input_ids)

    parameters = [*unet.parameters(), *text_encoder.parameters()]
    average = [parameter.detach().clone() for parameter in parameters]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-2)
    schedule = DDPMScheduler(**SCHEDULE)
    random = np.random.default_rng(2)
    start, steps, mean_loss = time.time(), 0, None
    while (done := (time.time() - start) / (options.minutes * 60)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 1.2e-3 * min(1, steps / 200) * (0.5 + 0.5 * np.cos(np.pi * done)) + 1e-6
        chosen = random.integers(0, len(latents), BATCH)
        noise, timesteps = torch.randn_like(latents[chosen]), torch.randint(0, 1000, (BATCH,))
        noisy = schedule.add_noise(latents[chosen], noise, timesteps).to(memory_format=torch.channels_last)
        tokens = ids[things[chosen], backgrounds[chosen]].clone()
        tokens[torch.rand(BATCH) < 0.1] = empty  # what classifier-free guidance needs
        with torch.autocast("cpu", dtype=torch.bfloat16):
            prediction = unet(noisy, timesteps, text_encoder(tokens).last_hidden_state).sample
        loss = (prediction.float() - noise).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        steps += 1
        with torch.no_grad():
            torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - min(0.9995, (1 + steps) / (10 + steps)))
        mean_loss = loss.item() if mean_loss is None else 0.98 * mean_loss + 0.02 * loss.item()
        if steps % 100 == 0:
            print(f"{steps} loss {mean_loss:.4f} {steps * BATCH / (time.time() - start):.1f} pictures/s", flush=True)

    with torch.no_grad():
        for parameter, value in zip(parameters, average):
            parameter.copy_(value)
    scheduler = PNDMScheduler(**SCHEDULE, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1)
    # PNDM has no such setting, but the samplers made from its file do, and these latents leave −1…1.
    scheduler.register_to_config(clip_sample=False)
    pipeline = StableDiffusionPipeline(
        vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, unet=unet, scheduler=scheduler, safety_checker=None,
        feature_extractor=None, requires_safety_checker=False)
    pipeline.to(torch.float16).save_pretrained(options.out, safe_serialization=True)
    tokenizer_folder = Path(options.out) / "tokenizer"
    source = options.start / "tokenizer" if options.start else Path("vocabulary")
    for file in ("vocab.json", "merges.txt"):
        (tokenizer_folder / file).write_bytes((source / file).read_bytes())


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("out", help="the model folder to write")
    arguments.add_argument("--things", type=Path, required=True, help="a file with a name a line")
    arguments.add_argument("--minutes", type=float, required=True)
    arguments.add_argument("--start", type=Path, help="a model folder to go on from")
    main(arguments.parse_args())
