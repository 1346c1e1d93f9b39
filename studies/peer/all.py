"""All runs of a study in the peers' stack; prints the JSON lines of each.

Learning rates are those of Attune's recipes, read from its runs, and so are the ranks of CoLoRA.
"""

import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
METHODS = {
    "restoration": ["full", "lora", "colora"],
    "medical": ["full", "probe", "lora", "s-sam", "salt"],
    "images": ["full", "probe", "lora"],
}
FOLDERS = {"restoration": "restoration", "medical": "medical", "images": "classification"}
DEGRADATIONS = {
    "gaussian-noise": "noise", "jpeg": "jpeg", "gaussian-blur": "blur", "downscale": "sr"}


def setting(recipe, domain):
    """Which data a resolved recipe is about, by the name that the peers' scripts have for it."""
    data = recipe["data"]
    if domain == "restoration":
        return DEGRADATIONS[data["degrade"]["list"][0]["name"]]
    if domain == "images":
        return data["inputs"]["image"]["path"].split("/")[0]
    train = data["split"]["train"]
    names = {"0[0-5]": "isbi-6", "01?": "chase-2", "0[12]?": "chase-4", "0[123]?": "chase-6"}
    return next(name for part, name in names.items() if part in train)


def runs(folder, domain):
    """(method, setting, seed, folder, recipe) of Attune's finished runs but the pretraining."""
    found = []
    for path in sorted(glob.glob(os.path.join(folder, f"{domain}-*", "*-s*", "record.json"))):
        run = os.path.dirname(path)
        recipe = yaml.safe_load(open(os.path.join(run, "recipe.resolved.yaml")))
        method = recipe["name"].removeprefix(f"{domain}-")
        if method in ("prod", "mae"):
            continue
        found.append((method, setting(recipe, domain), recipe["seed"], run, recipe))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domain", choices=list(METHODS))
    for name in ("data", "runs", "weights"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    ours = runs(options.runs, options.domain)
    groups = {}
    for method, name, seed, run, recipe in ours:
        groups.setdefault((method, name), []).append((seed, run, recipe))
    which = "--task" if options.domain == "restoration" else "--set"
    for (method, name), members in sorted(groups.items()):
        if method not in METHODS[options.domain]:
            continue
        rate = float(members[0][2]["train"]["optimizer"]["lr"])
        command = [
            sys.executable, os.path.join(HERE, f"{options.domain}.py"),
            "--data", os.path.join(options.data, FOLDERS[options.domain]),
            "--weights", options.weights, "--lr", str(rate), "--method", method, which, name,
            "--seeds", *[str(seed) for seed, _, _ in sorted(members, key=lambda m: m[0])]]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as ranks:
            if method == "colora":
                json.dump({str(seed): colora_ranks(run) for seed, run, _ in members}, ranks)
                ranks.flush()
                command += ["--ranks", ranks.name]
            print(f"peer: {method} on {name}", file=sys.stderr)
            subprocess.run(command, check=True)


def colora_ranks(run):
    """Rank by module, as the run keeps them."""
    kept = json.load(open(os.path.join(run, "adapters.json")))["ranks"]["colora-restoration"]
    return {name.removesuffix("."): rank for name, rank in kept.items() if rank > 0}


if __name__ == "__main__":
    main()
