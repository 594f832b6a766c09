"""The single-file layout of the original latent-diffusion code, made from a diffusers model.

`entries` says for each diffusers key what it is called there and what is done to its tensor:
  same         nothing
  convolution  a linear (out, in) becomes a 1x1 convolution (out, in, 1, 1)
  fuse k/3     is the k-th third of a tensor that holds query, key and value one below the other
  transpose    rows and columns are swapped (only OpenCLIP's text projection)
"""

import json
import re
from dataclasses import dataclass

import torch
from diffusers.loaders import single_file_utils as readers

from .models import Model
from .randomness import normal


@dataclass(frozen=True)
class Entry:
    key: str
    transformation: str = "same"


def unet_entry(key: str, model: Model) -> Entry:
    """`UNetModel` counts its blocks flat: each resnet, and each down-sampler, is one of `input_blocks`."""
    per_level = model.unet.config.layers_per_block + 1
    rules = [
        (r"time_embedding\.linear_(\d)", lambda m: f"time_embed.{2 * (int(m[1]) - 1)}"),
        (r"conv_in", lambda m: "input_blocks.0.0"),
        (r"conv_norm_out", lambda m: "out.0"),
        (r"conv_out", lambda m: "out.2"),
        (r"down_blocks\.(\d+)\.resnets\.(\d+)", lambda m: f"input_blocks.{per_level * int(m[1]) + int(m[2]) + 1}.0"),
        (r"down_blocks\.(\d+)\.attentions\.(\d+)", lambda m: f"input_blocks.{per_level * int(m[1]) + int(m[2]) + 1}.1"),
        (r"down_blocks\.(\d+)\.downsamplers\.0\.conv", lambda m: f"input_blocks.{per_level * (int(m[1]) + 1)}.0.op"),
        (r"mid_block\.resnets\.(\d)", lambda m: f"middle_block.{2 * int(m[1])}"),
        (r"mid_block\.attentions\.0", lambda m: "middle_block.1"),
        (r"up_blocks\.(\d+)\.resnets\.(\d+)", lambda m: f"output_blocks.{per_level * int(m[1]) + int(m[2])}.0"),
        (r"up_blocks\.(\d+)\.attentions\.(\d+)", lambda m: f"output_blocks.{per_level * int(m[1]) + int(m[2])}.1"),
    ]
    # The up-sampler is the last module of its level's last block: third after an attention, second without one.
    upsampler = re.match(r"up_blocks\.(\d+)\.upsamplers\.0\.(.*)", key)
    if upsampler:
        level = int(upsampler[1])
        place = 2 if "CrossAttn" in model.unet.config.up_block_types[level] else 1
        renamed = f"output_blocks.{per_level * level + per_level - 1}.{place}.{upsampler[2]}"
    else:
        renamed = next(re.sub(f"^{pattern}", name, key) for pattern, name in rules if re.match(pattern, key))
    return Entry("model.diffusion_model." + within_resnet(renamed, {
        "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
        "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
    }) if "resnets" in key else "model.diffusion_model." + renamed)


