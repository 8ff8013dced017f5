"""Estimators whose bytes follow the seed, the threads of BLAS or the order of workers, on the digits of scikit-learn."""
import json
import os
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier

seed = int(os.environ["ASSAY_SEED"])
pixels, labels = load_digits(n_class=4, return_X_y=True)
pixels = pixels / 16
models = {
    "lbfgs": LogisticRegression(max_iter=200),
    "ridge": RidgeClassifier(),
    "forest": RandomForestClassifier(n_estimators=20, n_jobs=2, random_state=seed),
    "boosting": HistGradientBoostingClassifier(max_iter=10),
    "mlp": MLPClassifier(hidden_layer_sizes=(16,), max_iter=20, tol=0.1, random_state=seed),
}
out = Path("out/sklearn")
out.mkdir(parents=True)
found = {"pca": PCA(8).fit(pixels).components_}
for name, model in models.items():
    found[name] = model.fit(pixels, labels).predict_proba(pixels) if name != "ridge" else model.fit(pixels, labels).coef_
save_file({name: np.ascontiguousarray(values) for name, values in found.items()}, out / "models.safetensors")
(out / "metrics.json").write_text(json.dumps({name: model.score(pixels, labels) for name, model in models.items()}))
