#!/usr/bin/env python3
"""Trains the VAE (f = 4, 4 latent channels) on all emoji at random places of random backgrounds, half of them mirrored."""

import argparse
import time

import numpy as np
import torch
from diffusers import AutoencoderKL

import emoji

BATCH = 32


def batch(pictures: np.ndarray, random: np.random.Generator) -> torch.Tensor:
    rows = []
    for k in random.integers(0, len(pictures), BATCH):
        picture = pictures[k][:, ::-1] if random.random() < 0.5 else pictures[k]
        y, x = random.integers(0, emoji.SIDE - emoji.EMOJI_SIDE + 1, 2)
        rows.append(emoji.to_model(emoji.compose(picture, emoji.COLOURS[random.integers(len(emoji.COLOURS))], y, x)))
    return torch.from_numpy(np.stack(rows)).to(memory_format=torch.channels_last)


def main(minutes: float) -> None:
    torch.manual_seed(0)
    _, pictures = emoji.load()
    vae = AutoencoderKL(
        block_out_channels=(24, 48, 96), layers_per_block=1, latent_channels=4, norm_num_groups=8, sample_size=emoji.SIDE,
        down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3,
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=2e-3, betas=(0.9, 0.99))
    random = np.random.default_rng(0)
    start, steps = time.time(), 0
    while (done := (time.time() - start) / (minutes * 60)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, steps / 100) * (1 - done) ** 0.5 + 1e-5
        pixels = batch(pictures, random)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            posterior = vae.encode(pixels).latent_dist
            decoded = vae.decode(posterior.mean + posterior.std * torch.randn_like(posterior.mean)).sample.float()
        difference = decoded - pixels
        reconstruction = difference.abs().mean() + difference.pow(2).mean()
        loss = reconstruction + 1e-3 * posterior.kl().mean() / pixels[0].numel()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        steps += 1
        if steps % 50 == 0:
            print(f"{steps} reconstruction {reconstruction:.4f}", flush=True)
    vae.save_pretrained("vae")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=16)
    main(arguments.parse_args().minutes)
