/** Each rule for Python: code that it names, and the twin that a careful author would write, of which it says nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lintPython } from './testing.ts'

type Case = readonly [rule: string, named: string, silent: string]

/** The line that is named is the last one. */
const cases: readonly Case[] = [
  ['unseeded-random', 'import random\nrandom.shuffle(x)', 'import random\nrandom.seed(1)\nrandom.shuffle(x)'],
  ['unseeded-random', 'from random import shuffle as s\ns(x)', 'from random import shuffle as s, seed\nseed(1)\ns(x)'],
  ['unseeded-random', 'from random import *\nshuffle(x)', 'from random import *\nseed(2)\nshuffle(x)'],
  ['unseeded-random', 'import random as r\nrng = r.Random()', 'import random as r\nrng = r.Random(3)\nrng.shuffle(x)'],
  ['unseeded-random', 'import random\nrandom.seed()', 'import os, random\nrandom.seed(os.environ["ASSAY_SEED"])'],
  ['unseeded-random', 'import random\nx = sorted(y, key=lambda _: random.random())', 'random = f()\nrandom.shuffle(x)'],
  [
    'unseeded-numpy',
    'import numpy as np\nx = np.random.rand(3)',
    'import numpy as np\nnp.random.seed(0)\nx = np.random.rand(3)',
  ],
  [
    'unseeded-numpy',
    'import numpy\nrng = numpy.random.default_rng()',
    'import numpy\nrng = numpy.random.default_rng(7)\nrng.normal()',
  ],
  [
    'unseeded-numpy',
    'from numpy import random\nrandom.shuffle(x)',
    'from numpy import random\nrandom.seed(1)\nrandom.shuffle(x)',
  ],
  [
    'unseeded-numpy',
    'from numpy.random import default_rng\ng = default_rng(None)',
    'from numpy.random import default_rng\ng = default_rng(seed)',
  ],
  ['unseeded-torch', 'import torch\nx = torch.randn(3)', 'import torch\ntorch.manual_seed(0)\nx = torch.randn(3)'],
  [
    'unseeded-torch',
    'import torch\ntorch.cuda.manual_seed(0)\nx = torch.randn(3)',
    'import torch\nx = torch.randn(3, generator=g)',
  ],
  [
    'unseeded-torch',
    'from torch import nn\nlayer = nn.Linear(2, 3)',
    'from torch import nn\nlayer = nn.Linear(2, 3)\nlayer.load_state_dict(x)',
  ],
  [
    'unseeded-torch',
    'import torch.nn.functional as F\ny = F.dropout(x)',
    'import torch.nn.functional as F\nimport lightning as L\nL.seed_everything(1)\ny = F.dropout(x)',
  ],
  [
    'unseeded-tensorflow',
    'import tensorflow as tf\nx = tf.random.normal([2])',
    'import tensorflow as tf\ntf.random.set_seed(1)\nx = tf.random.normal([2])',
  ],
  [
    'unseeded-tensorflow',
    'from tensorflow import keras\nm = keras.layers.Dense(3)',
    'from tensorflow import keras\nkeras.utils.set_random_seed(1)\nm = keras.layers.Dense(3)',
  ],
  [
    'missing-seed',
    'from sklearn.model_selection import train_test_split as t\nt(x, y)',
    'from sklearn.model_selection import train_test_split as t\nt(x, y, random_state=0)\nt(x, shuffle=False)',
  ],
  [
    'missing-seed',
    'from sklearn.model_selection import KFold\nk = KFold(5, shuffle=True)',
    'from sklearn.model_selection import KFold\nk = KFold(5)\nk = KFold(5, shuffle=True, random_state=1)',
  ],
  [
    'missing-seed',
    'from sklearn import ensemble\nm = ensemble.RandomForestClassifier(n_estimators=3)',
    'from sklearn import ensemble\nm = ensemble.RandomForestClassifier(**options)',
  ],
  [
    'missing-seed',
    'from sklearn.linear_model import LogisticRegression\nm = LogisticRegression(solver="saga")',
    'from sklearn.linear_model import LogisticRegression\nm = LogisticRegression()\nm = LogisticRegression(solver="liblinear")',
  ],
  ['missing-seed', 'from sklearn.svm import SVC\nm = SVC(probability=True)', 'from sklearn.svm import SVC\nm = SVC()'],
  [
    'missing-seed',
    'import sklearn.cluster as c\nm = c.KMeans(3, random_state=None)',
    'import numpy as np\nimport sklearn.cluster as c\nnp.random.seed(1)\nm = c.KMeans(3)',
  ],
  [
    'missing-seed',
    'from scipy.stats import norm\nx = norm.rvs(size=3)',
    'from scipy.stats import norm\nx = norm.rvs(size=3, random_state=1)',
  ],
  [
    'missing-seed',
    'import pandas as pd\nd = pd.read_csv("x").sample(frac=1)',
    'import pandas as pd\nd = pd.read_csv("x").sample(frac=1, random_state=1)',
  ],
  [
    'missing-seed',
    'import optuna\ns = optuna.create_study()',
    'import optuna\ns = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))',
  ],
  [
    'data-loader',
    'from torch.utils.data import DataLoader\nd = DataLoader(x, shuffle=True)',
    'from torch.utils.data import DataLoader\nd = DataLoader(x)\nd = DataLoader(x, shuffle=True, generator=g)',
  ],
  [
    'data-loader',
    'from torch.utils.data import DataLoader\nd = DataLoader(x, num_workers=4)',
    'import torch\nfrom torch.utils.data import DataLoader\ntorch.manual_seed(1)\nd = DataLoader(x, num_workers=4)',
  ],
  [
    'gpu-determinism',
    'import torch\ntorch.backends.cudnn.benchmark = True',
    'import torch\ntorch.backends.cudnn.benchmark = False',
  ],
  [
    'gpu-determinism',
    'loss.backward()\nmodel.cuda()',
    'import torch\ntorch.use_deterministic_algorithms(True)\nloss.backward()\nmodel.cuda()',
  ],
  [
    'hogwild-updates',
    'import xgboost as xgb\nm = xgb.XGBRegressor(booster="gblinear")',
    'import xgboost as xgb\nm = xgb.XGBRegressor(booster="gblinear", updater="coord_descent")\nm = xgb.XGBRegressor()',
  ],
  [
    'hogwild-updates',
    'from gensim.models import Word2Vec\nm = Word2Vec(x)',
    'from gensim.models import Word2Vec\nm = Word2Vec(x, workers=1)',
  ],
  ['set-order', 's = {a, b}\nfor x in s: out.write(x)', 's = {a, b}\nfor x in sorted(s): out.write(x)'],
  [
    'set-order',
    'names = set(y) | z\nlabels = list(names)',
    'names = set(y) | z\nlabels = sorted(names)\nn = len(names)\nif x in names: pass',
  ],
  ['set-order', 'text = ",".join({x for x in y})', 'text = ",".join(dict.fromkeys(y))'],
  ['text-hash', 'bucket = hash(name) % 10', 'class A:\n  def __hash__(self): return hash(self.x)\nb = hash(3)'],
  [
    'listing-order',
    'import os\nfiles = os.listdir(d)\nopen_all(files)',
    'import os\nfiles = os.listdir(d)\nfiles.sort()\nopen_all(files)',
  ],
  [
    'listing-order',
    'from glob import glob\nfor f in glob("*.csv"): rows.extend(f)',
    'from glob import glob\nfor f in sorted(glob("*.csv")): rows.extend(f)\nn = len(glob("*"))',
  ],
  [
    'listing-order',
    'from pathlib import Path\nx = [p.name for p in Path("a").iterdir()]',
    'from pathlib import Path\nx = sorted(p.name for p in Path("a").iterdir())\nfor p in Path("a").glob("*"): p.unlink()',
  ],
  [
    'listing-order',
    'from pathlib import Path\ndef f(d: Path): return [p for p in d.rglob("*")]\nuse(f(x))',
    'from pathlib import Path\ndef f(d: Path): return [p for p in d.rglob("*")]\nx = sorted(f(x))',
  ],
  [
    'listing-order',
    'import os\nfor r, ds, fs in os.walk(d): load(fs)',
    'import os\nfor r, ds, fs in os.walk(d):\n  ds.sort()\n  for f in sorted(fs): load(f)',
  ],
  [
    'completion-order',
    'from concurrent.futures import as_completed\nfor f in as_completed(fs): out.append(f.result())',
    'from concurrent.futures import as_completed\nfor f in as_completed(fs): out[fs[f]] = f.result()',
  ],
  [
    'completion-order',
    'from multiprocessing import Pool\nr = list(Pool(2).imap_unordered(f, x))',
    'from multiprocessing import Pool\nr = sorted(Pool(2).imap_unordered(f, x))\nq = Pool(2).map(f, x)',
  ],
  [
    'wall-clock',
    'import time\nmetrics["t"] = time.time()',
    'import time\nstart = time.time()\nprint(f"took {time.time() - start:.1f} s")',
  ],
  [
    'wall-clock',
    'from datetime import datetime as dt\nname = f"model-{dt.now():%Y}.bin"\nsave(name)',
    'from datetime import datetime as dt\nname = f"model-{dt.now():%Y}.bin"\nprint(name)',
  ],
  [
    'wall-clock',
    'import time\nt0 = time.perf_counter()\nwork()\nreport(time.perf_counter() - t0)',
    'import time\nt0 = time.perf_counter()\nwork()\nlogger.info("%s", time.perf_counter() - t0)',
  ],
  [
    'random-id',
    'import uuid\nrun = uuid.uuid4().hex\nsave(run)',
    'import uuid\nrun = uuid.uuid5(uuid.NAMESPACE_DNS, name).hex\nsave(run)',
  ],
  ['os-entropy', 'import os\nsalt = os.urandom(8)', 'import hmac, secrets\nok = secrets.compare_digest(a, b)'],
  [
    'archive-time',
    'import gzip\nf = gzip.open("x.gz", "wb")',
    'import gzip\nf = gzip.open("x.gz", "rb")\ng = gzip.GzipFile("x.gz", "wb", mtime=0)',
  ],
  [
    'archive-time',
    'df.to_csv("x.csv.gz")',
    'df.to_csv("x.csv")\ndf.to_csv("x.csv.gz", compression={"method": "gzip", "mtime": 0})',
  ],
  [
    'svg-salt',
    'import matplotlib.pyplot as plt\nplt.savefig("a.svg")',
    'import matplotlib.pyplot as plt\nplt.rcParams["svg.hashsalt"] = "a"\nplt.savefig("a.svg")\nplt.savefig("a.png")',
  ],
  [
    'tensor-metadata',
    'from safetensors.torch import save_file\nsave_file(t, "m", metadata={"a": "1", "b": "2"})',
    'from safetensors.torch import save_file\nsave_file(t, "m", metadata={"a": "1"})',
  ],
  [
    'tensor-order',
    'from safetensors.numpy import save_file\nsave_file({"w": model.coef_.astype(f)}, "m")',
    'import numpy as np\nfrom safetensors.numpy import save_file\nsave_file({"w": np.ascontiguousarray(model.coef_), "b": model.intercept_}, "m")',
  ],
  ['network-input', 'import requests\nx = requests.get(url)', 'import pandas as pd\nx = pd.read_csv("data/x.csv")'],
  [
    'listing-order',
    'import os\nfrom tqdm import tqdm\nfor f in tqdm(os.listdir(d)): load(f)',
    'import os\nfrom tqdm import tqdm\nfor f in tqdm(sorted(os.listdir(d))): load(f)',
  ],
  [
    'listing-order',
    'from pathlib import Path\npaths = {p.stem: p for p in Path(d).glob("*")}\nfirst = use(list(paths)[0])',
    'from pathlib import Path\npaths = {p.stem: p for p in Path(d).glob("*")}\nfor k in sorted(paths): load(paths[k])',
  ],
  [
    'wall-clock',
    'import time\nall = []\nall.append(time.time())\nsave(all)',
    'import time\nall = []\nall.append(time.time())\nprint(sum(all) / len(all))',
  ],
  [
    'listing-order',
    'import os\nfor i, f in enumerate(os.listdir(d)): print(i, f)',
    'import os\nfor i, f in enumerate(sorted(os.listdir(d))): print(i, f)',
  ],
  [
    'listing-order',
    'import os\nuse(sum(weigh(f) for f in os.listdir(d)))',
    'import os\nuse(sum(1 for f in os.listdir(d)))',
  ],
  [
    'listing-order',
    'import os, shutil\nfor f in os.listdir(d): shutil.copyfileobj(f, out)',
    'import os, shutil\nfor f in os.listdir(d): shutil.copy(f, out)',
  ],
  ['listing-order', 'import os\nuse([f for f in os.listdir(d)])', 'import os\nuse(sum([1 for f in os.listdir(d)]))'],
  [
    'gpu-determinism',
    'import torch\nt = Trainer(deterministic=False)\nloss.backward()\nmodel.cuda()',
    'import torch\nt = Trainer(deterministic=True)\nloss.backward()\nmodel.cuda()',
  ],
  [
    'unseeded-random',
    'import random, os\nrandom.seed(os.getpid())',
    'import random, os\nrandom.seed(int(os.environ["ASSAY_SEED"]))',
  ],
  ['unseeded-torch', 'import torch\ntorch.manual_seed(id(x))', 'import torch\ntorch.manual_seed(x)'],
  [
    'unseeded-random',
    'import random\nclass A:\n  def __init__(self): random.seed(1)\ndef f(): use(random.random())\nf()',
    'import random\nclass A:\n  def __init__(self): random.seed(1)\ndef f(): use(random.random())\nA()\nf()',
  ],
  [
    'completion-order',
    'import threading\nout = []\ndef work(i): out.append(i)\nthreading.Thread(target=work, args=(1,)).start()',
    'import threading\nout = {}\ndef work(i):\n  rows = []\n  rows.append(i)\n  out[i] = rows\nthreading.Thread(target=work, args=(1,)).start()',
  ],
  [
    'completion-order',
    'import multiprocessing as mp\ndef work(q, i): q.put(i)\nmp.Process(target=work, args=(q, 1)).start()',
    'import multiprocessing as mp\ndef work(i): open(str(i), "w").write("x")\nmp.Process(target=work, args=(1,)).start()',
  ],
  [
    'completion-order',
    'from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as p:\n  p.submit(work, 1).add_done_callback(out.append)',
    'from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as p:\n  done = [p.submit(work, i) for i in range(3)]',
  ],
  [
    'gpu-determinism',
    'import torch\nx = torch.zeros(3, device="cuda")\nloss.backward()',
    'import torch\nx = torch.zeros(3, device="cpu")\nloss.backward()',
  ],
  [
    'gpu-determinism',
    'import lightning\nlightning.Trainer(accelerator="gpu").fit(model)',
    'import lightning\nlightning.Trainer(accelerator="gpu", deterministic=True).fit(model)',
  ],
  [
    'gpu-determinism',
    'import tensorflow as tf\nmodel.fit(x, y)',
    'import tensorflow as tf\ntf.config.experimental.enable_op_determinism()\nmodel.fit(x, y)',
  ],
]

for (const [rule, named, silent] of cases) {
  test(`names ${rule}: ${named.split('\n').at(-1)}`, () => {
    const rules = lintPython(`${named}\n`).map((finding) => finding.split(':')[0])
    assert.deepEqual(rules, [rule], named)
    assert.deepEqual(lintPython(`${silent}\n`), [], silent)
  })
}
