"""What the peers' runs share: data, batches, schedule, time and memory.

Batches follow Attune's rule: every epoch is a new order of all samples, its last batch holds what
is left. Rates are those of Attune's cosine schedule, step by step.
"""

import argparse
import glob
import json
import math
import os
import resource
import sys
import time

import numpy as np
import torch
from PIL import Image


def arguments(description):
    """The options that all studies take."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", required=True, help="folder of the data")
    parser.add_argument("--weights", help="model.safetensors of the pretraining run; none: random")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--lr", type=float, required=True)
    return parser


def runs(options):
    """The seeds, each set as the run with it begins."""
    torch.set_num_threads(options.threads)
    for seed in options.seeds:
        torch.manual_seed(seed)
        yield seed


def files(root, *patterns):
    """Paths that match, sorted; none at all is an error."""
    found = sorted(p for pattern in patterns for p in glob.glob(os.path.join(root, pattern)))
    if not found:
        sys.exit(f"{root}: no file matches {', '.join(patterns)}")
    return found


def picture(path):
    """[channel, height, width] from 0 to 1."""
    values = np.asarray(Image.open(path), dtype=np.float32) / 255
    if values.ndim == 2:
        values = values[:, :, None]
    return torch.from_numpy(values.transpose(2, 0, 1).copy())


def batches(count, size, steps):
    """Sample numbers of each step."""
    done = 0
    while True:
        order = torch.randperm(count).tolist()
        for first in range(0, count, size):
            if done == steps:
                return
            done += 1
            yield order[first : first + size]


def rate(base, step, steps, warmup, lowest):
    """Rate of a 0-based step: linear warm-up, then half a cosine."""
    if step < warmup:
        return base * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return lowest + (base - lowest) * 0.5 * (1 + math.cos(math.pi * progress))


def crop(arrays, size):
    """The same random square of all arrays, [..., height, width]."""
    height, width = arrays[0].shape[-2:]
    row = torch.randint(height - size + 1, ()).item()
    column = torch.randint(width - size + 1, ()).item()
    return [a[..., row : row + size, column : column + size] for a in arrays]


def flipped(arrays):
    """Mirrors all arrays alike, left and right, up and down, each with probability 1/2."""
    for axis in (-1, -2):
        if torch.rand(()) < 0.5:
            arrays = [a.flip(axis) for a in arrays]
    return arrays


def train(model, loss, samples, count, batch, steps, options, betas, decay, warmup=0, lowest=0.0):
    """Trains what asks for gradients; loss(model, samples(numbers)). Returns seconds."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=options.lr, betas=betas, weight_decay=decay)
    model.train()
    began = time.perf_counter()
    for step, numbers in enumerate(batches(count, batch, steps)):
        for group in optimizer.param_groups:
            group["lr"] = rate(options.lr, step, steps, warmup, lowest)
        optimizer.zero_grad()
        loss(model, samples(numbers)).backward()
        optimizer.step()
    model.eval()
    return time.perf_counter() - began


def report(began, training, model, **values):
    """Prints the result of a run as one line of JSON; memory is the process's so far."""
    result = {
        "trained": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "training_seconds": training,
        "seconds": time.perf_counter() - began,
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "torch": torch.__version__,
    }
    print(json.dumps(values | result), flush=True)
