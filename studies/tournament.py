"""Tables of the tournament as Markdown: arms by group, both tasks, from the reports' numbers.

  python studies/tournament.py outputs/tournament

Reads pde.json and membranes.json (`attune report --json`) of the folder, and the reports beside them.
The sign beside a figure says for each seed whether the report's paired 95 % interval against LoRA
excludes 0. Experimental arms stand in no ranking, so the report pairs them with nothing.
"""

import argparse
import json
import os

import numpy as np
import yaml

RECIPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "recipes", "tournament")
TASKS = {"pde": ("VRMSE", 4), "membranes": ("mIoU", 3)}
GROUPS = [
    "baselines", "lora-forms", "peft-types", "initialisations", "weights", "rules", "composition",
    "branches", "experimental"]


def arms(task, group):
    """Names of a group's arms in the recipe's order, without the task."""
    recipe = yaml.safe_load(open(os.path.join(RECIPES, f"{task}-{group}.yaml")))
    return [member["name"].removeprefix(f"{task}-") for member in recipe["sweep"]["tied"]]


def results(folder, task):
    """Arms of the report by name: values by seed, trained values, seconds."""
    found = {}
    for arm in json.load(open(os.path.join(folder, f"{task}.json")))["arms"]:
        values = [
            value for seed in arm["seeds"] for value in seed["values"]
            if value["metric"] == TASKS[task][0]]
        found[arm["name"].removeprefix(f"{task}-")] = arm | {"values": values}
    return found


def verdicts(folder, task):
    """By arm: seeds in which it is better than LoRA, worse, or neither by the paired interval."""
    report = os.path.join(folder, f"report-{task}", "report.json")
    found = {}

    def tables(node):
        if isinstance(node, dict):
            if "rows" in node and "columns" in node:
                yield node
            for value in node.values():
                yield from tables(value)
        elif isinstance(node, list):
            for value in node:
                yield from tables(value)

    lora = f"{task}-lora"
    for table in tables(json.load(open(report))["sections"]):
        for row in table["rows"]:
            cells = row["cells"]
            if len(cells) < 6 or " − " not in str(cells[0]):
                continue
            first, second = cells[0].split(" − ")
            if lora not in (first, second):
                continue
            other = (second if first == lora else first).removeprefix(f"{task}-")
            counts = found.setdefault(other, [0, 0, 0])
            better = "is better" in cells[5]
            counts[1 if f"{lora} is better" in cells[5] else 0 if better else 2] += 1
    return found


def figure(values, digits):
    """One seed with its 95 % interval over test units, or mean and deviation over seeds."""
    numbers = [value["mean"] for value in values]
    text = f"{np.mean(numbers):.{digits}f}"
    if len(numbers) > 1:
        return text + f" ± {np.std(numbers, ddof=1):.{digits}f} ({len(numbers)})"
    bounds = values[0].get("interval")
    if bounds:
        text += f" [{bounds['lower']:.{digits}f}, {bounds['upper']:.{digits}f}]"
    return text


def rate(arm):
    """The rates that validation chose, smallest first."""
    chosen = {seed["settings"].get("train.optimizer.lr") for seed in arm["seeds"]} - {None}
    return ", ".join(f"{float(r):g}" for r in sorted(chosen, key=float)) or "–"


def sign(counts):
    """`+`, `−` or `=` for each seed: better than LoRA, worse, not decided."""
    if counts is None:
        return ""
    better, worse, alike = counts
    return "+" * better + "−" * worse + "=" * alike


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    options = parser.parse_args()
    found = {task: results(options.folder, task) for task in TASKS}
    signs = {task: verdicts(options.folder, task) for task in TASKS}
    for group in GROUPS:
        print(f"\n### {group}\n")
        print(
            "| arm | VRMSE, PDE | | rate | trained | time "
            "| mIoU, membranes | | rate | trained | time |")
        print("|---|---:|---|---:|---:|---:|---:|---|---:|---:|---:|")
        names = list(dict.fromkeys(n for task in TASKS for n in arms(task, group)))
        for name in names:
            cells = []
            for task, (_, digits) in TASKS.items():
                arm = found[task].get(name)
                if arm is None:
                    cells += ["not run", "", "", "", ""]
                    continue
                time = arm["trainSeconds"] / found[task]["lora"]["trainSeconds"]
                cells += [
                    figure(arm["values"], digits), sign(signs[task].get(name)), rate(arm),
                    f"{arm['trainableParameters']:,}", f"{time:.1f}"]
            print(f"| `{name}` | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
