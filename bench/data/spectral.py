"""Per-class spectral signatures (Tran, Li and Madry 2018) on grey fields: how many planted images they put on top.

    python -m venv v && v/bin/pip install scikit-learn==1.9.1 && v/bin/python bench/data/spectral.py

Digits of scikit-learn, 8 x 8 levels. Into one class come images with a white corner, of other classes (`patch`) or its own
(`clean`), or unaltered ones of other classes (`flip`). As in the paper, the 1.5 k images of the largest score are taken out,
where k, how many were planted, is known. 50 seeds each.
"""
import numpy as np
from sklearn.datasets import load_digits

X, y = load_digits(return_X_y=True)
X = X / 16


def score(images):
    centred = images - images.mean(0)
    return (centred @ np.linalg.svd(centred, full_matrices=False)[2][0]) ** 2


def run(share, kind, kept, seed):
    rng = np.random.default_rng(seed)
    target = int(rng.integers(10))
    own = rng.permutation(np.flatnonzero(y == target))[:kept]
    k = max(1, round(share * len(own) / (1 - share)))
    if kind == "clean":
        planted, own = X[own[:k]].copy(), own[k:]
    else:
        planted = X[rng.choice(np.flatnonzero(y != target), k, replace=False)].copy()
    if kind != "flip":
        planted.reshape(-1, 8, 8)[:, 6:, 6:] = 1
    is_planted = np.r_[np.zeros(len(own)), np.ones(k)] > 0
    top = np.argsort(-score(np.vstack([X[own], planted])))[: max(1, round(1.5 * k))]
    return is_planted[top].sum() / k, is_planted[top].mean()


for kind in ("patch", "clean", "flip"):
    for kept in (170, 40):
        for share in (0.01, 0.05, 0.1, 0.3):
            recall, precision = np.mean([run(share, kind, kept, seed) for seed in range(50)], axis=0)
            print(f"{kind} {kept} images, {share:.0%}: recall {recall:.2f}, precision {precision:.2f}")
