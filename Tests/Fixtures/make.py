#!/usr/bin/env python3
"""Asks the reference implementations, and writes what they say beside this script.

    python make.py            everything
    python make.py parts      only what matches the word

Needs the packages in requirements.txt; runs on the CPU in about a minute. The same packages give the same files.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from reference import ldm, models, parts

HERE = Path(__file__).parent
MODELS = [models.tiny_sd1, models.tiny_sd2]


def write(tensors: dict[str, torch.Tensor], name: str, metadata: dict[str, str] | None = None) -> None:
    path = HERE / f"{name}.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file({key: tensor.detach().contiguous().clone() for key, tensor in tensors.items()}, path, metadata)
    path.chmod(0o644)


def make_models() -> None:
    for make in MODELS:
        model = make()
        models.save(model, HERE / model.name)
        file = ldm.single_file(model)
        # Half precision, as most such files are; every value is also what casting the folder's tensor gives.
        write({key: t.half() if t.is_floating_point() else t for key, t in file.items()}, f"{model.name}.ldm")
        ldm.check(model)
        (HERE / f"{model.name}.ldm-keys.json").write_text(ldm.table(model))


def make_parts() -> None:
    for make in MODELS:
        model = make()
        for part in (parts.text_encoder, parts.unet, parts.vae):
            write(part(model), f"parts/{model.name}.{part.__name__}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, maker in list(globals().items()):
        if name.startswith("make_") and wanted in name:
            print(name.removeprefix("make_"))
            maker()
