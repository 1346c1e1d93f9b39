#!/usr/bin/env python3
"""Writes small Parquet files for the tests of the reader, in the kinds that writers make.

Run with pyarrow (written with 26.0.1) beside this file. Row `i` of each file has
path = "component/chip<i>.tif", ds = "component", and content = cell(i).
"""
import os

import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = 23


def cell(i):
    """None in every seventh row from the third on; else 37 * i % 61 bytes that count up from i."""
    return None if i % 7 == 3 else bytes((i + k) % 256 for k in range(37 * i % 61))


def table(nullable=True):
    cells = [cell(i) for i in range(ROWS)]
    if not nullable:
        cells = [c or b"" for c in cells]
    fields = [("path", pa.string()), ("ds", pa.string()), ("content", pa.binary())]
    schema = pa.schema([pa.field(n, t, nullable=nullable or n != "content") for n, t in fields])
    columns = [[f"component/chip{i}.tif" for i in range(ROWS)], ["component"] * ROWS, cells]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema)], schema=schema)


def write(name, nullable=True, **options):
    pq.write_table(
        table(nullable), os.path.join(HERE, name + ".parquet"), store_schema=False,
        write_page_checksum=True, **options)


# Several groups of rows and pages, dictionaries that give way to plain values.
write("zstd", compression="zstd", row_group_size=10, data_page_size=64, write_batch_size=3,
      dictionary_pagesize_limit=100)
write("plain", compression="none", use_dictionary=False)
write("required", nullable=False, compression="none", use_dictionary=False, data_page_size=64,
      write_batch_size=4)
write("snappy", compression="snappy", row_group_size=12)
write("version2", compression="zstd", data_page_version="2.0", row_group_size=9, data_page_size=64,
      write_batch_size=2)
write("gzip", compression="gzip")
# Other columns, a group among them.
other = table().append_column("size", pa.array(range(ROWS), pa.int64()))
other = other.append_column("place", pa.array([{"x": i, "y": [i]} for i in range(ROWS)]))
pq.write_table(other, os.path.join(HERE, "nested.parquet"), compression="zstd")
