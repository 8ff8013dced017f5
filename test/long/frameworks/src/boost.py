"""LightGBM with two threads and sampled rows."""
import os
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.datasets import load_breast_cancer

rows, labels = load_breast_cancer(return_X_y=True)
settings = {
    "objective": "binary",
    "seed": int(os.environ["ASSAY_SEED"]),
    "num_threads": 2,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.8,
    "verbose": -1,
}
model = lightgbm.train(settings, lightgbm.Dataset(rows, labels), num_boost_round=20)
out = Path("out/lightgbm")
out.mkdir(parents=True)
model.save_model(out / "model.txt")
np.save(out / "predicted.npy", model.predict(rows))
