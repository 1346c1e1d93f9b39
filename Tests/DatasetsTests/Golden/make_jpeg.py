"""Writes jpeg.json: small pictures before and after Pillow's JPEG at several qualities.

    python make_jpeg.py jpeg.json

Needs numpy and Pillow (with libjpeg-turbo); their versions are stored. Samples are bytes in rows of
pixels in base64. The sides are no multiples of 8 or 16, one is odd, so that blocks at the borders
and the last samples of color are seen.
"""

import base64
import io
import json
import sys
from importlib.metadata import version

import numpy as np
from PIL import Image, features

SHAPE = (29, 36)


def encoded(values):
    return base64.b64encode(np.ascontiguousarray(values, dtype=np.uint8).tobytes()).decode()


def picture():
    """Slopes, an edge in color, and some texture."""
    rows, columns = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    generator = np.random.default_rng(11)
    red = 128 + 90 * np.sin(columns / 5) + generator.normal(0, 8, SHAPE)
    green = 40 + 6 * rows + generator.normal(0, 8, SHAPE)
    blue = np.where(columns + rows > 30, 220, 30) + generator.normal(0, 8, SHAPE)
    return np.clip(np.stack([red, green, blue], axis=-1).round(), 0, 255).astype(np.uint8)


def round_trip(values, quality, subsampling):
    buffer = io.BytesIO()
    options = {} if values.ndim == 2 else {"subsampling": subsampling}
    Image.fromarray(values).save(buffer, "JPEG", quality=quality, **options)
    return np.asarray(Image.open(buffer))


def main(path):
    image = picture()
    cases = []
    for quality in [10, 30, 50, 80]:
        for subsampling in ["4:2:0", "4:4:4"]:
            result = round_trip(image, quality, subsampling)
            cases.append(
                {"quality": quality, "subsampling": subsampling, "values": encoded(result)}
            )
    gray = round_trip(image[..., 1], 30, None)
    golden = {
        "versions": {name: version(name) for name in ["numpy", "Pillow"]}
        | {"libjpeg": features.version("jpg"), "turbo": features.check("libjpeg_turbo")},
        "shape": list(SHAPE),
        "image": encoded(image),
        "cases": cases,
        "gray": {"quality": 30, "subsampling": "4:4:4", "values": encoded(gray)},
    }
    with open(path, "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main(sys.argv[1])
