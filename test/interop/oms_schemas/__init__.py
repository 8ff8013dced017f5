"""What the OpenSSF Model Signing conformance suite asks of its package `oms-schemas`, which no registry has: the
schemas of the specification (test/vectors/model-signing/schemas), over a bundle and its statement."""

import base64
import json
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

SCHEMAS = Path(__file__).parents[2] / "vectors/model-signing/schemas"
DOCUMENTS = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
REGISTRY = Registry().with_resources(
    (name, Resource.from_contents(document))
    for file, document in DOCUMENTS.items()
    for name in {file, document.get("$id", file)}
)
CURRENT = "https://model_signing/signature/v1.0"
MATERIALS = {"key": "publicKey", "certificate": "x509CertificateChain", "sigstore": "certificate"}


def decode_payload(bundle):
    return json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))


def validate_method_fields(bundle, method):
    assert MATERIALS[method] in bundle["verificationMaterial"], method


def validate_bundle(bundle_path, method=None, schema_version=None):
    bundle = json.loads(Path(bundle_path).read_text())
    statement = decode_payload(bundle)
    # Bundles from before the standard have statements of their own.
    told = [("statement.schema.json", statement)] if statement["predicateType"] == CURRENT else []
    for file, document in [("bundle.schema.json", bundle), *told]:
        Draft202012Validator(DOCUMENTS[file], registry=REGISTRY).validate(document)
    if method is not None:
        validate_method_fields(bundle, method)
