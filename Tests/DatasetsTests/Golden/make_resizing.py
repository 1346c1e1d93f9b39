"""Writes resizing.json: small images resized by torchvision, and by Pillow where both agree.

    python make_resizing.py resizing.json

Needs numpy, torch, torchvision and Pillow; their versions are stored. Values are float32 in little
endian, in base64. Pillow resizes float images with antialiasing always; torchvision's result with
antialiasing must lie within 5e-6 of it, which is checked here. Where a center falls on the border
of two pixels, one or the other takes the wrong of them by rounding: of two different nearest pixels
that of exact arithmetic is stored, which one of the two libraries must have chosen.
"""

import base64
import json
import sys
from importlib.metadata import version

import numpy as np
import torch
from PIL import Image
from torchvision.transforms.v2.functional import InterpolationMode, resize

FILTERS = {
    "bilinear": (InterpolationMode.BILINEAR, Image.Resampling.BILINEAR),
    "bicubic": (InterpolationMode.BICUBIC, Image.Resampling.BICUBIC),
    "nearest": (InterpolationMode.NEAREST_EXACT, Image.Resampling.NEAREST),
}
SIZES = [(5, 6), (17, 23), (19, 5), (3, 31), (11, 7), (1, 1)]


def encoded(values):
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def nearest(size, target):
    return [(2 * i + 1) * size // (2 * target) for i in range(target)]


def main(path):
    image = np.random.default_rng(7).normal(0, 1, (11, 14)).astype(np.float32)
    cases = []
    for height, width in SIZES:
        for name, (mode, pil) in FILTERS.items():
            for antialias in [True, False] if name != "nearest" else [False]:
                result = resize(
                    torch.from_numpy(image)[None], [height, width], mode, antialias=antialias
                )[0].numpy()
                other = np.asarray(Image.fromarray(image).resize((width, height), pil))
                if antialias:
                    assert np.abs(result - other).max() < 5e-6, (name, height, width)
                if name == "nearest":
                    exact = image[nearest(11, height)][:, nearest(14, width)]
                    assert ((exact == result) | (exact == other)).all(), (height, width)
                    result = exact
                cases.append(
                    {
                        "size": [height, width],
                        "filter": name,
                        "antialias": antialias,
                        "values": encoded(result),
                    }
                )
    packages = ["numpy", "torch", "torchvision", "Pillow"]
    golden = {
        "versions": {name: version(name) for name in packages},
        "shape": list(image.shape),
        "image": encoded(image),
        "cases": cases,
    }
    with open(path, "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main(sys.argv[1])
