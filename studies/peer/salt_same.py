"""SALT in both stacks from the same first values on the same crops: losses step by step.

The run of Attune takes the centre of every training picture, all six in each step, so that neither
the order of the data nor the drawing of crops can part the stacks:

  attune train recipes/medical/adapt/medical-salt.yaml OPTIONS --set train.max_steps=1 \\
    --set train.optimizer.lr=0 --set train.save_every=1 --set name=first
  attune train recipes/medical/adapt/medical-salt.yaml OPTIONS --set name=all

with OPTIONS --set ~sweep --set data.batch_size=6 and
--set 'data.transforms=[{name: center-crop, size: 128}]', and six training pictures.
"""

import argparse
import glob
import json

import torch
from safetensors.torch import load_file

import common
import medical
import spectral
from vit import vit


def center(array):
    row, column = ((n - medical.CROP) // 2 for n in array.shape[-2:])
    return array[..., row : row + medical.CROP, column : column + medical.CROP]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "weights", "first", "all"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--lr", type=float, default=1e-2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    stored = load_file(glob.glob(f"{options.first}/checkpoints/step_*/state.safetensors")[0])
    values = {k.removeprefix("parameter."): v for k, v in stored.items()}

    pairs = medical.read(options.data, medical.SETS["chase-6"][0])
    pixels = torch.cat([image.flatten(1) for image, _ in pairs], 1)
    mean, deviation = pixels.mean(1)[:, None, None], pixels.std(1)[:, None, None]
    images = torch.stack([center((image - mean) / deviation) for image, _ in pairs])
    labels = torch.stack([center(mask) for _, mask in pairs])

    backbone = vit(medical.CROP, medical.PATCH, 3, options.weights)
    spectral.attach(backbone, lambda weight: spectral.SALT(weight), medical.MODULES)
    model = medical.Segmenter(backbone)
    with torch.no_grad():
        for name, module in backbone.named_modules():
            if not isinstance(module, spectral.SALT):
                continue
            place = name.removesuffix(".parametrizations.weight.0")
            names = {
                "u": "U", "s": "S", "v": "Vt", "x": "trainable_X", "y": "trainable_Y",
                "scale": "trainable_scale_A", "shift": "trainable_shift_B"}
            for own, theirs in names.items():
                getattr(module, own).copy_(values[f"{place}.{theirs}"])
        model.decoder.weight.copy_(values["decoder.conv.weight"])
        model.decoder.bias.copy_(values["decoder.conv.bias"])

    losses = []

    def loss(net, _):
        value = medical.loss(net, (images, labels))
        losses.append(value.item())
        return value

    common.train(
        model, loss, lambda _: None, len(pairs), len(pairs), 200, options, (0.9, 0.999), 1e-2,
        warmup=20)
    lines = (json.loads(line) for line in open(f"{options.all}/steps.jsonl"))
    ours = [line["loss"] for line in lines if "step" in line]
    for step in (1, 2, 5, 10, 20, 50, 100, 150, 200):
        print(f"step {step:3d}: loss {ours[step - 1]:.6f}, peer {losses[step - 1]:.6f}")
    apart = max(abs(a - b) / b for a, b in zip(ours[:20], losses[:20]))
    print(f"largest relative difference of the first 20 losses: {apart:.1e}")


if __name__ == "__main__":
    main()
