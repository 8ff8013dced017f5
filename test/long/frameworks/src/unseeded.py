from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier

rows, labels = load_breast_cancer(return_X_y=True)
out = Path("out/unseeded")
out.mkdir(parents=True)
np.save(out / "coef.npy", SGDClassifier(max_iter=5, tol=None).fit(rows, labels).coef_)
