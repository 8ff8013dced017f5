"""The rules of validate.ts in pandera on polars, lazily, all failures collected. Violations are the answer: exit 0."""
import sys
from datetime import date, datetime

import pandera.polars as pa
import polars as pl

schema = pa.DataFrameSchema(
    {
        "id": pa.Column(pl.Int64, pa.Check.ge(0), unique=True),
        "age": pa.Column(pl.Int32, pa.Check.in_range(18, 98)),
        "income": pa.Column(pl.Float64, pa.Check.in_range(0, 100000)),
        "score": pa.Column(pl.Float64, pa.Check.in_range(0, 1), nullable=True),
        "colour": pa.Column(pl.String, [pa.Check.isin(["red", "green", "blue", "black", "white"]), pa.Check.str_length(max_value=10)]),
        "email": pa.Column(pl.String, [pa.Check.str_matches(r"^user[0-9]+@example\.org$"), pa.Check.str_length(max_value=40)]),
        "active": pa.Column(pl.Boolean),
        "day": pa.Column(pl.Date, pa.Check.in_range(date(2020, 1, 1), date(2030, 1, 1))),
        "seen": pa.Column(pl.Datetime("us"), pa.Check.le(datetime(2030, 1, 1))),
        "city": pa.Column(pl.Int64, pa.Check.in_range(0, 1000)),
    }
)
frame = pl.read_parquet(sys.argv[1])
try:
    schema.validate(frame, lazy=True)
    print("passed")
except pa.errors.SchemaErrors as errors:
    print(len(errors.schema_errors), "rules failed")
