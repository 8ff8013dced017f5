"""Which single-bit changes of a file does a verifier of others, in one process, let pass? Prints JSON: tried, accepted.

flips.py model_signing FILE STEP PUBLIC_KEY MODEL
flips.py in_toto FILE STEP PUBLIC_KEY LAYOUT LINK_FOLDER

FILE is changed in place, one bit in each STEP of them, and put back.
"""

import json
import logging
import sys
from pathlib import Path

logging.disable(logging.CRITICAL)


def model_signing(file, key, model):
    from model_signing import verifying

    def verify():
        verifying.Config().use_elliptic_key_verifier(public_key=Path(key)).verify(Path(model), Path(file))

    return verify


def in_toto(_file, key, layout, folder):
    from in_toto import verifylib
    from in_toto.models._signer import load_public_key_from_file
    from in_toto.models.metadata import Metadata

    def verify():
        public = load_public_key_from_file(key)
        verifylib.in_toto_verify(Metadata.load(layout), {public["keyid"]: public}, link_dir_path=folder)

    return verify


def main():
    name, file, step, *rest = sys.argv[1:]
    verify = {"model_signing": model_signing, "in_toto": in_toto}[name](file, *rest)
    verify()
    honest = Path(file).read_bytes()
    accepted = []
    places = range(0, len(honest) * 8, int(step))
    try:
        for place in places:
            changed = bytearray(honest)
            changed[place // 8] ^= 1 << (place % 8)
            Path(file).write_bytes(changed)
            try:
                verify()
                accepted.append(place)
            except Exception:
                pass
    finally:
        Path(file).write_bytes(honest)
    print(json.dumps({"tried": len(places), "accepted": accepted}))


main()
