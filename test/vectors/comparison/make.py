"""Makes cases.json: pairs of files as numpy, safetensors, ml_dtypes, onnx write them, and how numpy says they differ.

    python -m venv v && v/bin/pip install numpy==2.4.6 safetensors==0.8.0 ml_dtypes==0.6.0 onnx==1.23.2
    v/bin/python make.py > cases.json

Distances in ulp are not computed: the right side is made by so many calls of `nextafter`.
"""
import base64
import io
import json
import warnings

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors import TensorSpec, serialize
from safetensors.numpy import save

warnings.filterwarnings("ignore")
rng = np.random.default_rng(11)
cases = []


def add(name, path, left, right, verdict, measures=None):
    encode = lambda data: base64.b64encode(data).decode()
    cases.append(dict(name=name, path=path, left=encode(left), right=encode(right), verdict=verdict, measures=measures or []))


def measure(name, kind, a, b, ulp):
    """As numpy sees it, in float64."""
    bits_a, bits_b = (np.frombuffer(x.tobytes(), np.uint8).reshape(x.size, x.itemsize) for x in (a, b))
    same_bits = (bits_a == bits_b).all(axis=1)
    x, y = (v.reshape(-1).astype(np.float64) for v in (a, b))
    equal = (x == y) | (np.isnan(x) & np.isnan(y))
    finite = np.isfinite(x) & np.isfinite(y)
    distance = np.where(finite & ~equal, np.abs(x - y), 0)
    relative = np.where(finite & ~equal, distance / np.maximum(np.abs(x), np.abs(y)), 0)
    exponents = np.frexp(distance[distance > 0])[1] - 1
    found = dict(
        name=name, type=kind, elements=int(x.size), differing=int((~equal).sum()), outside=int((~equal).sum()),
        bitsOnly=int((equal & ~same_bits).sum()), withoutDistance=int((~equal & ~finite).sum()),
        maxAbs=float(distance.max()), maxRel=float(relative.max()), maxUlp=ulp,
        histogram=[[int(e), int(n)] for e, n in zip(*np.unique(exponents, return_counts=True))],
    )
    if distance.max() > 0:
        found["worst"] = int(distance.argmax())
    return found


def steps(values, counts, towards):
    """`counts` neighbours further."""
    out = values.copy()
    for step in range(int(counts.max())):
        out = np.where(counts > step, np.nextafter(out, np.asarray(towards, dtype=values.dtype)), out)
    return out.astype(values.dtype)


def floats(dtype):
    """Numbers of every size, both sides of zero, and what is none."""
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, np.nan, 1.0, -1.0]
    drawn = rng.normal(0, 1, 48) * 2.0 ** rng.integers(-6, 6, 48)
    a = np.array(special + list(drawn), dtype=np.float64).astype(dtype)
    a = np.where(np.isfinite(a.astype(np.float64)) | (np.arange(a.size) < 8), a, np.asarray(1, dtype)).astype(dtype)
    counts = np.concatenate([np.zeros(8, int), rng.integers(0, 6, 48)])
    counts[10] = 5
    b = steps(a, counts, 0.5)
    b[0], b[1] = dtype(-0.0), dtype(0.0)  # other bits, same value
    b[2] = dtype(1)  # not finite against a number
    b[4] = dtype(2)
    return a, b


def saved(**arrays):
    return save({name: np.ascontiguousarray(value) for name, value in arrays.items()})


def npy(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version, allow_pickle=True)
    return file.getvalue()


for dtype, kind in [(np.float64, "F64"), (np.float32, "F32"), (np.float16, "F16")]:
    a, b = floats(dtype)
    add(f"safetensors {kind}", "m.safetensors", saved(w=a), saved(w=b), "diverged", [measure("w", kind, a, b, 5)])
    short = kind.lower()[0] + str(a.itemsize)
    add(f"npy {short}", "m.npy", npy(a), npy(b), "diverged", [measure("array", short, a, b, 5)])
    add(f"npy {short} big-endian", "m.npy", npy(a), npy(b.astype(b.dtype.newbyteorder(">"))), "diverged",
        [measure("array", short, a, b, 5)])
    add(f"npy {short} other byte order", "m.npy", npy(a), npy(a.astype(a.dtype.newbyteorder(">"))), "equal")