def vae_entry(key: str, model: Model) -> Entry:
    levels = len(model.vae.config.block_out_channels)
    renamed = key
    for pattern, name in [
        (r"encoder\.down_blocks\.(\d+)\.resnets\.(\d+)", lambda m: f"encoder.down.{m[1]}.block.{m[2]}"),
        (r"encoder\.down_blocks\.(\d+)\.downsamplers\.0", lambda m: f"encoder.down.{m[1]}.downsample"),
        # The original numbers the decoder's levels by resolution, so they are met from the last to the first.
        (r"decoder\.up_blocks\.(\d+)\.resnets\.(\d+)", lambda m: f"decoder.up.{levels - 1 - int(m[1])}.block.{m[2]}"),
        (r"decoder\.up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"decoder.up.{levels - 1 - int(m[1])}.upsample"),
        (r"(\w+)\.mid_block\.resnets\.(\d)", lambda m: f"{m[1]}.mid.block_{int(m[2]) + 1}"),
        (r"(\w+)\.mid_block\.attentions\.0", lambda m: f"{m[1]}.mid.attn_1"),
        (r"(\w+)\.conv_norm_out", lambda m: f"{m[1]}.norm_out"),
    ]:
        renamed = re.sub(f"^{pattern}", name, renamed)
    if "attentions" in key:
        renamed = within_resnet(renamed, {
            "group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"})
        linear = "group_norm" not in key and key.endswith("weight")
        return Entry("first_stage_model." + renamed, "convolution" if linear else "same")
    return Entry("first_stage_model." + renamed.replace("conv_shortcut", "nin_shortcut"))


def within_resnet(key: str, names: dict[str, str]) -> str:
    for name, original in names.items():
        key = key.replace(f".{name}.", f".{original}.")
    return key


def clip_entry(key: str, model: Model) -> Entry:
    return Entry("cond_stage_model.transformer.text_model." + key)


def open_clip_entry(key: str, model: Model) -> Entry:
    fused = re.match(r"encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)", key)
    if fused:
        place = "qkv".index(fused[2])
        return Entry(f"cond_stage_model.model.transformer.resblocks.{fused[1]}.attn.in_proj_{fused[3]}", f"fuse {place}/3")
    for name, original in {
        "encoder.layers.": "transformer.resblocks.", "self_attn.out_proj": "attn.out_proj", "layer_norm1": "ln_1",
        "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj", "final_layer_norm": "ln_final",
        "embeddings.token_embedding.weight": "token_embedding.weight",
        "embeddings.position_embedding.weight": "positional_embedding",
    }.items():
        key = key.replace(name, original)
    return Entry("cond_stage_model.model." + key)


def entries(model: Model) -> dict[str, dict[str, Entry]]:
    """part → diffusers key (text encoder: without `text_model.`) → where it lies in the single file."""
    clip = open_clip_entry if model.v_prediction else clip_entry
    makers = {"unet": unet_entry, "vae": vae_entry, "text_encoder": clip}
    return {
        part: {key: maker(key, model) for key in getattr(model, part).state_dict() if "position_ids" not in key}
        for part, maker in makers.items()
    }


def table(model: Model) -> str:
    """`entries` as JSON, a key a line: {"unet": {"conv_in.weight": ["model.diffusion_model...", "same"]}}."""
    parts = []
    for part, names in entries(model).items():
        lines = [json.dumps(key) + ": " + json.dumps([entry.key, entry.transformation]) for key, entry in names.items()]
        parts.append(json.dumps(part) + ": {\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def single_file(model: Model) -> dict[str, torch.Tensor]:
    """The whole model in the LDM layout, fp32, with what such files hold besides."""
    file: dict[str, torch.Tensor] = {}
    thirds: dict[str, list] = {}
    for part, names in entries(model).items():
        weights = getattr(model, part).state_dict()
        for key, entry in names.items():
            tensor = weights[key]
            if entry.transformation.startswith("fuse"):
                thirds.setdefault(entry.key, [None] * 3)[int(entry.transformation[5])] = tensor
            else:
                file[entry.key] = tensor[..., None, None] if entry.transformation == "convolution" else tensor
    file |= {key: torch.cat(parts) for key, parts in thirds.items()}
    file |= extras(model, file)
    return {key: tensor.contiguous().clone() for key, tensor in file.items()}


def extras(model: Model, file: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What a loader must pass over: the schedule, position ids, OpenCLIP's last layer, projection and logit scale."""
    extra = {"alphas_cumprod": model.scheduler.alphas_cumprod, "betas": model.scheduler.betas}
    if not model.v_prediction:
        return extra | {"cond_stage_model.transformer.text_model.embeddings.position_ids": torch.arange(77)[None]}
    prefix = "cond_stage_model.model."
    last = model.text_encoder.config.num_hidden_layers
    for key in [key for key in file if key.startswith(f"{prefix}transformer.resblocks.0.")]:
        name = key.replace("resblocks.0", f"resblocks.{last}")
        extra[name] = normal(name, *file[key].shape)
    width = model.text_encoder.config.hidden_size
    return extra | {
        f"{prefix}text_projection": normal("text_projection", width, 20),
        f"{prefix}logit_scale": torch.tensor(4.6),
    }


def check(model: Model) -> None:
    """diffusers' own readers of this layout must find the same model in the single file."""
    file = single_file(model)
    found = {
        "unet": readers.convert_ldm_unet_checkpoint(dict(file), dict(model.unet.config)),
        "vae": readers.convert_ldm_vae_checkpoint(dict(file), dict(model.vae.config)),
    }
    if model.v_prediction:
        prefix = "cond_stage_model.model."
        found["text_encoder"] = readers.convert_open_clip_checkpoint(model.text_encoder, dict(file), prefix=prefix)
    else:
        found["text_encoder"] = readers.convert_ldm_clip_checkpoint(dict(file))
    for part, weights in found.items():
        expected = getattr(model, part).state_dict()
        weights = {key.removeprefix("text_model."): value for key, value in weights.items()}
        missing = expected.keys() - weights.keys()
        if missing:
            raise SystemExit(f"{model.name}: diffusers does not find {sorted(missing)[:3]} of the {part}")
        for key, value in expected.items():
            torch.testing.assert_close(weights[key], value, rtol=0, atol=0, msg=lambda text: f"{part} {key}: {text}")
