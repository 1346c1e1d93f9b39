"""Writes rotation.json: a small image turned by torchvision.

    python make_rotation.py rotation.json

Needs numpy, torch and torchvision; their versions are stored. Values are float32 in little endian,
in base64.
"""

import base64
import json
import sys
from importlib.metadata import version

import numpy as np
import torch
from torchvision.transforms.v2.functional import InterpolationMode, rotate


def encoded(values):
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def main(path):
    image = np.random.default_rng(3).normal(0, 1, (9, 12)).astype(np.float32)
    cases = []
    for mode in [InterpolationMode.BILINEAR, InterpolationMode.NEAREST]:
        for degrees in [10.0, -33.25, 141.5]:
            result = rotate(torch.from_numpy(image)[None], degrees, mode)[0].numpy()
            cases.append({"degrees": degrees, "filter": mode.value, "values": encoded(result)})
    golden = {
        "versions": {name: version(name) for name in ["numpy", "torch", "torchvision"]},
        "shape": list(image.shape),
        "image": encoded(image),
        "cases": cases,
    }
    with open(path, "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main(sys.argv[1])
