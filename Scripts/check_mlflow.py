#!/usr/bin/env python3
"""Read a file store that `tracking.mlflow` wrote with MLflow itself and compare it with the runs' logs.

    python3 Scripts/check_mlflow.py STORE

Every run of the store must be listed with its state, its parameters, and with all values of its metrics
at their steps. Needs Python with mlflow (mlflow-skinny is enough). Exit status 0 where all agree, else 1.
"""

import argparse
import json
import math
import os
import sys

# Newer versions ask before they open a store of files.
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"

STATES = {"running": "RUNNING", "finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}


def read_lines(run, name):
    path = os.path.join(run, name)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def read_json(run, name):
    with open(os.path.join(run, name), encoding="utf-8") as file:
        return json.load(file)


def expected(run, state):
    """Metric name to the list of (step, value) that the run's logs hold."""
    metrics = {}
    for event in read_lines(run, "steps.jsonl")[1:]:
        for key, name in (("loss", "train/loss"), ("lr", "train/lr"), ("grad_norm", "train/grad_norm")):
            metrics.setdefault(name, []).append((event["step"], float(event[key])))
    for event in read_lines(run, "metrics.jsonl"):
        for name, value in event["metrics"].items():
            if name != "train/loss":
                metrics.setdefault(name, []).append((event["step"], float(value)))
    if state == "finished":
        for evaluation in read_json(run, "record.json")["evaluations"]:
            classes = set(evaluation.get("classNames") or [])
            for metric in evaluation["metrics"]:
                if not any(metric["name"].endswith("_" + name) for name in classes):
                    name = f"{evaluation['split']}/{metric['name']}"
                    metrics.setdefault(name, []).append((evaluation["step"], float(metric["value"])))
    return metrics


def same(one, other):
    return one == other or (math.isnan(one) and math.isnan(other))


def problems(client, run):
    folder = run.data.tags["attune.directory"]
    state = read_json(folder, "status.json")["state"]
    found = []
    if run.info.status != STATES[state]:
        found.append(f"expected state {STATES[state]}, found {run.info.status}")
    for field in ("task", "train.optimizer.name", "data.format"):
        if not any(key == field or key.startswith(field + ".") for key in run.data.params):
            found.append(f"no parameter {field}")
    wanted = expected(folder, state)
    if sorted(run.data.metrics) != sorted(wanted):
        found.append(f"expected metrics {sorted(wanted)}, found {sorted(run.data.metrics)}")
    count = 0
    for name in sorted(set(wanted) & set(run.data.metrics)):
        history = client.get_metric_history(run.info.run_id, name)
        values = sorted((metric.step, metric.value) for metric in history)
        count += len(values)
        if len(values) != len(wanted[name]) or not all(
            a[0] == b[0] and same(a[1], b[1]) for a, b in zip(values, sorted(wanted[name]))
        ):
            found.append(f"{name}: expected {wanted[name][:3]}…, found {values[:3]}…")
    return found, count


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("store", help="folder mlruns")
    store = os.path.abspath(parser.parse_args().store)
    import mlflow

    client = mlflow.MlflowClient(tracking_uri="file://" + store)
    experiments = client.search_experiments()
    runs = client.search_runs([experiment.experiment_id for experiment in experiments])
    failed = 0
    for run in runs:
        found, count = problems(client, run)
        failed += bool(found)
        print(f"{run.info.run_name}: " + ("; ".join(found) or f"{count} values agree"))
    print(f"MLflow {mlflow.__version__}: {len(runs)} runs in {len(experiments)} experiments")
    sys.exit(1 if failed or not runs else 0)


if __name__ == "__main__":
    main()
