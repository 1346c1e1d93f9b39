"""The medical study in PyTorch, timm and PEFT; prints a JSON object for each seed."""

import time

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import nn
from torch.nn import functional as F

import common
from vit import adapted, tokens, vit

SIDE, CROP, PATCH = 512, 128, 8
MODULES = ["attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"]
SETS = {
    "chase-2": ("chase_db1/images/Image_01?.png", "chase_db1/images/Image_0[45]?.png"),
    "chase-4": ("chase_db1/images/Image_0[12]?.png", "chase_db1/images/Image_0[45]?.png"),
    "chase-6": ("chase_db1/images/Image_0[123]?.png", "chase_db1/images/Image_0[45]?.png"),
    "isbi-6": ("isbi2012_em/images/0[0-5].png", "isbi2012_em/images/1?.png"),
}


def read(root, pattern):
    """Pictures [channel, side, side] and class maps [side, side]."""
    found = []
    for path in common.files(root, pattern):
        image = common.picture(path)
        label = path.replace("images", "1stHO" if "chase" in path else "labels")
        mask = common.picture(label)
        mask = mask > 0 if "chase" in path else mask < 0.5
        if image.shape[-2:] != (SIDE, SIDE):
            image = F.interpolate(
                image[None], (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)[0]
            mask = F.interpolate(mask[None].float(), (SIDE, SIDE), mode="nearest-exact")[0]
        found.append((image, mask[0].long()))
    return found


class Segmenter(nn.Module):
    """Backbone and one linear map from a token to two classes of its pixels."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.decoder = nn.ConvTranspose2d(96, 2, PATCH, PATCH)

    def forward(self, image):
        x = tokens(self.backbone, image)
        side = image.shape[-1] // PATCH
        return self.decoder(x.transpose(1, 2).reshape(len(x), -1, side, side))


def loss(model, pair):
    """Cross entropy with weights 1 and 4, and 1 - soft Dice, mean over classes and samples."""
    images, labels = pair
    logits = model(images)
    entropy = F.cross_entropy(logits, labels, torch.tensor([1.0, 4.0]))
    p, g = logits.softmax(1).flatten(2), F.one_hot(labels, 2).permute(0, 3, 1, 2).flatten(2)
    both = (p * g).sum(2)
    dice = (both + 1) / (0.5 * (p.sum(2) + g.sum(2)) + 1)
    return entropy + (1 - dice).mean()


def surface(mask):
    padded = np.pad(mask, 1)
    inside = (
        padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])
    return mask & ~inside


def hd95(a, b):
    """95th percentile of the distances between surfaces, both ways together, in pixels."""
    if not a.any() and not b.any():
        return 0.0
    if not a.any() or not b.any():
        return None
    sa, sb = surface(a), surface(b)
    distances = np.concatenate(
        [distance_transform_edt(~sb)[sa], distance_transform_edt(~sa)[sb]])
    return float(np.percentile(distances, 95))


def run(options, seed):
    began = time.perf_counter()
    trains, tests = (read(options.data, pattern) for pattern in SETS[options.set])
    pixels = torch.cat([image.flatten(1) for image, _ in trains], 1)
    mean, deviation = pixels.mean(1)[:, None, None], pixels.std(1)[:, None, None]
    trains, tests = (
        [((image - mean) / deviation, mask) for image, mask in part] for part in (trains, tests))
    weights = None if options.method == "scratch" else options.weights
    backbone = vit(CROP, PATCH, trains[0][0].shape[0], weights)
    model = Segmenter(adapted(backbone, options.method, MODULES))

    def samples(numbers):
        pairs = [common.flipped(common.crop(trains[n], CROP)) for n in numbers]
        return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])

    training = common.train(
        model, loss, samples, len(trains), 2, 200, options, (0.9, 0.999), 1e-2, warmup=20)

    counts, distances = torch.zeros(2, 2), [[], []]
    with torch.no_grad():
        for image, mask in tests:
            tiles = image.unfold(1, CROP, CROP).unfold(2, CROP, CROP)
            rows = tiles.permute(1, 2, 0, 3, 4)
            found = torch.cat([
                torch.cat(list(model(row.contiguous()).argmax(1)), -1) for row in rows], 0)
            for truth in (0, 1):
                for guess in (0, 1):
                    counts[truth, guess] += ((mask == truth) & (found == guess)).sum()
            for c in (0, 1):
                distance = hd95(found.numpy() == c, mask.numpy() == c)
                if distance is not None:
                    distances[c].append(distance)
    dices = [(2 * counts[c, c] / (counts[c].sum() + counts[:, c].sum())).item() for c in (0, 1)]
    common.report(
        began, training, model, method=options.method, set=options.set, seed=seed,
        lr=options.lr, mDice=sum(dices) / 2, Dice=dices[1],
        HD95=float(np.mean([np.mean(d) for d in distances if d])))


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--set", choices=list(SETS), required=True)
    parser.add_argument(
        "--method", choices=["full", "scratch", "probe", "lora", "s-sam", "salt"], required=True)
    options = parser.parse_args()
    for seed in common.runs(options):
        run(options, seed)


if __name__ == "__main__":
    main()
