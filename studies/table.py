"""Tables of a study: ours beside the peers', mean and standard deviation over seeds, as Markdown.

  python studies/table.py DOMAIN --runs FOLDER [--peer FILE.jsonl]
"""

import argparse
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer"))
from all import runs  # noqa: E402

METRICS = {
    "restoration": [("PSNR", "PSNR", 2), ("SSIM", "SSIM", 4)],
    "medical": [("mDice", "mDice", 3), ("Dice", "Dice of the class", 3), ("HD95", "HD95", 1)],
    "images": [("Accuracy_Micro", "accuracy", 3)],
}


def ours(folder, domain):
    """Results of Attune's runs by (setting, method)."""
    found = {}
    for method, name, seed, run, _ in runs(folder, domain):
        record = json.load(open(os.path.join(run, "record.json")))
        values = {}
        for evaluation in record["evaluations"]:
            for metric in evaluation["metrics"]:
                values[metric["name"].split("/")[-1]] = metric["value"]
        values["Dice"] = values.get("Dice_vessel", values.get("Dice_membrane"))
        values |= {
            "seed": seed, "seconds": record["wallSeconds"],
            "training_seconds": record["trainSeconds"],
            "peak_memory": record["peakMemoryBytes"],
            "trained": record["model"]["trainableParameters"]}
        found.setdefault((name, method), []).append(values)
    return found


def peers(path, domain):
    found = {}
    for line in open(path):
        values = json.loads(line)
        name = values["task" if domain == "restoration" else "set"]
        found.setdefault((name, values["method"]), []).append(values)
    return found


def spread(rows, key, digits):
    """Mean and standard deviation over seeds; a dash where nothing was measured."""
    values = [r[key] for r in rows or [] if r.get(key) is not None]
    if not values:
        return "–"
    deviation = np.std(values, ddof=1) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.{digits}f} ± {deviation:.{digits}f}"


def mean(rows, key, scale, digits):
    values = [r[key] * scale for r in rows or []]
    return f"{np.mean(values):.{digits}f}" if values else "–"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domain", choices=list(METRICS))
    parser.add_argument("--runs", required=True)
    parser.add_argument("--peer")
    options = parser.parse_args()
    mine = ours(options.runs, options.domain)
    theirs = peers(options.peer, options.domain) if options.peer else {}
    metrics = METRICS[options.domain]
    head = ["data", "method", "trained"]
    for _, title, _ in metrics:
        head += [title, f"{title}, peer"]
    head += ["training, s", "peer", "memory, MiB", "peer"]
    print("| " + " | ".join(head) + " |")
    print("|---|---|" + "---:|" * (len(head) - 2))
    for key in sorted(mine):
        a, b = mine[key], theirs.get(key)
        cells = [key[0], f"`{key[1]}`", f"{a[0]['trained']:,}"]
        for metric, _, digits in metrics:
            cells += [spread(a, metric, digits), spread(b, metric, digits)]
        for field, scale, digits in (("training_seconds", 1, 1), ("peak_memory", 2**-20, 0)):
            cells += [mean(a, field, scale, digits), mean(b, field, scale, digits)]
        print("| " + " | ".join(cells) + " |")


main()
