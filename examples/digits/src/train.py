"""Stage `train`: multinomial logistic regression; weights as safetensors.

`saga` with a seed gives the same bytes whatever the number of BLAS threads and the CPU; `lbfgs` does not.
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sklearn.linear_model import LogisticRegression

from tables import read_params, read_rows

params = read_params("train")
_, labels, pixels = read_rows("data/prepared/train.csv")

model = LogisticRegression(
    solver="saga", C=params["c"], max_iter=params["max_iterations"], tol=1e-3, random_state=params["seed"]
)
model.fit(pixels, labels)

Path("models").mkdir(exist_ok=True)
# safetensors writes an array that is not C-ordered in the wrong order and says nothing: `coef_` is Fortran-ordered.
# More than one metadata key makes the bytes differ from run to run: there is one.
tensors = {
    "weights": np.ascontiguousarray(model.coef_, dtype=np.float64),
    "bias": np.ascontiguousarray(model.intercept_, dtype=np.float64),
    "classes": np.ascontiguousarray(model.classes_, dtype=np.int64),
}
save_file(tensors, "models/digits.safetensors", metadata={"format": "digits-logistic-v1"})
print(f"trained on {len(labels)} digits, {int(model.n_iter_[0])} passes, accuracy {model.score(pixels, labels):.4f}")
