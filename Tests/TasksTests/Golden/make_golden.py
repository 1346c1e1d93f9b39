"""Writes metrics.json: inputs with the figures that reference libraries give for them.

    python make_golden.py metrics.json

Needs numpy, scipy, scikit-learn, scikit-image, torch, torchmetrics and medpy; their versions are
stored. Inputs are drawn with a fixed seed and stored as values, rounded so that decimals say them
exactly. Where a library's definition is not ours, the comment at the call says which cases agree.
"""

import json
import sys
import warnings
from importlib.metadata import version

import numpy as np
import torch
import torchmetrics.functional as tm
import torchmetrics.functional.classification as tmc
from medpy.metric.binary import hd95
from scipy import ndimage, stats
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn import metrics as sk
from sklearn.preprocessing import label_binarize

SEED = 20140525
warnings.filterwarnings("ignore")


def plain(value):
    """JSON has no NaN: None stands for it."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == 0:
        return None if np.isnan(array) else float(array)
    return [plain(item) for item in array]


def probabilities(rng, samples, classes):
    """Rows that add up to about 1, in steps of 0.001 so that some scores are equal."""
    raw = rng.gamma(0.6, size=(samples, classes)) + 0.01
    return np.round(raw / raw.sum(axis=1, keepdims=True), 3)


def decisions(truth, prediction, classes):
    """Figures of hard decisions. scikit-learn takes the classes that are true or predicted, as we do
    in macro means; per class its zero for a class that is neither is stored as no number."""
    seen = sorted(set(truth) | set(prediction))
    figures = {
        "OA": sk.accuracy_score(truth, prediction),
        "AA": sk.balanced_accuracy_score(truth, prediction),
        "Kappa": sk.cohen_kappa_score(truth, prediction),
        "mIoU": sk.jaccard_score(truth, prediction, labels=seen, average="macro"),
        "IoU": sk.jaccard_score(truth, prediction, labels=range(classes), average=None),
    }
    for average in ("micro", "macro"):
        p, r, f, _ = sk.precision_recall_fscore_support(
            truth, prediction, labels=seen, average=average, zero_division=0)
        figures |= {f"Precision_{average.title()}": p, f"Recall_{average.title()}": r,
                    f"F1_{average.title()}": f}
    p, r, f, _ = sk.precision_recall_fscore_support(
        truth, prediction, labels=range(classes), average=None, zero_division=0)
    figures |= {"Precision": p, "Recall": r, "F1": f}
    for name in ("IoU", "Precision", "Recall", "F1"):
        figures[name] = [v if c in seen else np.nan for c, v in enumerate(figures[name])]
    return {name: plain(value) for name, value in figures.items()}


def multiclass(rng, samples, classes, drawn, blocked=()):
    truth = rng.choice(drawn, size=samples)
    scores = probabilities(rng, samples, classes)
    scores[np.arange(samples), truth] += 0.25
    scores[:, list(blocked)] = 0
    scores = np.round(scores / scores.sum(axis=1, keepdims=True), 3)
    scores32 = scores.astype(np.float32)
    prediction = scores32.argmax(axis=1)
    hot = label_binarize(truth, classes=range(classes))
    if classes == 2:
        hot = np.hstack([1 - hot, hot])
    both = [c for c in range(classes) if 0 < hot[:, c].sum() < samples]
    positive = [c for c in range(classes) if hot[:, c].sum() > 0]
    t, p = torch.tensor(truth), torch.tensor(scores32)
    common = dict(num_classes=classes)
    area = {c: sk.roc_auc_score(hot[:, c], scores32[:, c]) for c in both}
    precision = {c: sk.average_precision_score(hot[:, c], scores32[:, c]) for c in positive}
    result = decisions(truth, prediction, classes)
    result |= {
        "AUROC": [plain(area.get(c, np.nan)) for c in range(classes)],
        "AUROC_Macro": plain(area[1] if classes == 2 else np.mean(list(area.values()))),
        "AP": [plain(precision.get(c, np.nan)) for c in range(classes)],
        "mAP_Macro": plain(np.mean(list(precision.values()))),
        "mAP_Micro": plain(sk.average_precision_score(hot, scores32, average="micro")),
        "Brier": plain(np.mean(np.sum((scores32.astype(np.float64) - hot) ** 2, axis=1))),
        "ECE": plain(tmc.multiclass_calibration_error(p, t, n_bins=15, norm="l1", **common)),
    }
    # torchmetrics leaves out of macro means what is neither true nor predicted, as we do.
    torch_results = {
        "Accuracy_Macro": tmc.multiclass_accuracy(p, t, average="macro", **common),
        "F1_Macro": tmc.multiclass_f1_score(p, t, average="macro", **common),
        "Precision_Macro": tmc.multiclass_precision(p, t, average="macro", **common),
        "Recall_Macro": tmc.multiclass_recall(p, t, average="macro", **common),
        "mIoU": tmc.multiclass_jaccard_index(p, t, average="macro", **common),
        "Kappa": tmc.multiclass_cohen_kappa(p, t, **common),
        "mAP_Macro": tmc.multiclass_average_precision(p, t, average="macro", **common),
    }
    if set(drawn) == set(range(classes)) and classes > 2:
        # Without positives torchmetrics counts an area of 0, which we leave out.
        torch_results["AUROC_Macro"] = tmc.multiclass_auroc(p, t, average="macro", **common)
    return {
        "classes": classes, "truth": truth.tolist(), "probabilities": scores.tolist(),
        "expected": result, "torchmetrics": {k: plain(v) for k, v in torch_results.items()},
    }


def multilabel(rng, samples, labels):
    truth = rng.random((samples, labels)) < rng.uniform(0.1, 0.6, size=labels)
    scores = np.round(np.clip(0.3 * truth + rng.random((samples, labels)) * 0.7, 0, 1), 2)
    scores32 = scores.astype(np.float32)
    prediction = scores32 > 0.5
    expected = {}
    for average in ("micro", "macro"):
        p, r, f, _ = sk.precision_recall_fscore_support(
            truth, prediction, average=average, zero_division=0)
        title = average.title()
        expected |= {f"Precision_{title}": p, f"Recall_{title}": r, f"F1_{title}": f,
                     f"mAP_{title}": sk.average_precision_score(truth, scores32, average=average)}
    expected |= {
        "mIoU": sk.jaccard_score(truth, prediction, average="macro"),
        "F1": sk.f1_score(truth, prediction, average=None),
        "AUROC_Macro": sk.roc_auc_score(truth, scores32, average="macro"),
        "AP": sk.average_precision_score(truth, scores32, average=None),
        "Brier": np.mean((scores32.astype(np.float64) - truth) ** 2),
    }
    t, p = torch.tensor(truth.astype(int)), torch.tensor(scores32)
    torch_results = {
        "F1_Macro": tmc.multilabel_f1_score(p, t, num_labels=labels, average="macro"),
        "F1_Micro": tmc.multilabel_f1_score(p, t, num_labels=labels, average="micro"),
        "mAP_Macro": tmc.multilabel_average_precision(p, t, num_labels=labels, average="macro"),
        "AUROC_Macro": tmc.multilabel_auroc(p, t, num_labels=labels, average="macro"),
    }
    return {
        "truth": truth.astype(int).tolist(), "probabilities": scores.tolist(),
        "expected": {k: plain(v) for k, v in expected.items()},
        "torchmetrics": {k: plain(v) for k, v in torch_results.items()},
    }


def class_map(rng, height, width, classes, sigma):
    noise = np.stack([ndimage.gaussian_filter(rng.standard_normal((height, width)), sigma)
                      for _ in range(classes)])
    shift = 0.5 * np.stack([ndimage.gaussian_filter(rng.standard_normal((height, width)), sigma / 2)
                            for _ in range(classes)])
    return noise.argmax(axis=0), (noise + shift).argmax(axis=0)


def inner_edge(mask, iterations):
    """Mask without its erosion by a square, zeros outside (as Cheng's code, which pads with them)."""
    return mask & ~ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=iterations)


