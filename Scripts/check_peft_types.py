#!/usr/bin/env python3
"""Train every portable adapter method for a few steps, export it, and open it in PEFT.

    python3 Scripts/check_peft_types.py WORK [--types lora,oft] [--checker peft_roundtrip.py]

WORK is a folder for a small base model, drawn pictures, runs and exports. Each type gets four steps on a ViT
of two blocks, `attune export --format peft --io`, and the comparison of Scripts/check_export.py, or of another
checker that takes --base, --adapter and --io. Types that cannot be written for PEFT must be refused with 69.

Needs Python with torch, timm, peft, safetensors and Pillow. Exit status 0 where all types agree.
"""

import argparse
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.join(HERE, "..", ".build", "release", "attune")

# Options that a narrow model needs, by type; others have their defaults.
OPTIONS = {
    "adalora": {"init_r": 6, "target_r": 4, "tinit": 1, "tfinal": 1, "delta_t": 1},
    "boft": {"boft_block_size": 4},
    "c3a": {"block_size": 16},
    "fourierft": {"n_frequency": 60},
    "gralora": {"r": 8},
    "miss": {"r": 8},
    "oft": {"oft_block_size": 16},
    "randlora": {"r": 4},
    "supertuning": {"sparsity": 0.9},
    "vblora": {"vector_length": 16, "num_vectors": 32},
    "vera": {"r": 8},
    "waveft": {"n_frequency": 60},
}
REFUSED = {"frod", "psoft"}
# Methods of our own, which PEFT does not know.
OWN = {
    "adaptformer", "colora-restoration", "compacter", "conformer", "convpass", "convpass-1d", "gated-lora",
    "houlsby", "hydra", "one-bit", "one-bit-lora", "parallel", "pfeiffer", "s-sam", "salt",
}


def make_base(folder):
    import torch
    from safetensors.torch import save_file
    from timm.models.vision_transformer import VisionTransformer

    torch.manual_seed(0)
    model = VisionTransformer(
        img_size=32, patch_size=8, embed_dim=64, depth=2, num_heads=4, mlp_ratio=4, num_classes=3)
    torch.nn.init.normal_(model.head.weight, std=0.2)
    os.makedirs(folder, exist_ok=True)
    save_file(model.state_dict(), os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump({
            "architecture": "vit_base_patch16_224", "num_classes": 3, "global_pool": "token",
            "num_heads": 4,
            "model_args": {
                "img_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 2, "num_heads": 4},
            "pretrained_cfg": {"input_size": [3, 32, 32], "num_classes": 3}}, file)


def make_pictures(folder):
    import random

    from PIL import Image

    drawn = random.Random(0)
    for part, count in (("train", 8), ("test", 2)):
        for label in range(3):
            place = os.path.join(folder, part, f"class{label}")
            os.makedirs(place, exist_ok=True)
            for number in range(count):
                picture = Image.new("RGB", (32, 32))
                picture.putdata([
                    tuple(drawn.randrange(60 * label, 60 * label + 130) for _ in range(3))
                    for _ in range(32 * 32)])
                picture.save(os.path.join(place, f"{number}.png"))


def recipe(method):
    adapter = {"method": method, **OPTIONS.get(method, {})}
    if method != "ln-tuning":
        adapter["target_modules"] = ["attn.qkv", "mlp.fc1", "mlp.fc2"]
    return {
        "version": 1, "name": method, "task": "classification",
        "model": {
            "backbone": {"name": "vit", "patch_size": 8, "embed_dim": 64, "depth": 2, "num_heads": 4},
            "weights": "base/model.safetensors"},
        "adapter": adapter,
        "data": {
            "format": "image-folder", "root": "pictures",
            "inputs": {"image": {"unit": "dn", "scale": 1 / 255, "normalize": "zscore"}},
            "split": {"method": "files", "train": "train/*/*.png", "test": "test/*/*.png"},
            "batch_size": 8},
        "train": {
            "max_steps": 4, "optimizer": {"name": "adamw", "lr": 0.01}, "eval_every": 4, "save_every": 4},
        "output": {"dir": "runs", "if_exists": "overwrite"}, "distributed": {"threads": 1}}


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def check(method, work, checker):
    with open(os.path.join(work, method + ".yaml"), "w", encoding="utf-8") as file:
        json.dump(recipe(method), file)
    trained = run(TOOL, "train", method + ".yaml", "-q", "--json", cwd=work)
    if trained.returncode != 0:
        return False, "train: " + trained.stderr.strip()
    folder = json.loads(trained.stdout)["directory"]
    exported = run(
        TOOL, "export", folder, "-o", f"exported/{method}", "--format", "peft", "--io",
        f"exported/{method}.io", "--force", cwd=work)
    if method in REFUSED:
        return exported.returncode == 69, "refused: " + exported.stderr.strip()[:90]
    if exported.returncode != 0:
        return False, "export: " + exported.stderr.strip()
    arguments = (
        [checker, "--base", "base/model.safetensors", "--adapter", f"exported/{method}", "--io",
         f"exported/{method}.io"] if checker else
        [os.path.join(HERE, "check_export.py"), f"exported/{method}", f"exported/{method}.io", "--base",
         "base"])
    outcome = run(sys.executable, *arguments, cwd=work)
    text = (outcome.stdout + outcome.stderr).strip()
    found = re.findall(r"difference ([0-9.e+-]+)", outcome.stdout)
    if outcome.returncode != 0 or not found:
        return False, text[-300:]
    return True, "largest difference " + max(found, key=float)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work")
    parser.add_argument("--types")
    parser.add_argument("--checker")
    given = parser.parse_args()
    work = os.path.abspath(given.work)
    os.makedirs(os.path.join(work, "exported"), exist_ok=True)
    if not os.path.exists(os.path.join(work, "base")):
        make_base(os.path.join(work, "base"))
        make_pictures(os.path.join(work, "pictures"))
    listed = json.loads(run(TOOL, "list", "adapters", "--json", cwd=work).stdout)
    types = given.types.split(",") if given.types else [
        entry["name"] for entry in listed if entry["name"] not in OWN]
    checker = os.path.abspath(given.checker) if given.checker else None
    failed = 0
    for method in types:
        passed, text = check(method, work, checker)
        failed += not passed
        print(f"{'ok  ' if passed else 'FAIL'} {method:12s} {text}", flush=True)
    print(f"{len(types) - failed} of {len(types)} types agree")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
