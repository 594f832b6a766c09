"""The order of tensors in a safetensors file, and the two hashes that kohya's scripts put in a LoRA's metadata."""

import hashlib
import json

import torch
from safetensors.torch import save

DTYPES = [
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.uint16, torch.float16, torch.bfloat16, torch.int32,
    torch.uint32, torch.float32, torch.float64, torch.int64, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2,
]


def counting(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Element i is i mod 2 for truth values, i mod 16 for 8-bit floats, i mod 125 otherwise: exact in every type."""
    count = torch.Size(shape).numel()
    modulus = 2 if dtype == torch.bool else 16 if dtype.itemsize == 1 and dtype.is_floating_point else 125
    return (torch.arange(count) % modulus).to(dtype).reshape(shape)


def mixed() -> dict[str, torch.Tensor]:
    """A small file with each type, under names whose order is not the types' order; one scalar, one empty."""
    tensors = {}
    for k, dtype in enumerate(DTYPES):
        name = str(dtype).removeprefix("torch.")
        tensors[f"{'zyx'[k % 3]}.{name}"] = counting((2, 3), dtype)
    tensors["B.alpha"] = counting((), torch.float32)
    tensors["a.empty"] = torch.zeros(0, 4)
    tensors["é.名"] = counting((3,), torch.float16)
    return tensors


def order(serialized: bytes) -> list[str]:
    length = int.from_bytes(serialized[:8], "little")
    header = json.loads(serialized[8 : 8 + length])
    header.pop("__metadata__", None)
    # An empty tensor ends where the next begins.
    return sorted(header, key=lambda name: (header[name]["data_offsets"][0], header[name]["data_offsets"][1]))


def kohya(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> dict[str, str]:
    """`precalculate_safetensors_hashes`: of the file as it would be with only the `ss_` metadata."""
    data = save(tensors, {key: value for key, value in metadata.items() if key.startswith("ss_")})
    length = int.from_bytes(data[:8], "little")
    return {
        "sshs_model_hash": hashlib.sha256(data[8 + length :]).hexdigest(),
        "sshs_legacy_hash": hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8],
    }


def table() -> dict:
    """Files too long to keep, told in a few words so that a test can make them, and what their hashes are."""
    metadata = {"ss_network_dim": "8", "ss_output_name": "丹炉", "modelspec.title": "left out of the hash"}
    descriptions = {
        "small": [("lora_te_a.lora_up.weight", (4, 8), torch.float16), ("lora_te_a.alpha", (), torch.float16)],
        # The legacy hash reads only what lies between 1 MiB and 1 MiB + 64 KiB.
        "large": [
            ("lora_unet_b.lora_down.weight", (8, 30_001), torch.float32), ("lora_unet_b.alpha", (), torch.float32),
            ("lora_unet_b.lora_up.weight", (30_001, 8), torch.float16), ("lora_unet_B.alpha", (), torch.bfloat16),
        ],
    }
    rows = {}
    for name, description in descriptions.items():
        tensors = {key: counting(shape, dtype) for key, shape, dtype in description}
        rows[name] = {
            "tensors": [[key, list(shape), str(dtype).removeprefix("torch.")] for key, shape, dtype in description],
            "metadata": metadata, "order": order(save(tensors, metadata)), **kohya(tensors, metadata),
        }
    return {"mixed_order": order(save(mixed())), **rows}
