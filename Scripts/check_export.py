#!/usr/bin/env python3
"""Open what `attune export` wrote in the program that it was written for, and compare outputs.

    attune export RUN -o exported --format timm --io io.safetensors
    python3 Scripts/check_export.py exported io.safetensors

The format is told from the folder: adapter_config.json is PEFT's, config.json timm's or transformers'.
A PEFT adapter needs the model that it was trained on besides:

    python3 Scripts/check_export.py adapter io.safetensors --base BASE

where BASE is a folder that timm or transformers opens (`model.safetensors` and `config.json`).

Needs Python with torch and safetensors, and timm, transformers or peft as the folder asks. Nothing is
downloaded. Exit status 0 where all outputs agree within --tolerance, else 1.
"""

import argparse
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"


def read_json(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def open_timm(folder):
    import timm

    model = timm.create_model("local-dir:" + os.path.abspath(folder), pretrained=True)
    return f"timm {timm.__version__}", model.eval(), lambda output: output


def open_transformers(folder):
    import transformers

    model, report = transformers.AutoModelForImageClassification.from_pretrained(
        folder, output_loading_info=True
    )
    # DINOv2 has a token for masked patches, which classification never uses.
    missing = [key for key in report["missing_keys"] if not key.endswith(".mask_token")]
    problems = missing + list(report["unexpected_keys"]) + list(report["mismatched_keys"])
    if problems:
        sys.exit(f"{folder}: keys that transformers misses or does not know: {problems}")
    return f"transformers {transformers.__version__}", model.eval(), lambda output: output.logits


def open_model(folder):
    configuration = read_json(folder, "config.json")
    if configuration is None:
        sys.exit(f"{folder}: no config.json, so no program to open it in")
    return open_timm(folder) if "architecture" in configuration else open_transformers(folder)


def open_peft(folder, base):
    import peft
    from safetensors.torch import load_file

    if base is None:
        sys.exit(f"{folder}: a PEFT adapter needs --base, the model that it was trained on")
    name, model, logits = open_model(base)
    model = peft.PeftModel.from_pretrained(model, folder).eval()
    state = peft.get_peft_model_state_dict(model)
    stored = load_file(os.path.join(folder, "adapter_model.safetensors"))
    unread = [key for key, value in stored.items() if key not in state or not state[key].equal(value)]
    if unread:
        sys.exit(f"{folder}: tensors that PEFT did not take: {unread}")
    return f"peft {peft.__version__} on {name}", model, logits


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="what attune export wrote")
    parser.add_argument("io", help="the file of --io")
    parser.add_argument("--base", help="model of a PEFT adapter")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="largest difference (1e-4)")
    arguments = parser.parse_args()

    import torch
    from safetensors.torch import load_file

    sample = load_file(arguments.io)
    if read_json(arguments.folder, "adapter_config.json") is not None:
        program, model, logits = open_peft(arguments.folder, arguments.base)
    else:
        program, model, logits = open_model(arguments.folder)
    with torch.no_grad():
        output = logits(model(sample["input"]))
    expected = sample["output"]
    if output.shape != expected.shape:
        sys.exit(f"{program}: output {list(output.shape)}, ours is {list(expected.shape)}")
    difference = (output - expected).abs().max().item()
    largest = expected.abs().max().item()
    agrees = difference <= arguments.tolerance
    print(
        f"{program}: largest difference {difference:.2e} of outputs up to {largest:.3g}: "
        + ("agrees" if agrees else f"more than {arguments.tolerance:g}")
    )
    sys.exit(0 if agrees else 1)


if __name__ == "__main__":
    main()
