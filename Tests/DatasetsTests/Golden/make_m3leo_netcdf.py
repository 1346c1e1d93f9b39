#!/usr/bin/env python3
"""Writes small NetCDF-4 chips as xarray lays them out, for the tests of M3LEO's components.

Axes are attached as dimension scales, labels are strings of variable length. Values say where they
belong: see `cell`. Run with h5py 3 beside this file; the bytes depend on the HDF5 library's version.
"""
import os

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS, COLUMNS = 2, 3


def scale(group, name, values):
    values = np.array(values, dtype=object if isinstance(values[0], str) else None)
    dtype = h5py.string_dtype() if values.dtype == object else values.dtype
    group.create_dataset(name, data=values, dtype=dtype).make_scale(name)


def variable(group, name, values, axes, **attributes):
    data = group.create_dataset(name, data=values)
    for number, axis in enumerate(axes):
        data.dims[number].attach_scale(group[axis])
    for key, value in attributes.items():
        data.attrs[key] = value


def cell(shape, base):
    """base + 10 * number of the last label (+ 100 * that of the one before) + row + column / 10."""
    grid = np.indices(shape).astype(np.float64)
    weights = [100, 10][4 - len(shape):]
    return base + sum(w * g for w, g in zip(weights, grid)) + grid[-2] + grid[-1] / 10


# Seasons in another order than published, polarimetry before season, and a hole of zeros.
with h5py.File(os.path.join(HERE, "gssic.nc"), "w", libver="latest") as f:
    scale(f, "season", ["winter", "spring", "summer", "fall"])
    scale(f, "polarimetry", ["vh", "vv"])
    scale(f, "deltadays", np.array([12, 24, 36, 48]))
    scale(f, "param", ["rho", "tau", "rmse"])
    scale(f, "feature", ["inc", "lsmap"])
    scale(f, "y", 45 - np.arange(ROWS) / 1200)
    scale(f, "x", 7 + np.arange(COLUMNS) / 1200)
    coherence = cell((4, 4, ROWS, COLUMNS), 1000)
    coherence[:, :, 0, 0] = 0
    variable(f, "amplitude", cell((2, 4, ROWS, COLUMNS), 2000).astype("f4"), ("polarimetry", "season", "y", "x"))
    variable(f, "coherence", coherence.astype("f4"), ("season", "deltadays", "y", "x"))
    variable(f, "decaymodel", cell((4, 3, ROWS, COLUMNS), 3000).astype("f4"), ("season", "param", "y", "x"))
    variable(f, "geometry", cell((2, ROWS, COLUMNS), 4000).astype("f4"), ("feature", "y", "x"), _FillValue=np.float32(4011.1))

# Latitudes from the south, packed integers with a fill value.
with h5py.File(os.path.join(HERE, "biomass.nc"), "w", libver="latest") as f:
    scale(f, "time", np.array([0]))
    scale(f, "lat", 10 + np.arange(ROWS) / 1125)
    scale(f, "lon", -60 + np.arange(COLUMNS) / 1125)
    packed = np.array([[[1, 2, 3], [4, -1, 6]]], "i2")
    variable(f, "agb", packed, ("time", "lat", "lon"), _FillValue=np.int16(-1), scale_factor=0.5, add_offset=10.0)
    variable(f, "agb_se", cell((1, ROWS, COLUMNS), 1).astype("f8"), ("time", "lat", "lon"))
