"""Stage `evaluate`: the model's answers on the holdout: metrics, confusion matrix, plot."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from safetensors.numpy import load_file

from tables import read_rows


def predict(model, pixels):
    """pixels: (n, 64), 0 to 1 -> labels (n,)."""
    scores = pixels @ model["weights"].T + model["bias"]
    return model["classes"][scores.argmax(axis=1)]


def confusion_of(classes, actual, predicted):
    """-> (k, k) counts; row = actual class, column = predicted class."""
    matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(matrix, (np.searchsorted(classes, actual), np.searchsorted(classes, predicted)), 1)
    return matrix


def plot(classes, matrix, path):
    figure, axes = plt.subplots(figsize=(5, 5))
    axes.imshow(matrix, cmap="Blues")
    axes.set(xlabel="predicted", ylabel="actual", xticks=range(len(classes)), yticks=range(len(classes)))
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            axes.text(column, row, count, ha="center", va="center", color="white" if row == column else "black")
    figure.tight_layout()
    figure.savefig(path, dpi=100, metadata={"Software": None})


model = load_file("models/digits.safetensors")
trained_on, _, _ = read_rows("data/prepared/train.csv")
_, validation_labels, validation_pixels = read_rows("data/prepared/validation.csv")
rows, labels, pixels = read_rows("data/holdout.csv")
leaked = np.intersect1d(trained_on, rows)
if len(leaked):
    raise SystemExit(f"{len(leaked)} rows of the holdout were trained on, the first is row {leaked[0]}")

predicted = predict(model, pixels / 16)
matrix = confusion_of(model["classes"], labels, predicted)
recall = np.diag(matrix) / matrix.sum(axis=1)
metrics = {
    "accuracy": round(float((predicted == labels).mean()), 6),
    "validation_accuracy": round(float((predict(model, validation_pixels) == validation_labels).mean()), 6),
    "worst_class_recall": round(float(recall.min()), 6),
    "rows": len(rows),
}

Path("reports").mkdir(exist_ok=True)
Path("metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="ascii")
confusion = {"classes": model["classes"].tolist(), "rows_are": "actual", "matrix": matrix.tolist()}
Path("reports/confusion.json").write_text(json.dumps(confusion) + "\n", encoding="ascii")
plot(model["classes"], matrix, "reports/confusion.png")
print(f"accuracy {metrics['accuracy']} on {len(rows)} held out digits")
