/** Which names draw from a generator of the whole process, and which seed one: tables, read by `python-rules.ts`. */

export const generators = ['random', 'numpy', 'torch', 'tensorflow'] as const
export type Generator = (typeof generators)[number]

const all: readonly Generator[] = generators

/** What seeds what; of other packages a function with one of `seedNames` is taken to seed all. */
const seeders: Readonly<Record<string, readonly Generator[]>> = {
  'random.seed': ['random'],
  'random.setstate': ['random'],
  'numpy.random.seed': ['numpy'],
  'numpy.random.set_state': ['numpy'],
  'torch.manual_seed': ['torch'],
  'torch.set_rng_state': ['torch'],
  'tensorflow.random.set_seed': ['tensorflow'],
  'tensorflow.random.set_random_seed': ['tensorflow'],
  'tensorflow.set_random_seed': ['tensorflow'],
  'keras.utils.set_random_seed': all,
}
const seedNames: ReadonlySet<string> = new Set([
  ...['seed_everything', 'set_seed', 'set_seeds', 'set_random_seed', 'set_global_seed', 'seed_all', 'seed_all_rng'],
  ...[
    'set_all_seeds',
    'set_determinism',
    'fix_seed',
    'fix_seeds',
    'init_seed',
    'init_seeds',
    'setup_seed',
    'manual_seed',
  ],
  ...['set_reproducibility', 'enable_full_determinism'],
])
/** Not these, which seed a part of it, or one object. */
const partial = /^torch\.(?:cuda|mps|xpu)\.|^torch\.Generator|^[?.]|\(\)\./

export function seededBy(path: string): readonly Generator[] {
  const known = Object.hasOwn(seeders, path) ? seeders[path] : undefined
  if (known !== undefined) return known
  return seedNames.has(path.slice(path.lastIndexOf('.') + 1)) && !partial.test(path) ? all : []
}

const randomDraws: ReadonlySet<string> = new Set([
  ...['random', 'uniform', 'randint', 'randrange', 'choice', 'choices', 'sample', 'shuffle', 'gauss', 'normalvariate'],
  ...['lognormvariate', 'expovariate', 'betavariate', 'gammavariate', 'triangular', 'vonmisesvariate', 'paretovariate'],
  ...['weibullvariate', 'getrandbits', 'randbytes', 'binomialvariate'],
])
const numpyDraws: ReadonlySet<string> = new Set([
  ...['rand', 'randn', 'randint', 'random', 'random_sample', 'random_integers', 'ranf', 'sample', 'choice', 'bytes'],
  ...['shuffle', 'permutation', 'beta', 'binomial', 'chisquare', 'dirichlet', 'exponential', 'f', 'gamma', 'geometric'],
  ...[
    'gumbel',
    'hypergeometric',
    'laplace',
    'logistic',
    'lognormal',
    'logseries',
    'multinomial',
    'multivariate_normal',
  ],
  ...['negative_binomial', 'noncentral_chisquare', 'noncentral_f', 'normal', 'pareto', 'poisson', 'power', 'rayleigh'],
  ...['standard_cauchy', 'standard_exponential', 'standard_gamma', 'standard_normal', 'standard_t', 'triangular'],
  ...['uniform', 'vonmises', 'wald', 'weibull', 'zipf'],
])
const torchDraws =
  /^torch\.(?:rand|randn|randint|randperm|normal|multinomial|bernoulli|poisson|rand_like|randn_like|randint_like)$|^torch\.nn\.(?:functional\.(?:\w*dropout\w*|gumbel_softmax|rrelu)|init\.(?:uniform_|normal_|trunc_normal_|orthogonal_|sparse_|(?:xavier|kaiming)_\w+))$|^torchvision\.transforms(?:\.v2)?\.(?:Random\w+|ColorJitter|AutoAugment|RandAugment|TrivialAugmentWide|AugMix)$/
/** Layers that begin with drawn weights; not told where weights are loaded and nothing is trained. */
const torchLayers =
  /^torch\.nn\.(?:Linear|Bilinear|Conv\w*\dd|ConvTranspose\dd|Embedding|EmbeddingBag|LSTM|GRU|RNN|LSTMCell|GRUCell|RNNCell|MultiheadAttention|Transformer\w*|Lazy(?:Linear|Conv)\w*)$/
const kerasLayers =
  /^keras\.layers\.(?:Dense|Conv\w*|SeparableConv\w*|DepthwiseConv\w*|Embedding|LSTM|GRU|SimpleRNN|MultiHeadAttention|Dropout|SpatialDropout\w*|GaussianNoise|Random\w+)$/
const tensorflowDraws =
  /^tensorflow\.random\.(?:uniform|normal|truncated_normal|shuffle|categorical|gamma|poisson|log_uniform_candidate_sampler)$|^tensorflow\.(?:random_uniform|random_normal|random_shuffle|truncated_normal)$|^tensorflow\.data\.Dataset\..*\.shuffle$/

export type Draw = Readonly<{ generator: Generator; isLayer?: true }>

/** The generator of the process that a name draws from. */
export function drawnBy(path: string): Draw | undefined {
  const last = path.slice(path.lastIndexOf('.') + 1)
  if (path.startsWith('random.') && path === `random.${last}` && randomDraws.has(last)) return { generator: 'random' }
  if (path === `numpy.random.${last}` && numpyDraws.has(last)) return { generator: 'numpy' }
  if (torchDraws.test(path)) return { generator: 'torch' }
  if (torchLayers.test(path)) return { generator: 'torch', isLayer: true }
  if (tensorflowDraws.test(path)) return { generator: 'tensorflow' }
  return kerasLayers.test(path) ? { generator: 'tensorflow', isLayer: true } : undefined
}
