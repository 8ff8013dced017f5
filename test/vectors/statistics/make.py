"""Makes reference.json: what scipy and Evidently answer for small samples.

    python -m venv v && v/bin/pip install scipy==1.17.1 evidently==0.7.23 "pandas<3" && v/bin/python make.py > reference.json

Samples are written out with the answers, so no generator has to agree with numpy's.
"""
import json
import warnings

import evidently
import numpy as np
import pandas as pd
import scipy
from evidently.legacy.calculations.stattests import psi_stat_test
from evidently.legacy.calculations.stattests.utils import get_binned_data
from evidently.legacy.core import ColumnType
from scipy import stats
from scipy.spatial.distance import jensenshannon

warnings.filterwarnings("ignore")
rng = np.random.default_rng(7)


def numbers(size, shift):
    return np.round(rng.normal(shift, 1, size), 6)


def pair(left, right):
    series = pd.Series(left), pd.Series(right)
    binned = get_binned_data(*series, ColumnType.Numerical, 30)
    answer = psi_stat_test.func(*series, ColumnType.Numerical, 0.1)
    psi = answer[0] if isinstance(answer, tuple) else answer.drift_score
    return {
        "left": left.tolist(), "right": right.tolist(),
        "ks": float(stats.ks_2samp(left, right).statistic),
        "shares": [np.asarray(share).tolist() for share in binned],
        "psi": float(psi),
        "jensenShannon": float(jensenshannon(*binned, base=2) ** 2),
        "mean": [float(np.mean(left)), float(np.mean(right))],
        "deviation": [float(np.std(left)), float(np.std(right))],
        "quantiles": np.quantile(left, [0.05, 0.25, 0.5, 0.75, 0.95], method="inverted_cdf").tolist(),
    }


label = rng.integers(0, 2, 200)
value = np.round(rng.normal(label * 0.7, 1), 6)
code = rng.integers(0, 2, 200) * label
proportion = [(0, 10, 1.96), (3, 50, 2.5758293035489004), (50, 50, 3.0), (17, 1000, 3.5)]


def wilson(count, total, z):
    confidence = 1 - 2 * stats.norm.sf(z)
    interval = stats.binomtest(count, total).proportion_ci(confidence, method="wilson")
    return [float(interval.low), float(interval.high)]


print(json.dumps({
    "origin": f"scipy {scipy.__version__}, evidently {evidently.__version__}, numpy {np.__version__}; make.py",
    "pairs": [
        pair(numbers(60, 0), numbers(60, 0)), pair(numbers(60, 0), numbers(40, 0.8)),
        pair(np.round(numbers(80, 0), 1), np.round(numbers(50, 0.3), 1)),
    ],
    "normal": [[p, float(stats.norm.ppf(p))] for p in (1e-300, 1e-12, 1e-5, 0.01, 0.3, 0.5, 0.8, 0.999, 1 - 1e-9)],
    "cdf": [[x, float(stats.norm.cdf(x))] for x in (-30, -8, -4.3, -4.2, -1, 0, 0.5, 3, 6)],
    "wilson": [{"count": c, "total": t, "z": z, "interval": wilson(c, t, z)} for c, t, z in proportion],
    "correlation": {
        "label": label.tolist(), "value": value.tolist(), "code": code.tolist(),
        "pointBiserial": float(stats.pointbiserialr(label, value).statistic),
        "phi": float(stats.pearsonr(label, code).statistic),
    },
    "nonCentral": [
        [df, nc, z, float(stats.ncx2.ppf(stats.norm.cdf(z), df, nc))]
        for df in (1, 10, 50) for nc in (1, 20, 500) for z in (-3.5, -2, 2, 3.5)
    ],
}, separators=(",", ":")))
