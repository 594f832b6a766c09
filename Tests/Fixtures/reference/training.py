"""A step of training: loss, every gradient of the LoRA, and the weights after some steps."""

from dataclasses import asdict, dataclass, field

import torch

from . import adapters, noising
from .models import Model
from .prompts import conditioning, token_ids
from .randomness import normal

CAPTIONS = ["horse on a blue background", "a deer, two owls & a pizza! " * 20, ""]

SHAPES = {"tiny-sd1": (3, 4, 8, 12), "tiny-sd2": (3, 4, 6, 10), "demo-base": (3, 4, 36, 34)}


@dataclass
class Case:
    """What a recipe would say, by kohya's names."""

    name: str
    clip_skip: int = 1
    max_token_length: int = 75
    noise_offset: float = 0.0
    min_snr_gamma: float = 0.0
    zero_terminal_snr: bool = False
    loss_weights: list[float] = field(default_factory=lambda: [1.0, 1.0, 1.0])

    def settings(self) -> dict[str, str]:
        return {key: str(value) for key, value in asdict(self).items()}


def cases(model: Model) -> list[Case]:
    return [
        Case("plain"),
        Case("weighted", clip_skip=2, max_token_length=150, noise_offset=0.1, min_snr_gamma=5.0,
             zero_terminal_snr=model.v_prediction, loss_weights=[1.0, 0.5, 1.0]),
    ]


def inputs(model: Model, case: Case) -> dict[str, torch.Tensor]:
    ids = [token_ids(model.tokenizer, caption, case.max_token_length).reshape(-1, 77) for caption in CAPTIONS]
    shape = SHAPES[model.name]
    name = f"{model.name}.{case.name}"
    noise = normal(f"{name}.noise", *shape)
    tensors = {
        "latents": normal(f"{name}.latents", *shape), "timesteps": torch.tensor([17, 480, 999]),
        "input_ids": torch.stack(ids), "loss_weights": torch.tensor(case.loss_weights), "noise": noise,
    }
    if case.noise_offset:
        # As `apply_noise_offset`: one number per sample and channel.
        tensors["noise_before_offset"] = noise
        tensors["offset_noise"] = normal(f"{name}.offset", 3, 4, 1, 1)
        tensors["noise"] = noise + case.noise_offset * tensors["offset_noise"]
    return tensors


def forward(model: Model, case: Case, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`process_batch` up to the per-sample losses."""
    latents, noise, timesteps = (tensors[key] for key in ("latents", "noise", "timesteps"))
    scheduler = noising.scheduler(zero_terminal_snr=case.zero_terminal_snr)
    noisy = scheduler.add_noise(latents, noise, timesteps)
    target = scheduler.get_velocity(latents, noise, timesteps) if model.v_prediction else noise
    states = conditioning(model, tensors["input_ids"], case.clip_skip)
    prediction = model.unet(noisy, timesteps, encoder_hidden_states=states).sample
    loss = torch.nn.functional.mse_loss(prediction, target, reduction="none").mean(dim=(1, 2, 3))
    snr_weights = torch.ones(len(loss))
    if case.min_snr_gamma:
        snr_weights = noising.min_snr_weight(case.min_snr_gamma, model.v_prediction)[timesteps]
    return {
        "noisy_latents": noisy, "target": target, "encoder_hidden_states": states, "prediction": prediction,
        "loss": loss, "snr_weights": snr_weights, "weighted_loss": loss * tensors["loss_weights"] * snr_weights,
    }


def step(model: Model, parameters: dict[str, torch.nn.Parameter], case: Case) -> dict[str, torch.Tensor]:
    """Inputs, what happened, and the gradient of the *sum* of the samples' weighted losses."""
    tensors = inputs(model, case)
    tensors |= forward(model, case, tensors)
    gradients = torch.autograd.grad(tensors["weighted_loss"].sum(), list(parameters.values()), allow_unused=True)
    # With clip_skip 2 nothing depends on the text encoder's last layer: its gradients are not in the file.
    return tensors | {f"gradient.{key}": value for key, value in zip(parameters, gradients) if value is not None}


def half_precision_error(model: Model, parameters: dict[str, torch.nn.Parameter], case: Case,
                         exact: dict[str, torch.Tensor]) -> float:
    """How far the gradient moves when the frozen weights are bf16 and the rest is under `torch.autocast`; leaves them so."""
    for part in (model.unet, model.text_encoder):
        for weight in part.parameters():
            if not weight.requires_grad:
                weight.data = weight.data.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        rough = step(model, parameters, case)
    names = [name for name in exact if name.startswith("gradient.")]
    error = sum((rough[name].float() - exact[name]).square().sum() for name in names)
    return (error / sum(exact[name].square().sum() for name in names)).sqrt().item()


def run(model: Model, parameters: dict[str, torch.nn.Parameter], optimizer_name: str) -> dict[str, torch.Tensor]:
    """Three updates from the plain case's batch: gradients averaged over its samples, clipped to norm 0.3 together."""
    groups = [
        {"params": [p for key, p in parameters.items() if key.startswith("lora_te")], "lr": 2e-3},
        {"params": [p for key, p in parameters.items() if key.startswith("lora_unet")], "lr": 5e-3},
    ]
    if optimizer_name == "adamw":
        optimizer = torch.optim.AdamW(groups)
    else:
        optimizer = torch.optim.SGD(groups, momentum=0.9)
    case = Case("plain")
    tensors = inputs(model, case)
    losses, norms = [], []
    for _ in range(3):
        loss = forward(model, case, tensors)["weighted_loss"].mean()
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(list(parameters.values()), 0.3))
        optimizer.step()
        losses.append(loss.detach())
    after = {f"after.{key}": value for key, value in parameters.items()}
    return {"losses": torch.stack(losses), "gradient_norms": torch.stack(norms)} | after
