#!/usr/bin/env python3
"""Reads a LoRA file with the safetensors library and says what is in it, as JSON.

    read_metadata.py LORA

{"metadata": {...}, "tensors": {KEY: [TYPE, [SHAPE]]}, "order": [KEY...]}

Ends with 1 and one line when the file's `sshs_model_hash` or `sshs_legacy_hash` is not what kohya's scripts
(`train_util.precalculate_safetensors_hashes`) make of its tensors and metadata.
"""

import hashlib
import json
import sys

from safetensors import safe_open
from safetensors.torch import save


def order(path: str) -> list[str]:
    """The keys as their bytes lie in the file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    header.pop("__metadata__", None)
    return sorted(header, key=lambda key: header[key]["data_offsets"])


def hashes(tensors: dict, metadata: dict[str, str]) -> dict[str, str]:
    data = save(tensors, {key: value for key, value in metadata.items() if key.startswith("ss_")})
    length = int.from_bytes(data[:8], "little")
    return {
        "sshs_model_hash": hashlib.sha256(data[8 + length :]).hexdigest(),
        "sshs_legacy_hash": hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8],
    }


def main(path: str) -> None:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    for name, expected in hashes(tensors, metadata).items():
        if metadata.get(name, expected) != expected:
            sys.exit(f"{path}: {name} is {metadata[name]}, kohya's scripts make it {expected}")
    shapes = {key: [str(tensor.dtype).removeprefix("torch."), list(tensor.shape)] for key, tensor in tensors.items()}
    print(json.dumps({"metadata": metadata, "tensors": shapes, "order": order(path)}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
