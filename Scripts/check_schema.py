"""Validates every shipped recipe against the JSON Schema of `attune list fields --schema`.

Usage: python3 Scripts/check_schema.py ATTUNE [RECIPE...]
Needs jsonschema and PyYAML. A recipe with `base` is checked as it is and merged with its bases
(`attune copy`). Broken copies of each recipe must fail, so that a schema that lets everything pass
does not.
"""

import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """YAML 1.2's numbers: 1e-4 is one."""


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"),
    list("-+0123456789."))


def text_keys(value):
    """JSON's keys are texts."""
    if isinstance(value, dict):
        return {str(key): text_keys(item) for key, item in value.items()}
    return [text_keys(item) for item in value] if isinstance(value, list) else value


def load(text):
    return text_keys(yaml.load(text, Loader))


def broken(recipe):
    """Copies with one thing wrong: an unknown key in each section, an unknown name, a wrong type."""
    for section in [None, "model", "data", "train", "eval"]:
        part = copy.deepcopy(recipe)
        if section is not None and section not in part:
            continue
        (part if section is None else part[section])["no_such_field"] = 1
        yield f"unknown key in {section or 'the recipe'}", part
    part = copy.deepcopy(recipe)
    part["train"]["optimizer"] = {"name": "no-such-optimizer", "lr": 1e-3}
    yield "unknown optimizer", part
    part = copy.deepcopy(recipe)
    part["train"]["optimizer"] = {"name": "adamw"}
    yield "adamw without lr", part
    part = copy.deepcopy(recipe)
    part["train"]["optimizer"] = {"name": "adamw", "lr": 1e-3, "step_size": 3}
    yield "an option of another component", part
    part = copy.deepcopy(recipe)
    part["train"]["epochs"] = "many"
    yield "text for a number", part
    part = copy.deepcopy(recipe)
    part["adapter"] = {"method": "lora", "r": 0}
    yield "a rank of 0", part
    part = copy.deepcopy(recipe)
    del part["model"]
    yield "no model", part


def main():
    attune = sys.argv[1]
    schema = json.loads(subprocess.run(
        [attune, "list", "fields", "--schema"], check=True, capture_output=True, text=True).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    root = pathlib.Path(__file__).resolve().parent.parent
    environment = os.environ | {"ATTUNE_RECIPES": str(root / "recipes")}
    paths = [pathlib.Path(name) for name in sys.argv[2:]] or sorted(root.glob("recipes/**/*.yaml"))
    failures, refused = 0, 0
    for path in paths:
        recipe = load(path.read_text())
        whole = recipe
        if "base" in recipe:
            with tempfile.TemporaryDirectory() as folder:
                target = pathlib.Path(folder) / "merged.yaml"
                subprocess.run(
                    [attune, "copy", str(path.relative_to(root / "recipes").with_suffix("")),
                     str(target)], check=True, capture_output=True, env=environment)
                whole = load(target.read_text())
        partial = not {"version", "name", "data"} <= whole.keys() or "optimizer" not in whole["train"]
        for label, value in [("", recipe), (" (merged)", whole)]:
            if partial and "base" not in value:
                print(f"{path}{label}: a base for others, not a recipe")
                continue
            errors = list(validator.iter_errors(value))
            for error in errors:
                best = jsonschema.exceptions.best_match([error])
                print(f"{path}{label}: {best.json_path}: {best.message}"[:400])
            failures += bool(errors)
        if partial:
            continue
        for label, value in broken(whole):
            if validator.is_valid(value):
                print(f"{path}: passes with {label}")
                failures += 1
            refused += 1
    print(f"{len(paths)} recipes, {refused} broken copies, {failures} failures")
    sys.exit(1 if failures else 0)


main()
