"""Tables of digits as CSV (a row's number in the data set, its label, its 64 pixels), and the parameters."""

import csv
from pathlib import Path

import numpy as np
import yaml

PIXELS = 64


def read_params(stage):
    """The parameters of one stage, from params.yaml."""
    with open("params.yaml", encoding="utf-8") as file:
        return yaml.safe_load(file)[stage]


def write_rows(path, rows, labels, pixels):
    """rows, labels: (n,) integers; pixels: (n, 64). Equal tables are equal bytes."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="ascii") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["row", "label", *(f"p{index:02d}" for index in range(PIXELS))])
        for row, label, values in zip(rows, labels, pixels, strict=True):
            writer.writerow([int(row), int(label), *values.tolist()])


def read_rows(path):
    """-> rows (n,) int64, labels (n,) int64, pixels (n, 64) float64, row-major."""
    table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    if table.shape[1] != PIXELS + 2:
        raise ValueError(f"{path} has {table.shape[1]} columns, expected {PIXELS + 2}")
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), np.ascontiguousarray(table[:, 2:])