def maps(rng):
    classes, ignored = 4, 9
    sizes = [(60, 50, 6), (24, 31, 3), (17, 40, 2), (9, 9, 1)]
    items, distances, left_out = [], [[] for _ in range(classes)], 0
    inter, union = np.zeros(classes), np.zeros(classes)
    flat_truth, flat_prediction = [], []
    for number, (height, width, sigma) in enumerate(sizes):
        truth, prediction = class_map(rng, height, width, classes, sigma)
        if number == 1:
            truth[truth == 3] = 0
        if number == 2:
            truth[truth == 2] = 1
            prediction[prediction == 2] = 1
        truth[rng.integers(height, size=4), rng.integers(width, size=4)] = ignored
        truth[: height // 6, : width // 4] = ignored
        counts = truth != ignored
        iterations = max(1, round(0.02 * np.hypot(height, width)))
        for c in range(classes):
            p, t = (prediction == c) & counts, (truth == c) & counts
            if p.any() and t.any():
                distances[c].append(hd95(p, t))
            elif p.any() or t.any():
                left_out += 1
            else:
                distances[c].append(0.0)
            p, t = inner_edge(p, iterations), inner_edge(t, iterations)
            inter[c] += (p & t).sum()
            union[c] += (p | t).sum()
        flat_truth += truth.ravel().tolist()
        flat_prediction += prediction.ravel().tolist()
        items.append({
            "height": height, "width": width,
            "truth": "".join(map(str, truth.ravel())),
            "prediction": "".join(map(str, prediction.ravel())),
        })
    t, p = torch.tensor(flat_truth), torch.tensor(flat_prediction)
    per_class = [np.mean(d) if d else np.nan for d in distances]
    return {
        "classes": classes, "ignored": ignored, "maps": items,
        "expected": {
            "HD95_class": plain(per_class), "HD95": plain(np.nanmean(per_class)),
            "HD95_left_out": left_out, "BoundaryIoU_class": plain(inter / union),
            "BoundaryIoU": plain(np.mean(inter / union)),
            "mIoU": plain(tmc.multiclass_jaccard_index(
                p, t, num_classes=classes, ignore_index=ignored)),
            "IoU_class": plain(tmc.multiclass_jaccard_index(
                p, t, num_classes=classes, ignore_index=ignored, average="none")),
            "mDice": plain(tmc.multiclass_f1_score(
                p, t, num_classes=classes, ignore_index=ignored, average="macro")),
        },
    }


def regression(rng):
    truth = np.round(rng.normal(250, 30, size=64), 2)
    prediction = np.round(truth + rng.normal(2, 12, size=64), 2)
    t, p = truth.astype(np.float32).astype(float), prediction.astype(np.float32).astype(float)
    return {
        "truth": truth.tolist(), "prediction": prediction.tolist(),
        "expected": {
            "R2": sk.r2_score(t, p), "MSE": sk.mean_squared_error(t, p),
            "RMSE": sk.root_mean_squared_error(t, p), "MAE": sk.mean_absolute_error(t, p),
            "MaxError": sk.max_error(t, p), "Bias": float(np.mean(p - t)),
        },
    }


def valid_similarity(p, y):
    """torchmetrics averages over the image padded by reflection; we over windows within it."""
    _, full = tm.structural_similarity_index_measure(
        torch.tensor(p)[None], torch.tensor(y)[None], data_range=1.0, return_full_image=True)
    return float(full[..., 5:-5, 5:-5].mean())


def images(rng):
    """Channels first. scikit-image's luma is MATLAB's, 16…235; divided by 255 here."""
    items, border = [], 3
    for height, width in ((22, 19), (18, 26)):
        clean = np.stack([ndimage.gaussian_filter(rng.random((height, width)), 1.5)
                          for _ in range(3)])
        clean = (clean - clean.min()) / (clean.max() - clean.min())
        clean = np.round(clean, 3)
        noisy = np.round(np.clip(clean + rng.normal(0, 0.08, clean.shape), 0, 1), 3)
        c, n = clean.astype(np.float32).astype(float), noisy.astype(np.float32).astype(float)
        luma = [rgb2ycbcr(np.moveaxis(x, 0, -1))[..., 0] / 255 for x in (c, n)]
        inside = (slice(border, -border), slice(border, -border))
        options = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1)
        cropped = [x[inside] for x in luma]
        items.append({
            "height": height, "width": width, "clean": clean.ravel().tolist(),
            "noisy": noisy.ravel().tolist(),
            "expected": {
                "PSNR": peak_signal_noise_ratio(c, n, data_range=1),
                "SSIM": structural_similarity(c, n, channel_axis=0, **options),
                "SSIM_torchmetrics": valid_similarity(n, c),
                "PSNR_y_cropped": peak_signal_noise_ratio(*cropped, data_range=1),
                "SSIM_y_cropped": structural_similarity(*cropped, **options),
            },
        })
    return {"border": border, "images": items}


