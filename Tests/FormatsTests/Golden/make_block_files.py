"""Writes tiffs/*.tif and blocks.h5: one small array in the layouts that are read past GDAL and libhdf5.

Made with rasterio 1.4.4 (GDAL 3.10.3) and h5py 3.16.0 (HDF5 2.0.0); values depend on nothing else.
"""
import itertools
import pathlib

import h5py
import numpy as np
import rasterio

here = pathlib.Path(__file__).parent
folder = here / "tiffs"
folder.mkdir(exist_ok=True)
rows, columns = np.mgrid[0:37, 0:45]
planes = np.stack([(rows * 7 + columns * (3 + band) + rows * columns // 5) % 251 for band in range(3)])
TYPES = {
    "uint8": planes, "uint16": planes * 260 + 7, "int16": planes * 260 - 32000,
    "uint32": planes * 16_000_000 + 3, "int32": planes * 16_000_000 - 2_000_000_000,
    "float32": planes / 7 - 12, "float64": planes / 3 - 40,
}
LAYOUTS = {
    "strips": {}, "bands": {"interleave": "band", "blockysize": 5},
    "tiles": {"tiled": True, "blockxsize": 16, "blockysize": 16},
    "tilebands": {"tiled": True, "blockxsize": 32, "blockysize": 16, "interleave": "band"},
}
CODINGS = {"none": {}, "deflate": {"compress": "deflate"}, "lzw": {"compress": "lzw"}, "zstd": {"compress": "zstd"}}


def write(name, values, **options):
    with rasterio.open(
        folder / f"{name}.tif", "w", driver="GTiff", height=37, width=45, count=3, dtype=values.dtype, **options
    ) as file:
        file.write(values)


number = 0
layouts = itertools.cycle(LAYOUTS)
for kind, values in TYPES.items():
    for coding, options in CODINGS.items():
        predictors = [1]
        if coding != "none":
            predictors += [3] if kind == "float32" else [] if kind == "float64" else [2]
        for predictor in predictors:
            layout = next(layouts)
            extra = {"predictor": predictor} if predictor > 1 else {}
            big = {"BIGTIFF": "YES"} if number % 5 == 0 else {}
            number += 1
            write(f"{kind}-{coding}-{predictor}-{layout}", values.astype(kind), **LAYOUTS[layout], **options, **extra, **big)

field = (planes[:, :36, :20] / 7 - 3).reshape(3, 4, 9, 20).repeat(2, axis=0)
with h5py.File(here / "blocks.h5", "w") as file:
    for kind in ("float32", "float64", "int16", "uint8", "int32"):
        values = np.round(field).astype(kind) if "int" in kind else field.astype(kind)
        if kind == "uint8":
            values = np.abs(np.round(field)).astype(kind)
        file.create_dataset(f"{kind}/piece", data=values)
        file.create_dataset(f"{kind}/chunks", data=values, chunks=(1, 3, 4, 20))
        file.create_dataset(f"{kind}/deflate", data=values, chunks=(2, 2, 9, 13), compression="gzip")
        file.create_dataset(f"{kind}/shuffle", data=values, chunks=(1, 4, 9, 20), compression="gzip", shuffle=True)
        file.create_dataset(f"{kind}/lzf", data=values, chunks=(1, 4, 9, 20), compression="lzf")
        file.create_dataset(f"{kind}/shuffled-lzf", data=values, chunks=(4, 4, 5, 7), compression="lzf", shuffle=True)
    # What does not shrink is stored as it is, with the filter's bit set.
    noise = np.random.default_rng(0).standard_normal((4, 6, 8)).astype("float32")
    file.create_dataset("noise", data=noise, chunks=(1, 6, 8), compression="lzf")
    sparse = file.create_dataset("sparse", (8, 6, 8), "float32", chunks=(2, 6, 8), fillvalue=2.5)
    sparse[2:3] = noise[0]
    file.create_dataset("never", (4, 5), "float32", chunks=(2, 5))
    file.create_dataset("checked", data=noise, chunks=(1, 6, 8), fletcher32=True)
    file.create_dataset("big-endian", data=noise.astype(">f4"))
