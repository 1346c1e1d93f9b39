#!/usr/bin/env python3
"""Prints the predictions of docs/scaling.md: step times of n ranks by the model described there.

  scaling.py [--alpha S] [--beta B/S] [--rate FLOP/S]
"""
import argparse
import math

# Name, gradient bytes, operations of a step of 8 samples (products alone).
WORK = [
    ("ViT-S, LoRA", 2.37e6, 152e9), ("ViT-S, all", 86.7e6, 221e9),
    ("ViT-B, LoRA", 4.75e6, 562e9), ("ViT-B, all", 343e6, 843e9),
    ("ViT-L, LoRA", 12.6e6, 1.97e12), ("ViT-L, all", 1.21e9, 2.96e12),
    ("ViT-H, LoRA", 21.0e6, 5.35e12), ("ViT-H, all", 2.52e9, 8.03e12),
]
POLL = 1e-4   # a waiting rank looks every 10 to 200 microseconds, twice for each bucket
SUM = 4e9     # bytes that a rank adds up in a second
OVERLAP = 0.5  # share of the step in which gradients already travel


def step(gradients, compute, ranks, alpha, beta):
    """Seconds of a step, and how much of them is waited for gradients."""
    if ranks == 1:
        return compute, 0.0
    bucket = max(1 << 20, (1 << 16) * ranks)
    buckets = math.ceil(gradients / bucket)
    share = 2 * (ranks - 1) / ranks * gradients / beta + gradients / SUM
    whole = buckets * 2 * ((ranks - 1) * alpha + POLL) + share
    # The last bucket begins when the backward pass ends.
    exposed = max(whole / buckets, whole - OVERLAP * compute)
    agree = 4 * (math.log2(ranks) * alpha + POLL)
    return compute + exposed + agree, exposed + agree


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alpha", type=float, default=5e-6, help="seconds to start a message")
    parser.add_argument("--beta", type=float, default=12e9, help="bytes a second of one rank")
    parser.add_argument("--rate", type=float, default=2e12, help="operations a second of one rank")
    options = parser.parse_args()
    counts = [8, 32, 128, 256]
    print("| work | one rank, s | " + " | ".join(f"{n} ranks" for n in counts) + " |")
    print("|---|---:|" + "---:|" * len(counts))
    for name, gradients, operations in WORK:
        compute = operations / options.rate
        cells = []
        for ranks in counts:
            seconds, waited = step(gradients, compute, ranks, options.alpha, options.beta)
            cells.append(f"{100 * compute / seconds:.0f} %")
        print(f"| {name} | {compute:.2f} | " + " | ".join(cells) + " |")


main()