# from the smallest negative number by way of zero to the smallest positive one: two steps
tiny = np.array([-np.nextafter(np.float32(0), np.float32(1))], np.float32)
add("across zero", "m.safetensors", saved(w=tiny), saved(w=-tiny), "diverged", [measure("w", "F32", tiny, -tiny, 2)])

for dtype, kind in [(ml_dtypes.bfloat16, "BF16"), (ml_dtypes.float8_e5m2, "F8_E5M2"), (ml_dtypes.float8_e4m3fn, "F8_E4M3"),
                    (ml_dtypes.float8_e5m2fnuz, "F8_E5M2FNUZ"), (ml_dtypes.float8_e4m3fnuz, "F8_E4M3FNUZ")]:
    a, b = floats(dtype)
    spec = lambda v: TensorSpec(dtype=dtype.__name__, shape=list(v.shape), data_ptr=v.ctypes.data, data_len=v.nbytes)
    left, right = (bytes(serialize({"w": spec(v)})) for v in (a, b))
    add(f"safetensors {kind}", "m.safetensors", left, right, "diverged", [measure("w", kind, a, b, 5)])

# every code of the small types, as ml_dtypes reads it, against a float32 of the same value
table = {name: [None if np.isnan(v) else repr(float(v)) for v in np.arange(256, dtype=np.uint8).view(t).astype(np.float64)]
         for name, t in [("f8_e5m2", ml_dtypes.float8_e5m2), ("f8_e4m3", ml_dtypes.float8_e4m3fn),
                         ("f8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz), ("f8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz),
                         ("f8_e8m0", ml_dtypes.float8_e8m0fnu)]}
sample = np.concatenate([np.arange(0, 65536, 251), [0x0001, 0x03FF, 0x7BFF, 0x7C00, 0x7E00, 0x8000, 0xFC00]]).astype(np.uint16)
table["codes16"] = [int(v) for v in sample]
for name, t in [("f16", np.float16), ("bf16", ml_dtypes.bfloat16)]:
    table[name] = [None if np.isnan(v) else repr(float(v)) for v in sample.view(t).astype(np.float64)]

for dtype in ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]:
    info = np.iinfo(dtype)
    a = np.array([info.min, info.max, 1, 2, 3, 100], dtype=dtype)
    b = np.array([info.max, info.min, 1, 2, 4, 97], dtype=dtype)
    found = measure("array", a.dtype.str[1:], a, b, None)
    add(f"npy {dtype}", "m.npy", npy(a), npy(b), "diverged", [found])

a = np.array([2**62 + 1, -(2**62)], dtype=np.int64)
b = np.array([2**62, -(2**62)], dtype=np.int64)
exact = dict(name="array", type="i8", elements=2, differing=1, outside=1, bitsOnly=0, withoutDistance=0, maxAbs=1.0,
             maxRel=1 / 2**62, maxUlp=None, worst=0, histogram=[[0, 1]])
add("npy int64 that differ by one", "m.npy", npy(a), npy(b), "diverged", [exact])

def bits(name, kind, elements, differing):
    return dict(name=name, type=kind, elements=elements, differing=differing, outside=differing, bitsOnly=0, withoutDistance=differing,
                maxAbs=0, maxRel=0, maxUlp=None, histogram=[])

flags = np.array([True, False, True, True])
add("npy bool", "m.npy", npy(flags), npy(~flags), "diverged", [bits("array", "|b1", 4, 4)])
add("safetensors bool", "m.safetensors", saved(w=flags), saved(w=~flags), "diverged", [bits("w", "BOOL", 4, 4)])
words = np.array(["cat", "dog", "owl"])
add("npy text", "m.npy", npy(words), npy(np.array(["cat", "fox", "owl"])), "diverged", [bits("array", "<U3", 3, 1)])
dates = np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[s]")
add("npy dates", "m.npy", npy(dates), npy(dates[::-1].copy()), "diverged", [bits("array", "M8[s]", 2, 2)])
records = np.array([(1, 2.0), (3, 4.0)], dtype=[("a", "<i4"), ("b", "<f8")])
other = records.copy()
other["b"][1] = 5
add("npy records", "m.npy", npy(records), npy(other), "diverged",
    [bits("array", '[["a","<i4"],["b","<f8"]]', 2, 1)])
