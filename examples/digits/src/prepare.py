"""Stage `prepare`: pixels scaled to 0..1, rows split into training and validation, by a seeded shuffle."""

import numpy as np

from tables import read_params, read_rows, write_rows

params = read_params("prepare")
rows, labels, pixels = read_rows("data/raw/digits.csv")

order = np.random.default_rng(params["seed"]).permutation(len(rows))
count = round(len(rows) * params["validation_share"])
parts = {"validation": np.sort(order[:count]), "train": np.sort(order[count:])}
for name, part in parts.items():
    write_rows(f"data/prepared/{name}.csv", rows[part], labels[part], pixels[part] / 16)
    print(f"{name}: {len(part)} digits")
