"""Danlu's random numbers, written a second time: diffusers is to be asked about the very noise that a run draws.

Philox4x32-10 (Salmon et al. 2011) under an address, and Box and Muller's transform, here with the C library's functions.
"""

import math

import torch

MASK = 0xFFFFFFFF
NOISE, VAE_SAMPLE, NOISE_OFFSET, VALIDATION = 1, 3, 9, 16


def philox(key: list[int], counter: list[int]) -> list[int]:
    (k0, k1), (x0, x1, x2, x3) = key, counter
    for round in range(10):
        if round > 0:
            k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
        first, second = x0 * 0xD2511F53, x2 * 0xCD9E8D57
        x0, x1, x2, x3 = (second >> 32) ^ x1 ^ k0, second & MASK, (first >> 32) ^ x3 ^ k1, first & MASK
    return [x0, x1, x2, x3]


def words(count: int, seed: int, purpose: int, picture: int = 0, repetition: int = 0) -> list[int]:
    """The first words of the stream at an address, whose epoch is the first."""
    address = philox([seed & MASK, seed >> 32], [purpose, 0, picture, repetition])
    blocks = [philox(address[:2], [number, 0, *address[2:]]) for number in range(-(-count // 4))]
    return [word for block in blocks for word in block][:count]


def normals(seed: int, purpose: int, picture: int, repetition: int, *shape: int) -> torch.Tensor:
    count = math.prod(shape)
    drawn = words(count + count % 2, seed, purpose, picture, repetition)
    values = []
    for first, second in zip(drawn[::2], drawn[1::2]):
        radius = math.sqrt(-2 * math.log((first + 0.5) / 2**32))
        turn = 2 * math.pi * second / 2**32
        values += [radius * math.cos(turn), radius * math.sin(turn)]
    return torch.tensor(values[:count], dtype=torch.float64).float().reshape(shape)
