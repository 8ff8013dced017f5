"""Stage `export`: the handwritten digits of the UCI repository, from scikit-learn's copy, without the holdout."""

import numpy as np
from sklearn.datasets import load_digits

from tables import read_params, write_rows

params = read_params("export")
digits = load_digits()
rows = np.arange(len(digits.target))
trainable = rows % params["holdout_every"] != 0

pixels = digits.data.astype(np.int64)  # 0 to 16: dark dots in a 4 x 4 block of the scan
write_rows("data/raw/digits.csv", rows[trainable], digits.target[trainable], pixels[trainable])
print(f"exported {trainable.sum()} of {len(rows)} digits, {len(rows) - trainable.sum()} are the holdout")
