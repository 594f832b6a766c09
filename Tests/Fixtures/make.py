#!/usr/bin/env python3
"""Asks the reference implementations, and writes what they say beside this script.

    python make.py            everything
    python make.py parts      only what matches the word

Needs the packages in requirements.txt; runs on the CPU in half a minute. The same packages give the same files.
CLIP_VOCABULARY=FILE names OpenAI's bpe_simple_vocab_16e6.txt.gz (it comes with the package open_clip_torch), which is
not committed; without it tokens.clip.json is left alone.
"""

import json
import os
import sys
from pathlib import Path

import torch
from safetensors.torch import save

from reference import adapters, hashes, ldm, models, noising, optimizing, parts, sampling, tokens, training, validating, xl

HERE = Path(__file__).parent
MODELS = [models.tiny_sd1, models.tiny_sd2]


def write(tensors: dict[str, torch.Tensor], name: str, metadata: dict[str, str] | None = None) -> None:
    path = HERE / f"{name}.safetensors"
    path.parent.mkdir(exist_ok=True)
    data = save({key: tensor.detach().contiguous().clone() for key, tensor in tensors.items()}, metadata)
    path.write_bytes(with_sorted_metadata(data))


def with_sorted_metadata(data: bytes) -> bytes:
    """The library writes metadata in another order each time; sorting keeps the length and makes the same bytes."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(length)
    assert len(text) == length
    return data[:8] + text + data[8 + length :]


def make_models() -> None:
    for make in MODELS:
        model = make()
        models.save(model, HERE / model.name)
        file = ldm.single_file(model)
        # Half precision, as most such files are; every value is also what casting the folder's tensor gives.
        write({key: t.half() if t.is_floating_point() else t for key, t in file.items()}, f"{model.name}.ldm")
        ldm.check(model)
        (HERE / f"{model.name}.ldm-keys.json").write_text(ldm.table(model))


def make_parts() -> None:
    for make in MODELS:
        model = make()
        for part in (parts.text_encoder, parts.unet, parts.vae):
            write(part(model), f"parts/{model.name}.{part.__name__}")


def make_schedule() -> None:
    write(noising.schedule(), "schedule")


def make_samplers() -> None:
    write(sampling.samplers(), "samplers")


def make_training() -> None:
    for make in MODELS:
        model = make()
        parameters = adapters.attach(model)
        write(adapters.file(parameters), f"training/{model.name}.adapter", adapters.METADATA)
        plain, weighted = training.cases(model)
        step = training.step(model, parameters, plain)
        adapters.check(HERE / model.name, HERE / f"training/{model.name}.adapter.safetensors", step)
        write(step, f"training/{model.name}.{plain.name}", plain.settings())
        write(training.step(model, parameters, weighted), f"training/{model.name}.{weighted.name}", weighted.settings())
        optimizer = "sgd" if model.v_prediction else "adamw"
        write(training.run(model, parameters, optimizer), f"training/{model.name}.{optimizer}")


def make_validation() -> None:
    for make in MODELS:
        model = make()
        adapters.attach(model)
        write(validating.validation(model), f"training/{model.name}.validation", validating.metadata())


def make_wide() -> None:
    model = models.demo_base()
    parameters = adapters.attach(model)
    write(adapters.file(parameters), "training/demo-base.adapter", adapters.METADATA)
    case = training.Case("plain")
    step = training.step(model, parameters, case)
    write(step, "training/demo-base.plain", case.settings())
    print(f"  in bf16 its gradient moves by {training.half_precision_error(model, parameters, case, step):.4f}")


def make_xl() -> None:
    model = xl.tiny_sdxl()
    xl.save(model, HERE / model.name)
    write(xl.says(model), f"parts/{model.name}.unet")
    parameters = adapters.attach(model)
    write(adapters.file(parameters), f"training/{model.name}.adapter", adapters.METADATA)
    write(xl.step(model, parameters), f"training/{model.name}.plain")


def make_optimizers() -> None:
    write(optimizing.optimizers(), "optimizers")
    models.write_json(HERE / "schedules.json", optimizing.schedules())


def make_tokens() -> None:
    (HERE / "tokens.json").write_text(tokens.lines(tokens.cases(models.tokenizer())))
    (HERE / "token-chunks.json").write_text(tokens.lines(tokens.chunks()))
    vocabulary = os.environ.get("CLIP_VOCABULARY")
    if vocabulary:
        (HERE / "tokens.clip.json").write_text(tokens.lines(tokens.cases(tokens.clip(Path(vocabulary)))))
    else:
        print("  tokens.clip.json stays as it is: CLIP_VOCABULARY does not name a bpe_simple_vocab_16e6.txt.gz")


def make_hashes() -> None:
    write(hashes.mixed(), "mixed-types", {"format": "pt", "ключ": "值"})
    models.write_json(HERE / "hashes.json", hashes.table())


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, maker in list(globals().items()):
        if name.startswith("make_") and wanted in name:
            print(name.removeprefix("make_"))
            maker()
