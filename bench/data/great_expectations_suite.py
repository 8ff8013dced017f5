"""The rules of validate.ts as a Great Expectations suite on pandas. Violations are the answer: exit 0."""
import sys
from datetime import date, datetime

import great_expectations as gx
import pandas as pd

frame = pd.read_parquet(sys.argv[1])
context = gx.get_context(mode="ephemeral")
batch = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
expect = gx.expectations
rules = [expect.ExpectColumnValuesToBeUnique(column="id")]
for column in ["id", "age", "income", "colour", "email", "active", "day", "seen", "city"]:
    rules.append(expect.ExpectColumnValuesToNotBeNull(column=column))
rules.append(expect.ExpectColumnValuesToNotBeNull(column="score", mostly=0.95))
for column, low, high in [
    ("id", 0, None),
    ("age", 18, 98),
    ("income", 0, 100000),
    ("score", 0, 1),
    ("city", 0, 1000),
    ("day", date(2020, 1, 1), date(2030, 1, 1)),
    ("seen", None, datetime(2030, 1, 1)),
]:
    rules.append(expect.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high))
rules.append(expect.ExpectColumnValuesToBeInSet(column="colour", value_set=["red", "green", "blue", "black", "white"]))
rules.append(expect.ExpectColumnValueLengthsToBeBetween(column="colour", max_value=10))
rules.append(expect.ExpectColumnValueLengthsToBeBetween(column="email", max_value=40))
rules.append(expect.ExpectColumnValuesToMatchRegex(column="email", regex=r"^user[0-9]+@example\.org$"))
suite = context.suites.add(gx.ExpectationSuite(name="s", expectations=rules))
definition = context.validation_definitions.add(gx.ValidationDefinition(name="v", data=batch, suite=suite))
result = definition.run(batch_parameters={"dataframe": frame}, result_format="SUMMARY")
failed = [item.expectation_config.type for item in result.results if not item.success]
print(len(rules), "expectations,", len(failed), "failed:", failed)