def paired(rng):
    cases = []
    for count in (5, 11):
        differences = np.round(rng.normal(0.4, 1, size=count), 2)
        test = stats.permutation_test(
            (differences, np.zeros(count)), lambda x, y, axis: np.mean(x - y, axis=axis),
            permutation_type="samples", n_resamples=np.inf, vectorized=True)
        cases.append({"differences": differences.tolist(), "p": float(test.pvalue)})
    disagreements = [(3, 9), (0, 5), (40, 61), (7, 7), (1, 0)]
    return {
        "sign_flip": cases,
        "mcnemar": [{"first": a, "second": b, "p": stats.binomtest(a, a + b, 0.5).pvalue}
                    for a, b in disagreements],
    }


def main():
    rng = np.random.default_rng(SEED)
    libraries = ["numpy", "scipy", "scikit-learn", "scikit-image", "torch", "torchmetrics", "medpy"]
    golden = {
        "seed": SEED,
        "libraries": {name: version(name) for name in libraries},
        "multiclass": [
            multiclass(rng, 80, 4, [0, 1, 2, 3]),
            # Class 3 is predicted only, class 4 neither true nor predicted.
            multiclass(rng, 50, 5, [0, 1, 2], blocked=[4]),
            multiclass(rng, 60, 2, [0, 1]),
        ],
        "multilabel": multilabel(rng, 60, 5),
        "maps": maps(rng),
        "regression": regression(rng),
        "images": images(rng),
        "paired": paired(rng),
    }
    with open(sys.argv[1], "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
