#!/usr/bin/env python3
"""Makes a model of full size with random weights, as a diffusers folder.

    make_model.py sd15 FOLDER      Stable Diffusion 1.5, whole, in fp32: 4.3 GB
    make_model.py sdxl FOLDER      the UNet of Stable Diffusion XL's base model, alone, in bf16: 5.1 GB

Nothing is fetched. Speed does not depend on what the weights are, and both sides of the benchmark load this one folder.
The vocabulary has no merges: it has the right size, and a caption costs the same.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, PNDMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

UNET = dict(
    sample_size=64, in_channels=4, out_channels=4, layers_per_block=2, block_out_channels=(320, 640, 1280, 1280),
    attention_head_dim=8, cross_attention_dim=768,
    down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
)
XL_UNET = dict(
    sample_size=128, in_channels=4, out_channels=4, layers_per_block=2, block_out_channels=(320, 640, 1280),
    attention_head_dim=(5, 10, 20), transformer_layers_per_block=(1, 2, 10), cross_attention_dim=2048,
    use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=256,
    projection_class_embeddings_input_dim=2816,
    down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * 2,
    up_block_types=("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",),
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
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, steps_offset=1,
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


def make_sd15(folder: Path) -> None:
    UNet2DConditionModel(**UNET).save_pretrained(folder / "unet", max_shard_size="20GB")
    CLIPTextModel(CLIPTextConfig(**TEXT_ENCODER)).save_pretrained(folder / "text_encoder")
    AutoencoderKL(**VAE).save_pretrained(folder / "vae")
    scheduler = PNDMScheduler(**SCHEDULER, set_alpha_to_one=False, skip_prk_steps=True)
    scheduler.register_to_config(clip_sample=False)
    scheduler.save_pretrained(folder / "scheduler")
    write_json(folder / "tokenizer/vocab.json", vocabulary())
    (folder / "tokenizer/merges.txt").write_text("#version: 0.2\n")
    write_json(folder / "tokenizer/tokenizer_config.json", {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>"})
    write_json(folder / "model_index.json", {
        "_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
        "text_encoder": ["transformers", "CLIPTextModel"], "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "PNDMScheduler"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "safety_checker": [None, None], "feature_extractor": [None, None]})


def make_sdxl(folder: Path) -> None:
    """The weights go to the file one by one: in memory there is never more than one tensor."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(**XL_UNET)
    unet.save_config(folder / "unet")
    EulerDiscreteScheduler(**SCHEDULER).save_pretrained(folder / "scheduler")
    write_json(folder / "model_index.json", {
        "_class_name": "StableDiffusionXLPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
        "scheduler": ["diffusers", "EulerDiscreteScheduler"]})
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in unet.state_dict().items():
        end = offset + 2 * tensor.numel()
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "unet/diffusion_pytorch_model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, tensor in unet.state_dict().items():
            file.write(drawn(name, tensor.shape).view(torch.int16).numpy())


def drawn(name: str, shape: torch.Size) -> torch.Tensor:
    """Weights of a size at which nothing grows or dies out on the way through the network."""
    if len(shape) == 1:
        return (torch.ones if "norm" in name and name.endswith("weight") else torch.zeros)(shape, dtype=torch.bfloat16)
    return (torch.randn(shape) / shape[1:].numel() ** 0.5).bfloat16()


def main(make, folder: Path) -> None:
    if (folder / "model_index.json").exists():
        return
    torch.manual_seed(0)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    make(partial)
    partial.rename(folder)


if __name__ == "__main__":
    makers = {"sd15": make_sd15, "sdxl": make_sdxl}
    if len(sys.argv) != 3 or sys.argv[1] not in makers:
        sys.exit(__doc__)
    main(makers[sys.argv[1]], Path(sys.argv[2]))
