"""Tables of the tournament as Markdown: arms by group, both tasks, from the reports' numbers.

  python studies/tournament.py outputs/tournament

Reads pde.json and membranes.json (`attune report --json`) of the folder. The verdict beside an arm
counts seeds whose paired 95 % interval against LoRA, as the report gives it, excludes 0.
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
        values = {
            seed["seed"]: value["mean"] for seed in arm["seeds"] for value in seed["values"]
            if value["metric"] == TASKS[task][0]}
        found[arm["name"].removeprefix(f"{task}-")] = arm | {"values": values}
    return found


def verdicts(folder, task):
    """By arm: seeds in which it is better and worse than LoRA by the report's paired interval."""
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
            better, worse = found.setdefault(other, [0, 0])
            if f"{lora} is better" in cells[5]:
                worse += 1
            elif "is better" in cells[5]:
                better += 1
            found[other] = [better, worse]
    return found


def spread(values, digits):
    numbers = list(values.values())
    text = f"{np.mean(numbers):.{digits}f}"
    if len(numbers) > 1:
        text += f" ± {np.std(numbers, ddof=1):.{digits}f}"
    return text + ("" if len(numbers) == 3 else f" ({len(numbers)} of 3)")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    options = parser.parse_args()
    found = {task: results(options.folder, task) for task in TASKS}
    signs = {task: verdicts(options.folder, task) for task in TASKS}
    for group in GROUPS:
        print(f"\n### {group}\n")
        print("| arm | VRMSE, PDE | seeds | trained | time | mIoU, membranes | seeds | trained | time |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
        names = list(dict.fromkeys(n for task in TASKS for n in arms(task, group)))
        for name in names:
            cells = []
            for task, (_, digits) in TASKS.items():
                arm = found[task].get(name)
                if arm is None:
                    cells += ["–"] * 4
                    continue
                better, worse = signs[task].get(name, (None, None))
                sign = "" if better is None else f"{better}+ {worse}−"
                time = arm["trainSeconds"] / found[task]["lora"]["trainSeconds"]
                cells += [
                    spread(arm["values"], digits), sign, f"{arm['trainableParameters']:,}",
                    f"{time:.1f}"]
            print(f"| `{name}` | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
