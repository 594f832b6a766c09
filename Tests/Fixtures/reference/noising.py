"""The noise schedule, its zero-terminal form, and what kohya's scripts weigh a sample's loss with."""

import torch
from diffusers import DDPMScheduler
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr

from .models import SCHEDULE
from .randomness import normal

FAMILY = {key: value for key, value in SCHEDULE.items() if key not in ("set_alpha_to_one", "steps_offset")}


def scheduler(prediction_type: str = "epsilon", zero_terminal_snr: bool = False) -> DDPMScheduler:
    """As kohya's `get_noise_scheduler`, with `fix_noise_scheduler_betas_for_zero_terminal_snr`."""
    ddpm = DDPMScheduler(**FAMILY, clip_sample=False, prediction_type=prediction_type)
    if zero_terminal_snr:
        ddpm.betas = rescale_zero_terminal_snr(ddpm.betas)
        ddpm.alphas = 1 - ddpm.betas
        ddpm.alphas_cumprod = torch.cumprod(ddpm.alphas, 0)
    return ddpm


def signal_to_noise() -> torch.Tensor:
    """`prepare_scheduler_for_custom_training`: always of the schedule before any rescaling."""
    alphas = scheduler().alphas_cumprod
    return (alphas.sqrt() / (1 - alphas).sqrt()) ** 2


def min_snr_weight(gamma: float, v_prediction: bool) -> torch.Tensor:
    """`apply_snr_weight`, for every timestep."""
    snr = signal_to_noise()
    return torch.minimum(snr, torch.tensor(gamma)) / (snr + 1 if v_prediction else snr)


def debiased_weight(v_prediction: bool) -> torch.Tensor:
    """`apply_debiased_estimation`."""
    snr = signal_to_noise().clamp(max=1000)
    return 1 / (snr + 1) if v_prediction else 1 / snr.sqrt()


def scale_v_weight() -> torch.Tensor:
    """`get_snr_scale`, which `scale_v_prediction_loss_like_noise_prediction` multiplies by."""
    snr = signal_to_noise().clamp(max=1000)
    return snr / (snr + 1)


def huber_threshold(schedule: str, c: float = 0.1) -> torch.Tensor:
    """`get_huber_threshold_if_needed`, for every timestep, at `huber_scale` 1."""
    if schedule == "exponential":
        return torch.exp(torch.log(torch.tensor(c)) * torch.arange(1000) / 1000)
    alphas = scheduler().alphas_cumprod
    sigmas = ((1 - alphas) / alphas).sqrt()
    return (1 - c) / (1 + sigmas) ** 2 + c


def schedule() -> dict[str, torch.Tensor]:
    ddpm, zero = scheduler(), scheduler(zero_terminal_snr=True)
    latents, noise = normal("schedule.latents", 4, 4, 3, 5), normal("schedule.noise", 4, 4, 3, 5)
    timesteps = torch.tensor([0, 1, 500, 999])
    return {
        "alphas_cumprod": ddpm.alphas_cumprod,
        "zero_terminal_snr.alphas_cumprod": zero.alphas_cumprod,
        "signal_to_noise": signal_to_noise(),
        "latents": latents, "noise": noise, "timesteps": timesteps,
        "noisy_latents": ddpm.add_noise(latents, noise, timesteps),
        "velocity": ddpm.get_velocity(latents, noise, timesteps),
        "zero_terminal_snr.noisy_latents": zero.add_noise(latents, noise, timesteps),
        "zero_terminal_snr.velocity": zero.get_velocity(latents, noise, timesteps),
        "min_snr_5.epsilon": min_snr_weight(5.0, False), "min_snr_5.v_prediction": min_snr_weight(5.0, True),
        "debiased.epsilon": debiased_weight(False), "debiased.v_prediction": debiased_weight(True),
        "scale_v": scale_v_weight(),
        "huber_c.snr": huber_threshold("snr"), "huber_c.exponential": huber_threshold("exponential"),
    }
