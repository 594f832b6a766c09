"""Writes schedules.json: what diffusers' learning-rate schedules say, step by step.

    python make_schedules.py

Needs torch and diffusers. The optimizer is stepped as a trainer would, and the rate it is about to use is noted.
"""

import json
import pathlib

import diffusers
import torch
from diffusers.optimization import get_scheduler

LEARNING_RATE = 2e-4
CASES = [
    dict(kind="constant", total=7, warmup=0),
    dict(kind="constant_with_warmup", total=12, warmup=5),
    dict(kind="linear", total=20, warmup=0),
    dict(kind="linear", total=23, warmup=6),
    dict(kind="cosine", total=20, warmup=0),
    dict(kind="cosine", total=31, warmup=4),
    dict(kind="cosine_with_restarts", total=30, warmup=3, cycles=1),
    dict(kind="cosine_with_restarts", total=37, warmup=5, cycles=4),
    dict(kind="polynomial", total=20, warmup=0, power=1.0),
    dict(kind="polynomial", total=25, warmup=5, power=2.5),
    dict(kind="cosine", total=5, warmup=9),
]


def rates(kind, total, warmup, cycles=1, power=1.0):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LEARNING_RATE)
    scheduler = get_scheduler(
        kind, optimizer, num_warmup_steps=warmup, num_training_steps=total, num_cycles=cycles, power=power
    )
    seen = []
    for _ in range(total):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


cases = [
    dict(kind=c["kind"], total=c["total"], warmup=c["warmup"], cycles=c.get("cycles", 1), power=c.get("power", 1.0),
         learningRates=rates(**c))
    for c in CASES
]
path = pathlib.Path(__file__).with_name("schedules.json")
lines = ",\n".join("    " + json.dumps(case) for case in cases)
path.write_text(
    f'{{\n  "diffusers": "{diffusers.__version__}",\n  "baseLearningRate": {LEARNING_RATE},\n'
    f'  "cases": [\n{lines}\n  ]\n}}\n'
)
