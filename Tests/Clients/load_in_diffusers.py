#!/usr/bin/env python3
"""Loads a LoRA file as a user of diffusers does, and says what the model says with it on.

    load_in_diffusers.py BASE LORA INPUTS OUT [--weight W] [--fuse]

BASE    a diffusers folder
LORA    a .safetensors file in kohya's naming
INPUTS  safetensors: input_ids (samples, 77), noisy_latents (samples, 4, h, w), timesteps (samples)
OUT     safetensors: encoder_hidden_states, prediction; with --fuse by merging the LoRA into the weights

Ends with 1 and one line when a module in the file is not used, gets other weights than the file's,
or when diffusers warns of anything while loading.
"""

import argparse
import logging
import sys

import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file, save_file


class Complaints(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def adapted(pipeline) -> dict[str, tuple[torch.Tensor, torch.Tensor, float]]:
    """down, up and scale of every adapted module, by kohya's name for it."""
    found = {}
    for prefix, part in [("lora_unet_", pipeline.unet), ("lora_te_", pipeline.text_encoder)]:
        for name, module in part.named_modules():
            if not hasattr(module, "lora_A"):
                continue
            # transformers 5 no longer has the `text_model` level that the names in LoRA files keep.
            if prefix == "lora_te_" and not name.startswith("text_model."):
                name = "text_model." + name
            [adapter] = module.lora_A.keys()
            down, up = module.lora_A[adapter].weight, module.lora_B[adapter].weight
            found[prefix + name.replace(".", "_")] = (down, up, module.scaling[adapter])
    return found


def check(file: dict[str, torch.Tensor], found: dict) -> None:
    modules = {key.split(".")[0] for key in file}
    if modules != found.keys():
        unused, missing = sorted(modules - found.keys()), sorted(found.keys() - modules)
        sys.exit(f"{len(unused)} modules of the file are not used {unused[:2]}, {len(missing)} are made up {missing[:2]}")
    for name, (down, up, scale) in found.items():
        rank = down.shape[0]
        for half, used in [("lora_down", down), ("lora_up", up)]:
            if not torch.equal(used, file[f"{name}.{half}.weight"].to(used.dtype)):
                sys.exit(f"{name}: diffusers has other weights for {half} than the file")
        alpha = file.get(f"{name}.alpha", torch.tensor(float(rank))).item()
        if abs(scale - alpha / rank) > 1e-6:
            sys.exit(f"{name}: diffusers scales by {scale}, the file says {alpha}/{rank}")


@torch.no_grad()
def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("base", "lora", "inputs", "out"):
        arguments.add_argument(name)
    arguments.add_argument("--weight", type=float, default=1.0)
    arguments.add_argument("--fuse", action="store_true")
    options = arguments.parse_args()

    pipeline = StableDiffusionPipeline.from_pretrained(
        options.base, torch_dtype=torch.float32, safety_checker=None, local_files_only=True)
    complaints = Complaints()
    for library in ("diffusers", "peft"):
        logging.getLogger(library).addHandler(complaints)
    pipeline.load_lora_weights(options.lora)
    if complaints.lines:
        sys.exit(f"diffusers complains: {complaints.lines[0]}")
    found = adapted(pipeline)
    check(load_file(options.lora), found)

    if options.fuse:
        pipeline.fuse_lora(lora_scale=options.weight)
        pipeline.unload_lora_weights()
    elif options.weight != 1:
        [adapter] = {name for names in pipeline.get_list_adapters().values() for name in names}
        pipeline.set_adapters(adapter, options.weight)

    inputs = load_file(options.inputs)
    states = pipeline.text_encoder(inputs["input_ids"].reshape(-1, 77)).last_hidden_state
    prediction = pipeline.unet(inputs["noisy_latents"], inputs["timesteps"], encoder_hidden_states=states).sample
    save_file({"encoder_hidden_states": states.contiguous(), "prediction": prediction.contiguous()}, options.out)
    print(f"{len(found)} modules adapted")


if __name__ == "__main__":
    main()
