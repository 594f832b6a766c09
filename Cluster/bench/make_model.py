#!/usr/bin/env python3
"""Makes a Stable Diffusion 1.5 of full size with random weights, as a diffusers folder in fp32 (4.3 GB).

    make_model.py FOLDER

Nothing is fetched. Speed does not depend on what the weights are, and both sides of the benchmark load this one folder.
The vocabulary has no merges: it has the right size, and a caption costs the same.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

UNET = dict(
    sample_size=64, in_channels=4, out_channels=4, layers_per_block=2, block_out_channels=(320, 640, 1280, 1280),
    attention_head_dim=8, cross_attention_dim=768,
    down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
)
TEXT_ENCODER = dict(
    vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
    max_position_embeddings=77, hidden_act="quick_gelu", projection_dim=768, bos_token_id=49406, eos_token_id=49407,
    pad_token_id=49407,
)
VAE = dict(
    block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, sample_size=512,
    down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
)
SCHEDULER = dict(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, set_alpha_to_one=False,
    skip_prk_steps=True, steps_offset=1,
)


def vocabulary() -> dict[str, int]:
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in printable] + [chr(256 + k) for k in range(256 - len(printable))]
    tokens = letters + [f"{letter}</w>" for letter in letters]
    tokens += [f"unused-{k}</w>" for k in range(TEXT_ENCODER["vocab_size"] - 2 - len(tokens))]
    return {token: k for k, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}


def write_json(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2))


def main(folder: Path) -> None:
    if (folder / "model_index.json").exists():
        return
    torch.manual_seed(0)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    UNet2DConditionModel(**UNET).save_pretrained(partial / "unet", max_shard_size="20GB")
    CLIPTextModel(CLIPTextConfig(**TEXT_ENCODER)).save_pretrained(partial / "text_encoder")
    AutoencoderKL(**VAE).save_pretrained(partial / "vae")
    scheduler = PNDMScheduler(**SCHEDULER)
    scheduler.register_to_config(clip_sample=False)
    scheduler.save_pretrained(partial / "scheduler")
    write_json(partial / "tokenizer/vocab.json", vocabulary())
    (partial / "tokenizer/merges.txt").write_text("#version: 0.2\n")
    write_json(partial / "tokenizer/tokenizer_config.json", {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>"})
    write_json(partial / "model_index.json", {
        "_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
        "text_encoder": ["transformers", "CLIPTextModel"], "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "PNDMScheduler"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "safety_checker": [None, None], "feature_extractor": [None, None]})
    partial.rename(folder)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