objects = np.array([{"a": 1}, None], dtype=object)
add("npy objects", "m.npy", npy(objects), npy(np.array([{"a": 2}, None], dtype=object)), "diverged",
    [dict(bits("array", "|O", len(npy(objects)) - 128, 1))])
waves = np.array([1 + 2j, 3 - 4j], dtype=np.complex64)
turned = waves.conj()
a, b = waves.view(np.float32), turned.view(np.float32)
found = measure("array", "c8", a, b, None)
del found["maxUlp"]
add("npy complex", "m.npy", npy(waves), npy(turned), "diverged", [found])

zero = np.array(1.5)
add("npy without dimensions", "m.npy", npy(zero), npy(np.array(1.25)), "diverged",
    [measure("array", "f8", zero.reshape(1), np.array([1.25]), 2**50)])
add("npy empty, of other shapes", "m.npy", npy(np.zeros((0, 3))), npy(np.zeros((3, 0))), "diverged")
table2 = np.arange(6.0).reshape(2, 3)
add("npy by columns", "m.npy", npy(table2), npy(np.asfortranarray(table2)), "diverged")
add("npy version 2", "m.npy", npy(table2), npy(table2, version=(2, 0)), "equal")
add("npy version 3", "m.npy", npy(table2), npy(table2, version=(3, 0)), "equal")
add("npy of another type", "m.npy", npy(table2), npy(table2.astype(np.float32)), "diverged")

# with more than one key of metadata, safetensors writes them in an order of chance
model = dict(w=np.arange(4, dtype=np.float32), b=np.ones(2))
labels = {key: key for key in "abcdefgh"}
left = save(model, labels)
right = next(data for data in (save(model, labels) for _ in range(1000)) if data != left)
add("safetensors with its metadata in another order", "m.safetensors", left, right, "equal")
add("safetensors with other metadata", "m.safetensors", left, save(model, {**labels, "a": "x"}), "diverged")
add("safetensors without a tensor", "m.safetensors", saved(**model), saved(w=model["w"]), "diverged")
add("safetensors of another shape", "m.safetensors", saved(**model), saved(w=model["w"].reshape(2, 2), b=model["b"]), "diverged")
add("safetensors by content alone", "model", saved(w=model["w"]), saved(w=model["w"] + 1), "diverged",
    [measure("w", "F32", model["w"], model["w"] + 1, 0x3F800000)])  # from 0 to 1 is the longest way


def npz(compressed=False, **arrays):
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


w, moved = model["w"], np.nextafter(model["w"], np.float32(9))
add("npz", "m.npz", npz(w=w, b=model["b"]), npz(w=moved, b=model["b"]), "diverged", [measure("w", "f4", w, moved, 1)])
add("npz, compressed", "m.npz", npz(True, w=w, b=model["b"]), npz(True, w=moved, b=model["b"]), "diverged",
    [measure("w", "f4", w, moved, 1)])
add("npz, once compressed", "m.npz", npz(w=w, b=model["b"]), npz(True, b=model["b"], w=w), "equal")


def network(weights, raw=True, order=("w", "b"), producer="train", extra=()):
    made = dict(
        w=numpy_helper.from_array(weights, "w") if raw
        else helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights.tolist()),
        b=numpy_helper.from_array(np.array([0, 1, 2, 3], np.int64), "b"),
    )
    nodes = [helper.make_node("Add", ["x", "w"], ["y"]), *extra]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [4])
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")], [made[name] for name in order])
    return helper.make_model(graph, producer_name=producer).SerializeToString()


add("onnx", "m.onnx", network(w), network(moved), "diverged", [measure("w", "FLOAT", w, moved, 1)])
add("onnx, typed data", "m.onnx", network(w, raw=False), network(moved, raw=False), "diverged",
    [measure("w", "FLOAT", w, moved, 1)])
add("onnx, raw and typed data", "m.onnx", network(w), network(w, raw=False), "equal")
add("onnx in another order", "m.onnx", network(w), network(w, order=("b", "w")), "equal")
add("onnx of another producer", "m.onnx", network(w), network(w, producer="other"), "diverged")
add("onnx with another graph", "m.onnx", network(w), network(w, extra=(helper.make_node("Abs", ["y"], ["z"]),)), "diverged")

print(json.dumps(dict(cases=cases, codes=table), indent=0))
