"""Are statements what the in-toto attestation framework's own types take? Prints JSON: name -> fault, empty when none.

statements.py < {"name": statement}

Each statement is held to `Statement`, and its predicate to the type of its predicate, by protobuf's own reader of JSON:
unknown members are a fault of a predicate, but for `assay`, which the framework allows and has no type for. Its type of a
verification summary has one level where SLSA has a list, so summaries are held to slsa-verifier instead.
"""

import json
import sys

from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

TYPES = {
    "https://slsa.dev/provenance/v1": provenance_pb2.Provenance,
    "https://in-toto.io/attestation/test-result/v0.1": test_result_pb2.TestResult,
}


def fault_of(given):
    try:
        parsed = json_format.ParseDict(given, statement_pb2.Statement())
        Statement.copy_from_pb(parsed).validate()
        kind = TYPES.get(given["predicateType"])
        if kind is not None:
            predicate = {key: value for key, value in given["predicate"].items() if key != "assay"}
            json_format.ParseDict(predicate, kind())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


print(json.dumps({name: fault_of(given) for name, given in json.load(sys.stdin).items()}))
