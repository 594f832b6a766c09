"""Each sampler's path from noise, when the model says what it is told to say."""

from unittest import mock

import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
)

from .models import SCHEDULE
from .randomness import normal

STEPS = 6
SHAPE = (1, 4, 3, 5)
SAMPLERS = {
    "ddim": DDIMScheduler,
    "euler": EulerDiscreteScheduler,
    "euler_ancestral": EulerAncestralDiscreteScheduler,
    "dpmpp_2m": DPMSolverMultistepScheduler,
}


def path(kind, outputs: torch.Tensor, noise: torch.Tensor, step_noise: torch.Tensor, **settings) -> dict:
    """One run. `latents` has the start and every step's result, `inputs` what the model would be given.

    The class is made from the configuration a diffusers folder holds, as a pipeline changes its scheduler.
    """
    scheduler = kind.from_config({**SCHEDULE, **settings})
    scheduler.set_timesteps(STEPS)
    latents = [noise * scheduler.init_noise_sigma]
    inputs = []
    module = kind.__module__
    for k, timestep in enumerate(scheduler.timesteps):
        inputs.append(scheduler.scale_model_input(latents[-1], timestep))
        with mock.patch(f"{module}.randn_tensor", lambda *a, k=k, **b: step_noise[k]):
            latents.append(scheduler.step(outputs[k], timestep, latents[-1]).prev_sample)
    run = {
        "timesteps": scheduler.timesteps.float(), "inputs": torch.stack(inputs), "latents": torch.stack(latents),
    }
    if hasattr(scheduler, "sigmas"):
        run["sigmas"] = scheduler.sigmas.float()
    return run


def samplers() -> dict[str, torch.Tensor]:
    noise = normal("sampler.noise", *SHAPE)
    outputs = normal("sampler.outputs", STEPS, *SHAPE)
    step_noise = normal("sampler.step_noise", STEPS, *SHAPE)
    tensors = {"noise": noise, "outputs": outputs, "step_noise": step_noise}
    for name, kind in SAMPLERS.items():
        for prediction_type in ("epsilon", "v_prediction"):
            for spacing in ("leading", "linspace", "trailing"):
                run = path(
                    kind, outputs, noise, step_noise, clip_sample=False,
                    prediction_type=prediction_type, timestep_spacing=spacing)
                tensors |= {f"{name}.{prediction_type}.{spacing}.{key}": value for key, value in run.items()}
    clipped = path(DDIMScheduler, outputs, noise, step_noise, clip_sample=True, timestep_spacing="leading")
    return tensors | {f"ddim.clipped.{key}": value for key, value in clipped.items()}
