"""Random numbers that are the same wherever the fixtures are made.

Every tensor has its own stream, named in words, so adding one moves no other.
"""

import hashlib

import torch


def generator(name: str) -> torch.Generator:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "little")
    return torch.Generator().manual_seed(seed)


def normal(name: str, *shape: int, std: float = 1.0) -> torch.Tensor:
    return torch.randn(shape, generator=generator(name)) * std


def fill(module: torch.nn.Module, name: str) -> None:
    """Gives every parameter values at which nothing cancels out.

    A fresh model has zero biases and unit norms, and would hide a forgotten bias or a swapped norm.
    """
    with torch.no_grad():
        for key, parameter in module.named_parameters():
            noise = normal(f"{name}.{key}", *parameter.shape)
            if "embedding" in key and parameter.ndim == 2 and "linear" not in key:
                parameter.copy_(0.5 * noise)
            elif parameter.ndim >= 2:
                fan_in = parameter[0].numel()
                parameter.copy_(noise / fan_in**0.5)
            elif "norm" in key and key.endswith("weight"):
                parameter.copy_(1 + 0.2 * noise)
            else:
                parameter.copy_(0.1 * noise)
