"""Draws small pictures with known truth for a run of every task, and names Landsat bands as one raster.

Usage: python3 Scripts/draw_samples.py FOLDER [EARTH]

FOLDER/pictures/NNN.png   32 x 32 pixels, red, green, blue: land whose green falls with its height,
                          round lakes, a straight road, and noise
FOLDER/masks/NNN.png      0 land, 1 lake, 2 road
FOLDER/height/NNN.tif     height in m, 32-bit floating point, 10 m per pixel
FOLDER/labels.csv         id, kind (what covers most beside land: plain, lake, road), tags (lake;road,
                          whatever is there), share of each class, mean height in m
FOLDER/scene_cube.tif     96 x 96 pixels of 24 bands: mixed spectra of four materials in fields
FOLDER/scene_labels.tif   the field's material, 1 to 4

With EARTH, a folder that holds landsat8_B2.tif to B7.tif and landsat8_BQA.tif (USGS, public domain):
FOLDER/landsat8_{bands,quality,swir}.vrt, bands 2 to 6, the quality band and band 7 of that scene.

Only Python's own library; the same numbers on every machine, by a seed.
"""

import math
import pathlib
import random
import struct
import sys
import zlib

SIDE = 32
COUNT = 160
CUBE = 96
BANDS = 24


def png(path, width, height, channels, values):
    """An 8-bit PNG of grey (1) or red, green, blue (3), row by row."""
    row = width * channels
    lines = b"".join(b"\0" + bytes(values[at:at + row]) for at in range(0, height * row, row))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    head = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
                     + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b""))


def unit_item(unit):
    """GDAL's note of the first band's unit."""
    return (f'<GDALMetadata><Item name="UNITTYPE" sample="0" role="unittype">{unit}</Item>'
            "</GDALMetadata>\0").encode()


def tiff(path, width, height, kind, bands, unit=None):
    """An uncompressed TIFF in UTM zone 33N, 10 m per pixel; kind B, H or f, bands row by row each."""
    size = struct.calcsize(kind)
    data = b"".join(struct.pack(f"<{len(band)}{kind}", *band) for band in bands)
    count = len(bands)
    keys = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633)
    entries = [
        (256, 3, [width]), (257, 3, [height]), (258, 3, [8 * size] * count), (259, 3, [1]),
        (262, 3, [1]), (273, 4, [0] * count), (277, 3, [count]), (278, 3, [height]),
        (279, 4, [width * height * size] * count), (284, 3, [2 if count > 1 else 1]),
        (338, 3, [0] * (count - 1)), (339, 3, [3 if kind == "f" else 1] * count),
        (33550, 12, [10.0, 10.0, 0.0]), (33922, 12, [0.0, 0.0, 0.0, 500000.0, 5800000.0, 0.0]),
        (34735, 3, keys), (42112, 2, unit_item(unit) if unit else b"")]
    entries = [entry for entry in entries if entry[2]]
    form = {3: "H", 4: "I", 12: "d"}
    tail_at = 8 + 2 + 12 * len(entries) + 4
    tails = [v if t == 2 else struct.pack(f"<{len(v)}{form[t]}", *v) for _, t, v in entries]
    data_at = tail_at + sum(len(t) for t in tails if len(t) > 4)
    for index, (tag, type_, values) in enumerate(entries):
        if tag == 273:
            starts = [data_at + width * height * size * band for band in range(count)]
            tails[index] = struct.pack(f"<{count}I", *starts)
    out, at, body = b"", tail_at, b""
    for (tag, type_, values), tail in zip(entries, tails):
        if len(tail) > 4:
            place, body, at = struct.pack("<I", at), body + tail, at + len(tail)
        else:
            place = tail.ljust(4, b"\0")
        out += struct.pack("<HHI", tag, type_, len(values)) + place
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(entries)) + out + b"\0\0\0\0" + body + data)


def waves(chance, side, count, longest):
    """A smooth field with mean 0 and deviation near 1: a sum of plane waves."""
    parts = []
    for _ in range(count):
        angle, turn = chance.uniform(0, 2 * math.pi), chance.uniform(0, 2 * math.pi)
        rate = 2 * math.pi / (longest * chance.uniform(0.5, 1))
        parts.append((rate * math.cos(angle), rate * math.sin(angle), turn))
    scale = math.sqrt(2 / count)
    return [scale * sum(math.cos(a * x + b * y + c) for a, b, c in parts)
            for y in range(side) for x in range(side)]


def byte(value):
    return max(0, min(255, round(value)))


