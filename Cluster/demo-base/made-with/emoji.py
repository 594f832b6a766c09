#!/usr/bin/env python3
"""Pictures of emoji from the Noto Color Emoji font, under the names that Unicode's CLDR gives them."""

import io

import numpy as np

FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
NAMES = "/usr/share/unicode/cldr/common/annotations/en.xml"
SIDE = 64
EMOJI_SIDE = 56

BACKGROUNDS = {
    "white": (1, 1, 1), "black": (0.08, 0.08, 0.08), "red": (0.9, 0.3, 0.3), "blue": (0.35, 0.55, 0.95),
    "green": (0.4, 0.8, 0.45), "yellow": (0.98, 0.88, 0.4), "pink": (0.98, 0.7, 0.8), "gray": (0.6, 0.6, 0.6),
}
COLOURS = np.array(list(BACKGROUNDS.values()), np.float32)


def caption(thing: str, background: str) -> str:
    return f"{thing} on a {background} background"


def render() -> tuple[list[str], np.ndarray]:
    """Names and RGBA pictures (count, 56, 56, 4) of all emoji that are one code point."""
    import lxml.etree
    from fontTools.ttLib import TTFont
    from PIL import Image

    font = TTFont(FONT)
    glyphs, strikes = font.getBestCmap(), font["CBDT"].strikeData[0]
    names, pictures = [], []
    for annotation in lxml.etree.parse(NAMES).getroot().iter("annotation"):
        character = annotation.get("cp").replace("\ufe0f", "")
        glyph = glyphs.get(ord(character)) if len(character) == 1 else None
        if annotation.get("type") != "tts" or ord(character[0]) < 0x203C or glyph not in strikes:
            continue
        try:
            picture = Image.open(io.BytesIO(strikes[glyph].imageData)).convert("RGBA")
        except Exception:  # some strikes are no pictures but references to others
            continue
        side = max(picture.size)
        square = Image.new("RGBA", (side, side))
        square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
        names.append(annotation.text.lower().replace("’", "'"))
        pictures.append(np.asarray(square.resize((EMOJI_SIDE, EMOJI_SIDE), Image.LANCZOS)))
    return names, np.stack(pictures)


def load(things: list[str] | None = None) -> tuple[list[str], np.ndarray]:
    """What `emoji.npz` holds of `things`, with pictures as floats in 0…1."""
    data = np.load("emoji.npz")
    names = [str(name) for name in data["names"]]
    kept = [k for k, name in enumerate(names) if things is None or name in things]
    return [names[k] for k in kept], data["pictures"][kept].astype(np.float32) / 255


def compose(emoji: np.ndarray, background: np.ndarray, y: int, x: int) -> np.ndarray:
    """The emoji with its upper left corner at (y, x) on a plain background: (64, 64, 3) in 0…1."""
    picture = np.ones((SIDE, SIDE, 3), np.float32) * background
    opacity = emoji[..., 3:]
    place = picture[y : y + EMOJI_SIDE, x : x + EMOJI_SIDE]
    place[:] = place * (1 - opacity) + emoji[..., :3] * opacity
    return picture


def to_model(picture: np.ndarray) -> np.ndarray:
    """(64, 64, 3) in 0…1 as a VAE takes it: (3, 64, 64) in −1…1."""
    return (picture * 2 - 1).transpose(2, 0, 1)


if __name__ == "__main__":
    names, pictures = render()
    np.savez_compressed("emoji.npz", names=np.array(names), pictures=pictures)
    print(f"{len(names)} emoji")
