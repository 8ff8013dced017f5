"""`datacontract test` on the contract that assay reads. Violations are the answer: exit 0."""
import sys

from datacontract.data_contract import DataContract

text = open(sys.argv[2], encoding="utf-8").read().replace("people-5000000.parquet", sys.argv[1])
result = DataContract(data_contract_str=text).test()
print(result.result, len(result.checks), "checks")
if not any(check.result == "failed" for check in result.checks):
    print([(check.name, check.result, check.reason) for check in result.checks if check.result != "passed"][:5])
    sys.exit("it found no violation, and there are some")
