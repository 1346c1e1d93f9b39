"""The images study in PyTorch, timm and PEFT; prints a JSON object for each seed."""

import os
import time

import torch
from torch.nn import functional as F

import common
from vit import adapted, vit

SETS = {
    "cifar10": ("cifar10/train/*/000?.png", "cifar10/test/*/*.png"),
    "mnist": ("mnist/train/*/000*.png", "mnist/test/*/*.png"),
}


def read(root, pattern):
    """Pictures [sample, channel, height, width] and classes by the order of their folders."""
    paths = common.files(root, pattern)
    names = [os.path.basename(os.path.dirname(p)) for p in paths]
    classes = sorted(set(names))
    return (
        torch.stack([common.picture(p) for p in paths]),
        torch.tensor([classes.index(n) for n in names]))


def run(options, seed):
    began = time.perf_counter()
    (images, labels), (tests, truths) = (
        read(options.data, pattern) for pattern in SETS[options.set])
    mean = images.mean((0, 2, 3), keepdim=True)
    deviation = images.std((0, 2, 3), keepdim=True)
    images, tests = (images - mean) / deviation, (tests - mean) / deviation
    weights = None if options.method == "scratch" else options.weights
    model = vit(images.shape[-1], 4, images.shape[1], weights, classes=10)
    model = adapted(model, options.method, ["attn.qkv", "attn.proj"])
    for parameter in model.head.parameters():
        parameter.requires_grad = True

    def loss(model, pair):
        return F.cross_entropy(model(pair[0]), pair[1], label_smoothing=0.1)

    training = common.train(
        model, loss, lambda numbers: (images[numbers], labels[numbers]), len(images), 25, 80,
        options, (0.9, 0.999), 0.01, warmup=8)
    with torch.no_grad():
        found = torch.cat([model(part) for part in tests.split(50)]).argmax(1)
    common.report(
        began, training, model, method=options.method, set=options.set, seed=seed,
        lr=options.lr, Accuracy_Micro=(found == truths).float().mean().item())


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--set", choices=list(SETS), required=True)
    parser.add_argument("--method", choices=["full", "scratch", "probe", "lora"], required=True)
    options = parser.parse_args()
    for seed in common.runs(options):
        run(options, seed)


main()
