"""The restoration study in PyTorch and PEFT; prints a JSON object for each seed.

Ranks of CoLoRA are those that Attune's run of the same task and seed found (--ranks): the study
compares training, not the search for ranks.
"""

import json
import math
import time

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

import common
from degradations import degraded
from nafnet import NAFNet


def low_rank(model, method, ranks):
    """A PEFT model; ranks by module for CoLoRA, 2 everywhere for LoRA."""
    if method == "lora":
        names = [
            n for n, m in model.named_modules() if isinstance(m, nn.Conv2d) and m.groups == 1
        ]
        config = LoraConfig(r=2, lora_alpha=2, target_modules=names)
        return get_peft_model(model, config)
    # PEFT matches the keys of patterns as suffixes, so that each is anchored.
    pattern = {f"^{n}": r for n, r in ranks.items()}
    config = LoraConfig(
        r=8, lora_alpha=8, rank_pattern=pattern, alpha_pattern=pattern, bias="all",
        target_modules=list(ranks))
    adapted = get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if any(part in name for part in ("norm1", "norm2", "beta", "gamma")):
            parameter.requires_grad = True
    return adapted


def psnr_loss(model, pair):
    inputs, clean = pair
    errors = ((model(inputs) - clean) ** 2).mean(dim=(1, 2, 3))
    return 10 / math.log(10) * torch.log(errors + 1e-8).mean()


def luma(image):
    weights = torch.tensor([65.481, 128.553, 24.966]).view(3, 1, 1)
    return ((image * weights).sum(0, keepdim=True) + 16) / 255


def ssim(a, b):
    """Mean over channels of the index in Gaussian windows of 11 pixels within the image."""
    taps = torch.exp(-(torch.arange(11).double() - 5) ** 2 / (2 * 1.5**2))
    taps = taps / taps.sum()
    window = (taps[:, None] * taps[None, :])[None, None]

    def mean(x):
        return F.conv2d(x[:, None].double(), window)

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    index = (2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))
    return index.mean().item()


def scores(outputs, cleans, is_luma):
    """Means of PSNR and SSIM over pictures."""
    found = []
    for output, clean in zip(outputs, cleans):
        a, b = output.clamp(0, 1), clean
        if is_luma:
            a, b = luma(a)[:, 2:-2, 2:-2], luma(b)[:, 2:-2, 2:-2]
        error = ((a.double() - b.double()) ** 2).mean().item()
        found.append((-10 * math.log10(error), ssim(a, b)))
    return [sum(f[i] for f in found) / len(found) for i in (0, 1)]


def run(options, seed):
    began = time.perf_counter()
    cleans = [common.picture(p) for p in common.files(options.data, "CBSD68/14*.png")]
    model = NAFNet(16, [1, 1], 2, [1, 1])
    if options.method != "scratch":
        model.load_state_dict(load_file(options.weights))
    if options.method in ("lora", "colora"):
        ranks = json.load(open(options.ranks))[str(seed)] if options.ranks else None
        model = low_rank(model, options.method, ranks)

    def samples(numbers):
        pairs = []
        for number in numbers:
            clean = cleans[number]
            pairs.append(common.flipped(common.crop([degraded(options.task, clean), clean], 48)))
        return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])

    training = common.train(
        model, psnr_loss, samples, len(cleans), 6, 80, options, (0.9, 0.9), 0.0, lowest=1e-7)

    pattern = "Set5/HR/*.png" if options.task == "sr" else "Kodak24/kodim0[1-5].png"
    tests = [common.picture(p) for p in common.files(options.data, pattern)]
    inputs = [degraded(options.task, t) for t in tests]
    with torch.no_grad():
        outputs = [model(i[None])[0] for i in inputs]
    psnr, structure = scores(outputs, tests, options.task == "sr")
    before, _ = scores(inputs, tests, options.task == "sr")
    common.report(
        began, training, model, method=options.method, task=options.task, seed=seed,
        lr=options.lr, PSNR=psnr, SSIM=structure, baseline_PSNR=before)


def main():
    parser = common.arguments(__doc__)
    parser.add_argument("--task", choices=["noise", "jpeg", "blur", "sr"], required=True)
    parser.add_argument("--method", choices=["full", "scratch", "lora", "colora"], required=True)
    parser.add_argument("--ranks", help="for colora: JSON, rank of each module by seed")
    options = parser.parse_args()
    for seed in common.runs(options):
        run(options, seed)


main()
