/**
 * What makes a run unlike the next one, one rule each: what it says of the code, and what to write instead.
 *
 * `docs/reference/lint.md` explains each; a test holds that page to this table.
 */

export type Rule = Readonly<{
  /** Goes behind the words that were found, `random.shuffle`: one sentence. */
  says: string
  instead: string
  /** A variable that assay gives every stage and that settles it: told only when the stage's own settings undo it. */
  fixedBy?: 'PYTHONHASHSEED'
  /** Told only of a stage that has it. */
  needs?: 'network' | 'gpu'
}>

const seedOf = 'int(os.environ["ASSAY_SEED"])'

export const lintRules = {
  'unseeded-random': {
    says: 'draws from the generator of `random`, which nothing seeds before',
    instead: `random.seed(${seedOf}) first, or a generator of its own: random.Random(seed)`,
  },
  'unseeded-numpy': {
    says: 'draws from a numpy generator that nothing seeds before',
    instead: `rng = np.random.default_rng(${seedOf}), passed on to what draws`,
  },
  'unseeded-torch': {
    says: 'draws from the generator of torch, which nothing seeds before',
    instead: `torch.manual_seed(${seedOf}) first`,
  },
  'unseeded-tensorflow': {
    says: 'draws from the generator of tensorflow, which nothing seeds before',
    instead: `keras.utils.set_random_seed(${seedOf}) first`,
  },
  'missing-seed': {
    says: 'draws and is given no seed',
    instead: `pass it one: random_state=${seedOf} (its own name for it may be seed, rng or generator)`,
  },
  'data-loader': {
    says: 'takes rows in an order, or starts workers, by a generator that nothing seeds before',
    instead: 'generator=torch.Generator().manual_seed(seed), and worker_init_fn where workers draw',
  },
  'gpu-determinism': {
    says: 'lets a GPU choose algorithms that do not repeat',
    instead:
      'torch.use_deterministic_algorithms(True), torch.backends.cudnn.benchmark = False; tf.config.experimental.enable_op_determinism()',
    needs: 'gpu',
  },
  'hogwild-updates': {
    says: 'lets threads update the same weights without order, so no two trainings agree',
    instead: "updater='coord_descent', or one thread",
  },
  'set-order': {
    says: 'goes through a set, whose order follows the hash seed',
    instead: 'sorted(...) around it, or dict.fromkeys(...) for the first of each',
    fixedBy: 'PYTHONHASHSEED',
  },
  'text-hash': {
    says: 'depends on the hash seed when it is given text',
    instead: 'hashlib.sha256(text.encode()).hexdigest(), or zlib.crc32',
    fixedBy: 'PYTHONHASHSEED',
  },
  'listing-order': {
    says: 'lists files in the order of the file system',
    instead: 'sorted(...) around it; in a shell `| LC_ALL=C sort`',
  },
  'completion-order': {
    says: 'gives results in the order in which threads or processes finish',
    instead: 'map or imap, or keep the results by the number of their task',
  },
  'wall-clock': {
    says: 'reads the clock, and what it gives goes on',
    instead: 'print it, keep it out of outs and metrics; a date that matters is a parameter',
  },
  'random-id': {
    says: 'makes a name that is never the same again',
    instead: 'a name made from the content or from the parameters: uuid.uuid5, a digest',
  },
  'os-entropy': {
    says: "takes the system's entropy, which no seed repeats",
    instead: `a seeded generator: np.random.default_rng(${seedOf}), random.Random(seed)`,
  },
  'shell-random': {
    says: 'draws in the shell, with nothing that seeds it',
    instead: 'shuf --random-source=FILE with a file of the project; RANDOM=$ASSAY_SEED first, in bash',
  },
  'archive-time': {
    says: 'writes the time into the file, or the times of the files in it',
    instead:
      'gzip.GzipFile(..., mtime=0), compression={"method": "gzip", "mtime": 0}; tar --sort=name --mtime=@0; gzip -n',
  },
  'svg-salt': {
    says: 'gives random names to parts of an SVG picture',
    instead: 'plt.rcParams["svg.hashsalt"] = "assay" before, or write PNG',
  },
  'tensor-metadata': {
    says: 'writes more than one entry of metadata, in another order each time',
    instead: 'one entry, for example a JSON text of all of them',
  },
  'tensor-order': {
    says: 'may be laid out by columns, and safetensors.numpy then writes its values in a wrong order without a word',
    instead: 'np.ascontiguousarray(...) around it',
  },
  unread: {
    says: 'is not read',
    instead: 'look at it by hand, and declare it harmless with what you saw',
  },
  'network-input': {
    says: 'takes what a server gives today',
    instead: 'register it as a source (assay data add), or hold what came to a digest: sha256sum --check',
    needs: 'network',
  },
} as const satisfies Record<string, Rule>

export type RuleName = keyof typeof lintRules

export const ruleNames = Object.keys(lintRules) as readonly RuleName[] // the table's own keys, and no others

export function isRule(name: string): name is RuleName {
  return Object.hasOwn(lintRules, name)
}