def picture(chance):
    """Pixels, mask and height of one scene."""
    height = [120 + 40 * value for value in waves(chance, SIDE, 4, 1.5 * SIDE)]
    mask = [0] * (SIDE * SIDE)
    content = chance.choice(["plain", "lake", "road", "lake", "road", "both"])
    if content in ("lake", "both"):
        for _ in range(chance.randint(1, 2)):
            x0, y0 = chance.uniform(4, SIDE - 4), chance.uniform(4, SIDE - 4)
            wide, high = chance.uniform(3, 8), chance.uniform(3, 8)
            for at in range(SIDE * SIDE):
                if ((at % SIDE - x0) / wide) ** 2 + ((at // SIDE - y0) / high) ** 2 <= 1:
                    mask[at] = 1
    if content in ("road", "both"):
        angle, far = chance.uniform(0, math.pi), chance.uniform(-8, 8)
        half = chance.uniform(0.8, 1.6)
        for at in range(SIDE * SIDE):
            x, y = at % SIDE - SIDE / 2, at // SIDE - SIDE / 2
            if abs(x * math.cos(angle) + y * math.sin(angle) - far) <= half:
                mask[at] = 2
    colors = []
    for at, kind in enumerate(mask):
        rise = height[at] - 120
        base = [(86 + 0.5 * rise, 128 - 0.6 * rise, 62), (40, 72, 120), (150, 146, 140)][kind]
        colors += [byte(part + chance.gauss(0, 14)) for part in base]
    return colors, mask, height


def table(folder, chance):
    rows = ["id,kind,tags,land,lake,road,height"]
    for number in range(COUNT):
        name = f"{number:03d}"
        colors, mask, height = picture(chance)
        png(folder / "pictures" / f"{name}.png", SIDE, SIDE, 3, colors)
        png(folder / "masks" / f"{name}.png", SIDE, SIDE, 1, mask)
        tiff(folder / "height" / f"{name}.tif", SIDE, SIDE, "f", [height], "m")
        lake, road = mask.count(1) / SIDE ** 2, mask.count(2) / SIDE ** 2
        kind = "plain" if lake + road == 0 else "lake" if lake >= road else "road"
        tags = ";".join(tag for tag, share in (("lake", lake), ("road", road)) if share > 0)
        mean = sum(height) / len(height)
        rows.append(f"{name},{kind},{tags or 'plain'},{1 - lake - road!r},{lake!r},{road!r},{mean!r}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")


def cube(folder, chance):
    """Fields of four materials: each pixel mixes its field's spectrum with its neighbours'.

    Every field departs from its material in its own way, so that to have seen some of its pixels
    helps: the gap between a random and a spatial split."""
    spectra = []
    for material in range(4):
        centers = [(chance.uniform(0, BANDS), chance.uniform(2, 7), chance.uniform(0.1, 0.5))
                   for _ in range(3)]
        spectra.append([0.15 + sum(high * math.exp(-((band - at) / wide) ** 2)
                                   for at, wide, high in centers) for band in range(BANDS)])
    seeds = [(chance.uniform(0, CUBE), chance.uniform(0, CUBE), number) for number in range(60)]
    fields = []
    for _, _, number in seeds:
        at, wide = chance.uniform(0, BANDS), chance.uniform(2, 6)
        high = chance.choice([-1, 1]) * chance.uniform(0.2, 0.45)
        fields.append([part + high * math.exp(-((band - at) / wide) ** 2)
                       for band, part in enumerate(spectra[number % 4])])
    labels, values = [], [[] for _ in range(BANDS)]
    light = waves(chance, CUBE, 5, 40)
    for y in range(CUBE):
        for x in range(CUBE):
            near = sorted(((x - a) ** 2 + (y - b) ** 2, number) for a, b, number in seeds)[:2]
            share = 1 / (1 + math.exp(-(math.sqrt(near[1][0]) - math.sqrt(near[0][0])) / 1.5))
            labels.append(near[0][1] % 4 + 1)
            bright = 1 + 0.15 * light[y * CUBE + x]
            for band in range(BANDS):
                mixed = share * fields[near[0][1]][band] + (1 - share) * fields[near[1][1]][band]
                values[band].append(max(0, round(1e4 * (bright * mixed + chance.gauss(0, 0.08)))))
    tiff(folder / "scene_cube.tif", CUBE, CUBE, "H", values)
    tiff(folder / "scene_labels.tif", CUBE, CUBE, "B", [labels])


def landsat(folder, earth):
    """Bands of the scene as one raster, and its quality and second infrared band beside it."""
    import os
    first = (earth / "landsat8_B2.tif").read_bytes()
    at = struct.unpack("<I", first[4:8])[0]
    tags = {}
    for number in range(struct.unpack("<H", first[at:at + 2])[0]):
        tag, _, _, value = struct.unpack("<HHII", first[at + 2 + 12 * number:at + 14 + 12 * number])
        tags[tag] = value
    width, height = tags[256] & 0xFFFF, tags[257] & 0xFFFF
    scale = struct.unpack("<3d", first[tags[33550]:tags[33550] + 24])
    place = struct.unpack("<6d", first[tags[33922]:tags[33922] + 48])
    transform = f"{place[3]}, {scale[0]}, 0, {place[4]}, 0, {-scale[1]}"

    def write(name, files):
        bands = "".join(
            f'<VRTRasterBand dataType="UInt16" band="{number}"><Description>{label}</Description>'
            "<UnitType>DN</UnitType>"
            f'<SimpleSource><SourceFilename relativeToVRT="1">{os.path.relpath(earth / file, folder)}'
            f"</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
            for number, (label, file) in enumerate(files, 1))
        (folder / f"landsat8_{name}.vrt").write_text(
            f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>EPSG:32616</SRS>'
            f"<GeoTransform>{transform}</GeoTransform>{bands}</VRTDataset>\n")

    write("bands", [(f"B{number}", f"landsat8_B{number}.tif") for number in range(2, 7)])
    write("quality", [("BQA", "landsat8_BQA.tif")])
    write("swir", [("B7", "landsat8_B7.tif")])


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__.split("\n\n")[1])
    folder = pathlib.Path(sys.argv[1]).absolute()
    for name in ("pictures", "masks", "height"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    table(folder, random.Random(20))
    cube(folder, random.Random(21))
    if len(sys.argv) == 3:
        landsat(folder, pathlib.Path(sys.argv[2]).absolute())


if __name__ == "__main__":
    main()
