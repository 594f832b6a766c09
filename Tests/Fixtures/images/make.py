#!/usr/bin/env python3
"""Makes the pictures of this folder, awkward ones on purpose, and what OpenCV and Pillow say of resizing.

    python make.py                    needs numpy, pillow 12 (13 resizes the columns first where that is less work)
                                      and opencv-python-headless 4
    python make.py --sd-scripts DIR   also asks kohya's scripts (a checkout) for their buckets -> buckets.json

Everything is drawn from a fixed seed. The expected colours of the awkward pictures are in DatasetTests, not here.
"""
import argparse
import ast
import io
import json
import math
import pathlib
import struct
import types
import zlib

import cv2
import numpy
from PIL import Image, ImageCms

here = pathlib.Path(__file__).parent
random = numpy.random.default_rng(7)


def quadrants(width=48, height=32):
    """Red, green / blue, yellow: a picture that shows which way it is turned."""
    pixels = numpy.zeros((height, width, 3), numpy.uint8)
    pixels[: height // 2, : width // 2] = (200, 30, 30)
    pixels[: height // 2, width // 2 :] = (30, 200, 30)
    pixels[height // 2 :, : width // 2] = (30, 30, 200)
    pixels[height // 2 :, width // 2 :] = (200, 200, 30)
    return Image.fromarray(pixels)


def awkward():
    plain = quadrants()
    plain.save(here / "plain.png")
    plain.save(here / "plain.bmp")
    plain.save(here / "plain.webp", lossless=True)
    plain.save(here / "plain.jpg", quality=95, subsampling=0)
    plain.save(here / "一匹马.png")

    # Stored lying on its side; EXIF orientation 6 says "turn me a quarter clockwise".
    for orientation in (3, 6):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
        plain.transpose(turns[orientation]).save(
            here / f"orientation{orientation}.jpg", quality=95, subsampling=0, exif=exif)

    # 16 bits a channel; the upper byte is what an 8-bit reader should see.
    wide = numpy.asarray(plain).astype(numpy.uint16) * 257
    cv2.imwrite(str(here / "rgb16.png"), wide[:, :, ::-1])
    ramp = numpy.tile(numpy.linspace(0, 65535, 48).astype(numpy.uint16), (32, 1))
    Image.fromarray(ramp).save(here / "gray16.png")

    Image.fromarray(numpy.full((32, 48), 77, numpy.uint8)).save(here / "gray.png")
    gray_alpha = numpy.zeros((32, 48, 2), numpy.uint8)
    gray_alpha[:, :24] = (77, 255)
    Image.fromarray(gray_alpha, "LA").save(here / "gray-alpha.png")

    # Left: opaque. Middle: half. Right: transparent, over a hidden red.
    rgba = numpy.zeros((32, 48, 4), numpy.uint8)
    rgba[:, :16] = (10, 20, 30, 255)
    rgba[:, 16:32] = (10, 20, 30, 128)
    rgba[:, 32:] = (255, 0, 0, 0)
    Image.fromarray(rgba, "RGBA").save(here / "alpha.png")
    rgba16 = rgba.astype(numpy.uint16) * 257
    cv2.imwrite(str(here / "alpha16.png"), rgba16[:, :, [2, 1, 0, 3]])

    palette = quadrants().quantize(8)
    corner = palette.getpixel((0, 0))
    palette.save(here / "palette-transparent.png", transparency=corner)

    Image.new("CMYK", (48, 32), (0, 255, 255, 0)).save(here / "cmyk.jpg", quality=95)

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    srgb = srgb[:24] + bytes(12) + srgb[36:]  # no date of making
    plain.save(here / "profile-srgb.png", icc_profile=srgb)
    plain.save(here / "profile-swapped.png", icc_profile=swapped(srgb))
    deep = (here / "alpha16.png").read_bytes()
    profile = chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(srgb))
    (here / "profile-alpha16.png").write_bytes(deep[:33] + profile + deep[33:])
    plain.save(here / "profile-broken.png", icc_profile=b"this is no profile" * 9)


def swapped(srgb):
    """sRGB with red's and green's colorants exchanged, so that whoever obeys the profile sees them exchanged."""
    count = struct.unpack(">I", srgb[128:132])[0]
    table = bytearray(srgb)
    entries = {srgb[132 + 12 * i : 136 + 12 * i]: 132 + 12 * i for i in range(count)}
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    table[red : red + 4], table[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(table)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def broken():
    whole = noise(160, 120)
    buffer = io.BytesIO()
    whole.save(buffer, "JPEG", quality=60)
    (here / "truncated.jpg").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    buffer = io.BytesIO()
    noise(48, 32).save(buffer, "PNG")
    (here / "truncated.png").write_bytes(buffer.getvalue()[:-1200])
    buffer = io.BytesIO()
    noise(48, 32).save(buffer, "WEBP", quality=90)
    (here / "truncated.webp").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    (here / "empty.png").write_bytes(b"")
    (here / "text.png").write_text("This is a shopping list, not a picture.\n")
    Image.new("RGB", (1, 1), (9, 9, 9)).save(here / "one-pixel.png")
    buffer = io.BytesIO()
    quadrants().save(buffer, "GIF")
    (here / "gif.png").write_bytes(buffer.getvalue())
    Image.new("RGB", (30_000, 16), (9, 9, 9)).save(here / "wide-30000.png", optimize=True)
    # A header that promises four thousand million pixels, and nothing behind it.
    header = struct.pack(">IIBBBBB", 65_000, 65_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100))
    (here / "promises-too-much.png").write_bytes(bomb + chunk(b"IEND", b""))


def noise(width, height):
    """Noise with some large shapes in it, so that both averaging and ringing show."""
    pixels = random.integers(0, 256, (height, width, 3)).astype(numpy.float64)
    ys, xs = numpy.mgrid[0:height, 0:width]
    shape = ((xs // 9 + ys // 7) % 2 * 255)[:, :, None]
    return Image.fromarray((pixels * 0.4 + shape * 0.6).astype(numpy.uint8))


def resizes():
    source = noise(61, 47)
    source.save(here / "resize-source.png")
    pixels = numpy.asarray(source)
    for width, height in [(30, 23), (60, 46), (61, 20), (7, 47), (37, 11), (1, 1)]:
        area = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        Image.fromarray(area).save(here / f"resize-area-{width}x{height}.png")
    even = noise(48, 36)
    even.save(here / "resize-source-even.png")
    for width, height in [(24, 18), (16, 12), (12, 36), (8, 9)]:
        area = cv2.resize(numpy.asarray(even), (width, height), interpolation=cv2.INTER_AREA)
        Image.fromarray(area).save(here / f"resize-area-even-{width}x{height}.png")
    for width, height in [(97, 71), (61, 90), (80, 31)]:
        source.resize((width, height), Image.Resampling.LANCZOS).save(here / f"resize-lanczos-{width}x{height}.png")


def buckets(scripts):
    """Runs the scripts' own bucket code, lifted out of files whose imports a checkout alone cannot satisfy."""
    space = {"math": math, "np": numpy, "Tuple": tuple, "model_util": types.SimpleNamespace()}

    def lift(file, name):
        tree = ast.parse((scripts / "library" / file).read_text())
        node = next(n for n in tree.body if getattr(n, "name", None) == name)
        exec(compile(ast.Module([node], []), file, "exec"), space)
        return space[name]

    space["model_util"].make_bucket_resolutions = lift("model_util.py", "make_bucket_resolutions")
    manager_type = lift("train_util.py", "BucketManager")
    sizes = [(1920, 1080), (800, 1200), (3000, 1000), (512, 512), (640, 384), (300, 200), (4000, 500), (1000, 1001)]
    sizes += [(int(w), int(h)) for w, h in random.integers(200, 5000, (25, 2))]
    cases = []
    for area, low, high, step, no_upscale in [
        ((512, 512), 256, 1024, 64, False), ((512, 768), 256, 1024, 64, False), ((1024, 1024), 256, 2048, 64, False),
        ((768, 640), 320, 1280, 32, False), ((512, 512), 256, 1024, 64, True), ((768, 768), 256, 1024, 32, True),
    ]:
        manager = manager_type(no_upscale, area, low, high, step)
        manager.make_buckets()
        chosen = []
        for size in sizes:
            bucket, resized, _ = manager.select_bucket(*size)
            chosen.append([*size, *map(int, bucket), *map(int, resized)])
        cases.append({
            "resolution": area, "minimum": low, "maximum": high, "step": step, "noUpscale": no_upscale,
            "buckets": manager.predefined_resos, "chosen": chosen,
        })
    rows = ",\n".join(json.dumps(case) for case in cases)
    (here / "buckets.json").write_text("[\n" + rows + "\n]\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sd-scripts", type=pathlib.Path)
    arguments = parser.parse_args()
    awkward()
    broken()
    resizes()
    if arguments.sd_scripts:
        buckets(arguments.sd_scripts)
