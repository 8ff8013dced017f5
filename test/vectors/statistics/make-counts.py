"""Makes counts.json: what scipy answers for exact tails of counts.

    python -m venv v && v/bin/pip install scipy==1.17.1 && v/bin/python make-counts.py > counts.json
"""
import json

import numpy as np
import scipy
from scipy import stats

binomial = [
    (0, 9, 0.0), (1, 9, 0.0), (9, 9, 1.0), (10, 9, 0.5), (2, 3, 0.5), (1, 100, 0.01), (12, 50, 0.05), (30, 1000, 0.01),
    (60, 1000, 0.02), (500, 1000, 0.5), (990, 1000, 0.9), (2100, 40_000, 0.05), (100, 100_000, 0.0005), (3, 1_000_000, 1e-7),
]
tables = [
    (4, 4, 0, 4), (3, 4, 1, 4), (0, 4, 4, 4), (0, 5, 0, 9), (7, 20, 3, 400), (1, 102, 90, 5000), (9, 102, 90, 5000),
    (500, 1000, 25_000, 50_000), (40, 300, 900, 20_000), (0, 1500, 30, 3000),
]
rows = [(20, 30), (20, 1000), (99, 1), (99, 40), (99, 100_000), (30, 0), (100, 5000)]
level = 0.01 / 8


def tails(found, of, other_found, other_of):
    known = stats.hypergeom(of + other_of, found + other_found, of)
    exact = stats.fisher_exact([[found, of - found], [other_found, other_of - other_found]], alternative="greater")
    assert np.isclose(known.sf(found - 1), exact.pvalue, rtol=1e-9, atol=0)
    return {"left": [found, of], "right": [other_found, other_of],
            "more": float(known.sf(found - 1)), "fewer": float(known.cdf(found))}


def all_first(count, known, fresh):
    """The chance that the farthest `count` of all are fresh ones: that all of so many drawn are."""
    return float(stats.hypergeom.pmf(count, known + fresh, fresh, count))


def exceedances(known, fresh):
    chances = [all_first(count, known, fresh) for count in range(fresh + 1)] if fresh <= 1000 else None
    if chances is None:  # they fall: halve
        low, high = 0, fresh
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if all_first(middle, known, fresh) < level else (middle, high)
        count = high
    else:
        count = next((at for at, chance in enumerate(chances) if chance < level), fresh + 1)
    chance = 0.0 if count > fresh else all_first(count, known, fresh)
    if 0 < count <= fresh <= 1000:
        other = stats.nhypergeom.sf(count - 1, known + fresh, fresh, 1)
        assert np.isclose(other, chance, rtol=1e-6, atol=1e-12), (other, chance)
    return {"known": known, "fresh": fresh, "level": level, "detectable": count, "chance": chance}


print(json.dumps({
    "origin": f"scipy {scipy.__version__}, numpy {np.__version__}; make-counts.py",
    "binomial": [[least, of, share, float(stats.binom.sf(least - 1, of, share))] for least, of, share in binomial],
    "tables": [tails(*table) for table in tables],
    "exceedances": [exceedances(*each) for each in rows],
}, separators=(",", ":")))
