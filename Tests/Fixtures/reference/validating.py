"""The validation loss, from a picture's pixels and its caption on: what is drawn is Danlu's, all else is diffusers'."""

import torch

from . import drawing, training
from .models import Model
from .prompts import token_ids
from .randomness import generator

SEED = 3
CAPTIONS = training.CAPTIONS[:2]
TIMESTEPS = [200, 400, 600, 800]
HEIGHT, WIDTH = 24, 32


def noise_seed(seed: int) -> int:
    """None that is trained with: the third stream of validation; the others say which pictures are held out."""
    high, low = drawing.words(2, seed, drawing.VALIDATION, picture=2)
    return high << 32 | low


def pixels(model: Model) -> torch.Tensor:
    """Two pictures as files have them, 0…255, rows first."""
    shape = (2, HEIGHT, WIDTH, 3)
    return torch.randint(0, 256, shape, generator=generator(f"{model.name}.validation"), dtype=torch.uint8)


@torch.no_grad()
def losses(model: Model, case: training.Case) -> torch.Tensor:
    """(2 pictures, 2 places, 4 timesteps): a picture's noise depends on its place among those that are held out."""
    seed = noise_seed(SEED)
    shown = pixels(model).permute(0, 3, 1, 2).float() / 127.5 - 1
    found = torch.zeros(2, 2, len(TIMESTEPS))
    for picture in range(2):
        distribution = model.vae.encode(shown[picture : picture + 1]).latent_dist
        shape = distribution.mean.shape[1:]
        ids = token_ids(model.tokenizer, CAPTIONS[picture], case.max_token_length).reshape(1, -1, 77)
        for place in range(2):
            def draw(purpose: int, *shape: int) -> torch.Tensor:
                samples = range(len(TIMESTEPS))
                return torch.stack([drawing.normals(seed, purpose, place, sample, *shape) for sample in samples])

            latents = distribution.mean + distribution.std * draw(drawing.VAE_SAMPLE, *shape)
            noise = draw(drawing.NOISE, *shape)
            if case.noise_offset:
                noise = noise + case.noise_offset * draw(drawing.NOISE_OFFSET, 4, 1, 1)
            said = training.forward(model, case, {
                "latents": latents * model.vae.config.scaling_factor, "noise": noise,
                "timesteps": torch.tensor(TIMESTEPS), "input_ids": ids.repeat(len(TIMESTEPS), 1, 1),
                "loss_weights": torch.ones(len(TIMESTEPS)),
            })
            found[picture, place] = said["weighted_loss"]
    return found


def validation(model: Model) -> dict[str, torch.Tensor]:
    return {"pixels": pixels(model)} | {f"losses.{case.name}": losses(model, case) for case in training.cases(model)}


def metadata() -> dict[str, str]:
    return {"seed": str(SEED)} | {f"caption.{number}": caption for number, caption in enumerate(CAPTIONS)}
