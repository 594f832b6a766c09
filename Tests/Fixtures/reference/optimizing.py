"""Optimizers and learning-rate schedules on their own."""

import torch
from diffusers.optimization import get_scheduler

from .randomness import normal

SHAPES = {"first.a": (3, 4), "first.b": (5,), "second.c": (2, 2, 1, 1)}


def optimizers() -> dict[str, torch.Tensor]:
    """Two groups (`first` at 1e-2, `second` at 3e-3), five steps of given gradients, clipped to norm 2 together.

    Clipping bites in some steps and not in others.
    """
    tensors = {f"before.{key}": normal(f"optimizer.{key}", *shape) for key, shape in SHAPES.items()}
    for k in range(5):
        for key, shape in SHAPES.items():
            tensors[f"gradient.{k}.{key}"] = normal(f"optimizer.{k}.{key}", *shape, std=[0.2, 1, 1, 0.01, 3][k])
    makers = {
        "adamw": lambda groups: torch.optim.AdamW(groups),
        "adamw_tuned": lambda groups: torch.optim.AdamW(groups, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
        "sgd": lambda groups: torch.optim.SGD(groups),
        "sgd_momentum": lambda groups: torch.optim.SGD(groups, momentum=0.9, weight_decay=0.01),
        "sgd_nesterov": lambda groups: torch.optim.SGD(groups, momentum=0.9, nesterov=True),
    }
    for name, make in makers.items():
        parameters = {key: torch.nn.Parameter(tensors[f"before.{key}"].clone()) for key in SHAPES}
        optimizer = make([
            {"params": [p for key, p in parameters.items() if key.startswith(group)], "lr": rate}
            for group, rate in [("first", 1e-2), ("second", 3e-3)]
        ])
        for k in range(5):
            for key, parameter in parameters.items():
                parameter.grad = tensors[f"gradient.{k}.{key}"].clone()
            tensors[f"gradient_norm.{k}"] = torch.nn.utils.clip_grad_norm_(list(parameters.values()), 2.0)
            optimizer.step()
            tensors |= {f"{name}.{k}.{key}": value.detach().clone() for key, value in parameters.items()}
    return tensors


def schedules() -> list[dict]:
    """The factor on the learning rate at each step of a run of 20, by diffusers' schedules."""
    cases = [
        ("constant", {}), ("constant_with_warmup", {"num_warmup_steps": 4}),
        ("linear", {}), ("linear", {"num_warmup_steps": 5}),
        ("cosine", {}), ("cosine", {"num_warmup_steps": 3}),
        ("cosine_with_restarts", {"num_cycles": 3}), ("cosine_with_restarts", {"num_cycles": 2, "num_warmup_steps": 4}),
        ("polynomial", {"power": 1.0}), ("polynomial", {"power": 2.0, "num_warmup_steps": 2}),
    ]
    rows = []
    for name, settings in cases:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
        scheduler = get_scheduler(name, optimizer, num_training_steps=20, **{"num_warmup_steps": 0, **settings})
        factors = []
        for _ in range(22):  # and two past the end
            factors.append(scheduler.get_last_lr()[0] / 1e-3)
            optimizer.step()
            scheduler.step()
        rows.append({"name": name, "steps": 20, "learning_rate": 1e-3, **settings, "factors": factors})
    return rows
