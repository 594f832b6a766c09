#!/usr/bin/env python3
"""Reads TensorBoard event files with the tensorboard package, as TensorBoard itself does, and says what is in them.

    read_tensorboard.py FOLDER

Writes a line of JSON, and another for each line of the standard input, reading on from where it was:
{"scalars": {TAG: [[STEP, WALL_TIME, VALUE]...]}, "images": {TAG: [[STEP, WIDTH, HEIGHT, BYTES, SHA256]...]}}
"""

import hashlib
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

# Nothing is thinned out.
everything = {"scalars": 0, "images": 0, "tensors": 0, "histograms": 0, "compressedHistograms": 0, "audio": 0}


def main(folder: str) -> None:
    accumulator = EventAccumulator(folder, size_guidance=everything)

    def say() -> None:
        accumulator.Reload()
        tags = accumulator.Tags()
        print(
            json.dumps(
                {
                    "scalars": {
                        tag: [[event.step, event.wall_time, event.value] for event in accumulator.Scalars(tag)]
                        for tag in tags["scalars"]
                    },
                    "images": {
                        tag: [
                            [
                                image.step,
                                image.width,
                                image.height,
                                len(image.encoded_image_string),
                                hashlib.sha256(image.encoded_image_string).hexdigest(),
                            ]
                            for image in accumulator.Images(tag)
                        ]
                        for tag in tags["images"]
                    },
                }
            ),
            flush=True,
        )

    say()
    for _ in sys.stdin:
        say()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
