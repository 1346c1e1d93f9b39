#!/usr/bin/env python3
"""Packs chips into a shard as M3LEO publishes them: rows of path, ds and content, Zstandard.

Needs pyarrow (written with 26.0.1), numpy and rasterio; takes gssic.nc beside this file. The GeoTIFF
has 3 by 2 pixels of uint16, band b of 16 in the published order holds 65536 - 10 * b + pixel.
"""
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio

HERE = os.path.dirname(os.path.abspath(__file__))
BANDS = [f"{s}_{p}{d}" for s in ("winter", "spring", "summer", "fall") for p in ("vv", "vh")
         for d in ("asc", "des")]


def geotiff():
    values = 65536 - 10 * np.arange(1, 17)[:, None, None] + np.arange(6).reshape(1, 2, 3)
    with rasterio.MemoryFile() as memory:
        with memory.open(driver="GTiff", width=3, height=2, count=16, dtype="uint16", crs="EPSG:4326",
                         transform=rasterio.transform.from_bounds(7, 45, 7.04, 45.03, 3, 2)) as file:
            file.write(values.astype(np.uint16))
            file.descriptions = BANDS
        return memory.read()


netcdf = open(os.path.join(HERE, "gssic.nc"), "rb").read()
rows = [("s1grd-2020", "0a.tif", geotiff()), ("gssic", "0a.nc", netcdf), ("gssic", "0b.nc", netcdf[:5000]),
        ("gssic", "0c.skipped", b"COULD_NOT_GET_CHIP")]
pq.write_table(
    pa.table({"path": [f"tiles/{d}/{n}" for d, n, _ in rows], "ds": [d for d, _, _ in rows],
              "content": pa.array([c for _, _, c in rows], pa.binary())}),
    os.path.join(HERE, "shard.parquet"), compression="zstd", store_schema=False)
