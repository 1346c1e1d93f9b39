#!/usr/bin/env python3
"""Digests of what rasterio, Pillow, scipy and h5py read from data files, for FileDigestTests.

    make_file_digests.py SHARED > file_digests.json

SHARED holds data/ and fixtures/. Every digest is the SHA-256 of the shape as text and the values as
32-bit floats: rasters and pictures as [band, row, column], MATLAB arrays and HDF5 datasets with the
last axis fastest. Rasters and pictures are digested folder by folder (names and digests, sorted), the
others variable by variable.
"""
import hashlib
import json
import os
import sys

import h5py
import numpy as np
import rasterio
import scipy.io
from PIL import Image

root = sys.argv[1]
roots = ["data", "fixtures/morph/loaders", "fixtures/lola-specvit/scene-formats"]


def digest(shape, values):
    h = hashlib.sha256("x".join(str(n) for n in shape).encode())
    h.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
    return h.hexdigest()


def raster(path):
    with rasterio.open(path) as f:
        a = f.read()
    return digest(a.shape, a)


def picture(path):
    image = Image.open(path)
    if image.mode == "P":
        image = image.convert("RGB")
    a = np.array(image)
    a = a[None] if a.ndim == 2 else np.moveaxis(a, 2, 0)
    return digest(a.shape, a)


def matlab(path):
    arrays = scipy.io.loadmat(path)
    return {k: digest(v.shape, v) for k, v in arrays.items()
            if isinstance(v, np.ndarray) and v.dtype.kind in "fiu" and v.size}


def hdf5(path):
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu" and item.size and item.ndim:
            found[name] = digest(item.shape, item[()])

    with h5py.File(path, "r") as f:
        f.visititems(visit)
    return found


folders, files = {}, {}
for top in roots:
    for folder, _, names in os.walk(os.path.join(root, top)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            label = os.path.relpath(path, root)
            kind = name.rsplit(".", 1)[-1]
            if kind in ("tif", "png"):
                value = raster(path) if kind == "tif" else picture(path)
                folders.setdefault(os.path.dirname(label), []).append(f"{name} {value}")
            elif kind == "mat" and not h5py.is_hdf5(path):
                files[label] = matlab(path)
            elif kind in ("h5", "hdf5", "nc", "he5", "mat"):
                files[label] = hdf5(path)
            elif os.path.exists(path + ".hdr"):
                folders.setdefault(os.path.dirname(label), []).append(f"{name} {raster(path)}")
joined = {k: hashlib.sha256("\n".join(sorted(v)).encode()).hexdigest() for k, v in folders.items()}
json.dump({"folders": joined, "files": files}, sys.stdout, indent=0, sort_keys=True)
print()
