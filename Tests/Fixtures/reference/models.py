"""Two models of the real families' architecture and of sizes that no constant survives.

Head counts, widths, group counts and depths are odd on purpose: whatever is read from the
configuration works, whatever was copied from a full-size model fails.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, PNDMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from . import randomness

DEMO_TOKENIZER = Path(__file__).parents[3] / "Cluster/demo-base/tokenizer"


@dataclass
class Model:
    name: str
    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    scheduler: PNDMScheduler | DDIMScheduler

    @property
    def v_prediction(self) -> bool:
        return self.scheduler.config.prediction_type == "v_prediction"


# What every Stable Diffusion 1.x and 2.x says of its noise.
SCHEDULE = dict(
    num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
    set_alpha_to_one=False, steps_offset=1,
)


def tokenizer(pad_token: str = "<|endoftext|>") -> CLIPTokenizer:
    return CLIPTokenizer(
        vocab=str(DEMO_TOKENIZER / "vocab.json"), merges=str(DEMO_TOKENIZER / "merges.txt"),
        model_max_length=77, pad_token=pad_token,
    )


def text_encoder(tokenizer: CLIPTokenizer, **sizes) -> CLIPTextModel:
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tokenizer), max_position_embeddings=77, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, **sizes,
    ))


def tiny_sd1() -> Model:
    """Stable Diffusion 1.x: convolutions around the transformer, one head count for all blocks, epsilon."""
    words = tokenizer()
    return finished(Model(
        name="tiny-sd1",
        tokenizer=words,
        text_encoder=text_encoder(
            words, hidden_size=33, intermediate_size=70, num_hidden_layers=3, num_attention_heads=3,
            hidden_act="quick_gelu"),
        unet=UNet2DConditionModel(
            sample_size=8, block_out_channels=(9, 15, 24), norm_num_groups=3, layers_per_block=2,
            # In these configurations `attention_head_dim` counts heads: diffusers keeps the old misnomer.
            attention_head_dim=3, cross_attention_dim=33, use_linear_projection=False,
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D")),
        vae=AutoencoderKL(
            block_out_channels=(6, 10, 14), norm_num_groups=2, layers_per_block=2, latent_channels=4, sample_size=32,
            down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3),
        scheduler=PNDMScheduler(**SCHEDULE, skip_prk_steps=True),
    ))


def tiny_sd2() -> Model:
    """Stable Diffusion 2.x: linear projections, a head count per block, GELU text encoder, "!" as padding, v."""
    words = tokenizer(pad_token="!")
    return finished(Model(
        name="tiny-sd2",
        tokenizer=words,
        text_encoder=text_encoder(
            words, hidden_size=35, intermediate_size=50, num_hidden_layers=4, num_attention_heads=5,
            hidden_act="gelu", projection_dim=20),
        unet=UNet2DConditionModel(
            sample_size=6, block_out_channels=(10, 20), norm_num_groups=5, layers_per_block=1,
            attention_head_dim=[2, 5], cross_attention_dim=35, use_linear_projection=True,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D")),
        vae=AutoencoderKL(
            block_out_channels=(6, 9), norm_num_groups=3, layers_per_block=1, latent_channels=4, sample_size=12,
            down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2),
        scheduler=DDIMScheduler(**SCHEDULE, clip_sample=False, prediction_type="v_prediction"),
    ))


def demo_base() -> Model:
    """The model of `Cluster/demo`: wide enough for the kernels that only large models meet."""
    folder = DEMO_TOKENIZER.parent
    model = Model(
        name="demo-base",
        tokenizer=tokenizer(),
        text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32),
        unet=UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32),
        vae=AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32),
        scheduler=PNDMScheduler.from_pretrained(folder / "scheduler"),
    )
    for part in ("text_encoder", "unet", "vae"):
        getattr(model, part).requires_grad_(False).eval()
    return model


def finished(model: Model) -> Model:
    for part in ("text_encoder", "unet", "vae"):
        module = getattr(model, part)
        randomness.fill(module, f"{model.name}.{part}")
        module.requires_grad_(False).eval()
    return model


def save(model: Model, folder: Path) -> None:
    """Writes a diffusers folder; tiny-sd1 as older tools write one, tiny-sd2 as transformers 5 does."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("tokenizer", "text_encoder", "unet", "vae", "scheduler"):
        getattr(model, part).save_pretrained(folder / part)
    index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.42.1"}
    for part in ("tokenizer", "text_encoder", "unet", "vae", "scheduler"):
        kind = type(getattr(model, part))
        index[part] = [kind.__module__.split(".")[0], kind.__name__]
    for absent in ("safety_checker", "feature_extractor", "image_encoder"):
        index[absent] = [None, None]
    index["requires_safety_checker"] = False
    write_json(folder / "model_index.json", index)
    if model.name == "tiny-sd1":
        age(folder)
        unclip(folder)
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)


def age(folder: Path) -> None:
    """Vocabulary in two files, `text_model.` before the text encoder's keys, and the position-id buffer."""
    (folder / "tokenizer/tokenizer.json").unlink()
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(DEMO_TOKENIZER / name, folder / "tokenizer" / name)
    path = folder / "text_encoder/model.safetensors"
    tensors = {f"text_model.{key}": value for key, value in load_file(path).items()}
    tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    save_file(tensors, path, metadata={"format": "pt"})


def unclip(folder: Path) -> None:
    """`clip_sample` is unknown to PNDM, but in the file of Stable Diffusion 1.5, for the samplers made from it."""
    path = folder / "scheduler/scheduler_config.json"
    write_json(path, {**json.loads(path.read_text()), "clip_sample": False})


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
