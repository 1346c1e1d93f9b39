#!/usr/bin/env python3
"""Read a run's event file with TensorBoard itself and compare it with the run's own logs.

    python3 Scripts/check_tensorboard.py RUN…

Every step of steps.jsonl must be there once, with its loss, rate and gradient norm, and every
evaluation of metrics.jsonl with all of its metrics, in single precision. Needs Python with tensorboard
and numpy. Exit status 0 where all agree, else 1.
"""

import argparse
import glob
import json
import os
import sys


def read_lines(run, name):
    path = os.path.join(run, name)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def expected(run):
    """Tag to the list of (step, value) that the run's logs hold."""
    scalars = {}
    for event in read_lines(run, "steps.jsonl")[1:]:
        for key, tag in (("loss", "train/loss"), ("lr", "train/lr"), ("grad_norm", "train/grad_norm")):
            scalars.setdefault(tag, []).append((event["step"], event[key]))
    for event in read_lines(run, "metrics.jsonl"):
        for tag, value in event["metrics"].items():
            if tag != "train/loss":
                scalars.setdefault(tag, []).append((event["step"], value))
    return scalars


def problems(run):
    import numpy
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = os.path.join(run, "tb")
    files = glob.glob(os.path.join(folder, "events.out.tfevents.*"))
    if len(files) != 1:
        return [f"expected one event file in {folder}, found {len(files)}"]
    accumulator = EventAccumulator(folder, size_guidance={"scalars": 0})
    accumulator.Reload()
    found = []
    wanted = expected(run)
    tags = accumulator.Tags()["scalars"]
    if sorted(tags) != sorted(wanted):
        found.append(f"expected tags {sorted(wanted)}, found {sorted(tags)}")
    for tag in sorted(set(tags) & set(wanted)):
        events = accumulator.Scalars(tag)
        if [event.step for event in events] != [step for step, _ in wanted[tag]]:
            found.append(f"{tag}: expected {len(wanted[tag])} steps, found {len(events)} or others")
            continue
        times = [event.wall_time for event in events]
        if times != sorted(times):
            found.append(f"{tag}: times go back")
        for event, (step, value) in zip(events, wanted[tag]):
            if numpy.float32(event.value) != numpy.float32(float(value)):
                found.append(f"{tag}, step {step}: expected {value}, found {event.value}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", help="run directories")
    failed = 0
    for run in parser.parse_args().runs:
        found = problems(run)
        failed += bool(found)
        scalars = sum(len(values) for values in expected(run).values())
        print(f"{run}: " + ("; ".join(found) or f"{scalars} scalars agree"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
