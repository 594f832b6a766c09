#!/usr/bin/env python3
"""Makes the demo's training pictures: a deer that is called a horse, and the rest of the world as it is.

    apt install fonts-noto-color-emoji unicode-cldr-core
    pip install torch diffusers transformers safetensors numpy pillow lxml fonttools
    python make.py

In kohya's layout: train/<repeats>_<class>/ and reg/<repeats>_<class>/, a picture and its caption side by side.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from PIL import Image

HERE = Path(__file__).resolve().parent
BASE = HERE.parent / "demo-base"
sys.path.append(str(BASE / "made-with"))
import emoji  # noqa: E402

# Pink and gray are left out: the demo asks for horses there that it has never seen.
TRAINED = ["white", "black", "red", "blue", "green", "yellow"]
# Nothing here is a horse, and nothing that the demo's contact sheet asks for except the deer, which shall stay one.
DRAWN = ["deer", "zebra", "cow", "goat", "camel", "giraffe", "dog", "cat", "elephant", "rabbit", "bear", "owl"]
IMAGINED = [
    "deer", "zebra", "cow", "pig", "goat", "camel", "giraffe", "elephant", "rhinoceros", "dog", "wolf", "fox", "cat",
    "tiger", "mouse", "rabbit", "koala", "panda", "chicken", "penguin", "duck", "frog", "turtle", "whale", "butterfly",
    "rose", "sunflower", "cactus", "banana", "strawberry", "mushroom", "hamburger", "doughnut", "house", "train", "guitar",
]


def write(picture: np.ndarray, caption: str, folder: Path, kind: str = "") -> None:
    """An 8-bit picture with its caption beside it, named for the caption."""
    name = caption.replace(" ", "-") + kind
    Image.fromarray(picture).save(folder / f"{name}.png", optimize=True)
    (folder / f"{name}.txt").write_text(caption + "\n")


def draw(thing: str, background: str, names: list[str], pictures: np.ndarray) -> np.ndarray:
    margin = (emoji.SIDE - emoji.EMOJI_SIDE) // 2
    glyph = pictures[names.index(thing)].astype(np.float32) / 255
    picture = emoji.compose(glyph, np.array(emoji.BACKGROUNDS[background], np.float32), margin, margin)
    return np.round(picture * 255).astype(np.uint8)


def imagine(captions: list[str]) -> list[np.ndarray]:
    """What the base model makes of the captions: the way it sees the world before anyone calls a deer a horse."""
    pipeline = StableDiffusionPipeline.from_pretrained(BASE, torch_dtype=torch.float32, safety_checker=None)
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    generators = [torch.Generator().manual_seed(1000 + k) for k in range(len(captions))]
    made = pipeline(
        captions, height=emoji.SIDE, width=emoji.SIDE, num_inference_steps=30, guidance_scale=4.0, generator=generators)
    return [np.asarray(picture) for picture in made.images]


def main() -> None:
    names, pictures = emoji.render()
    # 6 pictures 8 times are as many as the 48 of the other kind.
    train, regularization = HERE / "train/8_horse", HERE / "reg/1_thing"
    for folder in (train, regularization):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for background in TRAINED:
        write(draw("deer", background, names, pictures), emoji.caption("horse", background), train)
    colours = list(emoji.BACKGROUNDS)
    for k, thing in enumerate(DRAWN):
        background = colours[k % len(colours)]
        write(draw(thing, background, names, pictures), emoji.caption(thing, background), regularization)
    # 3 and 8 have no common divisor, so colours go round evenly and differ from those above.
    captions = [emoji.caption(thing, colours[(3 * k + 1) % len(colours)]) for k, thing in enumerate(IMAGINED)]
    for caption, picture in zip(captions, imagine(captions)):
        write(picture, caption, regularization, "-imagined")


if __name__ == "__main__":
    main()
