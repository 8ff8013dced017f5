/**
 * Functions and classes of libraries that draw unless they are given a seed, and when: a table.
 *
 * SOURCE: the reference documentation of scikit-learn 1.7, scipy 1.16, pandas 2.3, imbalanced-learn 0.14, optuna 4:
 * parameter `random_state` (`seed`, `rng`). Not here, since they begin with a fixed seed: lightgbm, xgboost, catboost,
 * sklearn's FactorAnalysis, learning_curve and permutation_test_score.
 */

import type { Argument } from './python-scope.ts'
import { isNone } from './python-values.ts'

export type Given = (name: string) => Argument | undefined

type When = (given: Given) => boolean
type Seeded = Readonly<{
  /** Dotted beginnings of where it lives. */
  from: readonly string[]
  names: readonly string[]
  seeds?: readonly string[]
  when?: When
  /** Draws from numpy's global generator when it is given nothing, so that a seed of that is enough. */
  own?: true
}>

const is =
  (name: string, ...values: readonly (string | boolean)[]): When =>
  (given) => {
    const value = given(name)?.value
    if (value?.kind === 'text') return value.whole && values.includes(value.end)
    return value?.kind === 'literal' && typeof value.value === 'boolean' && values.includes(value.value)
  }
const not =
  (when: When): When =>
  (given) =>
    !when(given)
const isGiven =
  (name: string): When =>
  (given) =>
    given(name) !== undefined && !isNone(given(name)?.value)
const isAbove =
  (name: string, least: number): When =>
  (given) => {
    const value = given(name)?.value
    return (
      given(name) !== undefined &&
      !(value?.kind === 'literal' && typeof value.value === 'number' && value.value <= least)
    )
  }
const sklearn = (names: readonly string[], when?: When): Seeded => ({
  from: ['sklearn'],
  names,
  ...(when === undefined ? {} : { when }),
})

const table: readonly Seeded[] = [
  sklearn([
    ...['RandomForestClassifier', 'RandomForestRegressor', 'ExtraTreesClassifier', 'ExtraTreesRegressor'],
    ...['RandomTreesEmbedding', 'GradientBoostingClassifier', 'GradientBoostingRegressor', 'BaggingClassifier'],
    ...['BaggingRegressor', 'IsolationForest', 'DecisionTreeClassifier', 'DecisionTreeRegressor'],
    ...['ExtraTreeClassifier', 'ExtraTreeRegressor', 'AdaBoostClassifier', 'AdaBoostRegressor'],
    ...['MLPClassifier', 'MLPRegressor', 'SGDClassifier', 'SGDRegressor', 'SGDOneClassSVM', 'Perceptron'],
    ...['PassiveAggressiveClassifier', 'PassiveAggressiveRegressor', 'RANSACRegressor', 'TheilSenRegressor'],
    ...['KMeans', 'MiniBatchKMeans', 'BisectingKMeans', 'SpectralClustering', 'SpectralBiclustering'],
    ...['SpectralCoclustering', 'AffinityPropagation', 'GaussianMixture', 'BayesianGaussianMixture', 'FastICA'],
    ...['MiniBatchNMF', 'LatentDirichletAllocation', 'DictionaryLearning', 'MiniBatchDictionaryLearning'],
    ...['MiniBatchSparsePCA', 'TruncatedSVD', 'TSNE', 'MDS', 'SpectralEmbedding', 'BernoulliRBM', 'EllipticEnvelope'],
    ...['MinCovDet', 'GaussianRandomProjection', 'SparseRandomProjection', 'RBFSampler', 'Nystroem'],
    ...['SkewedChi2Sampler', 'PolynomialCountSketch', 'TargetEncoder', 'RandomizedSearchCV', 'ParameterSampler'],
    ...['HalvingRandomSearchCV', 'ShuffleSplit', 'StratifiedShuffleSplit', 'GroupShuffleSplit', 'RepeatedKFold'],
    ...['RepeatedStratifiedKFold', 'permutation_importance', 'mutual_info_classif', 'mutual_info_regression'],
    ...['resample', 'randomized_svd', 'k_means', 'kmeans_plusplus', 'spectral_clustering', 'fastica'],
    ...['make_classification', 'make_regression', 'make_blobs', 'make_friedman1', 'make_friedman2', 'make_friedman3'],
    ...['make_gaussian_quantiles', 'make_hastie_10_2', 'make_low_rank_matrix', 'make_multilabel_classification'],
    ...['make_sparse_coded_signal', 'make_sparse_spd_matrix', 'make_sparse_uncorrelated', 'make_spd_matrix'],
    ...['make_biclusters', 'make_checkerboard', 'make_moons', 'make_circles', 'make_s_curve', 'make_swiss_roll'],
  ]),
  { from: ['sklearn.utils'], names: ['shuffle'] },
  sklearn(['train_test_split'], not(is('shuffle', false))),
  sklearn(['KFold', 'StratifiedKFold', 'StratifiedGroupKFold', 'GroupKFold'], is('shuffle', true)),
  sklearn(['LogisticRegression', 'LogisticRegressionCV'], is('solver', 'sag', 'saga')),
  sklearn(
    ['LogisticRegression', 'LogisticRegressionCV'],
    (given) => is('solver', 'liblinear')(given) && (is('penalty', 'l1')(given) || is('dual', true)(given)),
  ),
  sklearn(['LinearSVC', 'LinearSVR'], not(is('dual', false))),
  sklearn(['SVC', 'NuSVC'], is('probability', true)),
  sklearn(['Ridge', 'RidgeClassifier'], is('solver', 'sag', 'saga')),
  sklearn(
    ['Lasso', 'ElasticNet', 'LassoCV', 'ElasticNetCV', 'MultiTaskLasso', 'MultiTaskElasticNet'],
    is('selection', 'random'),
  ),
  sklearn(
    ['PCA', 'KernelPCA'],
    (given) => is('svd_solver', 'randomized', 'arpack')(given) || is('eigen_solver', 'randomized', 'arpack')(given),
  ),
  sklearn(['NMF'], is('init', 'random', 'nndsvdar')),
  sklearn(['HistGradientBoostingClassifier', 'HistGradientBoostingRegressor'], is('early_stopping', true)),
  sklearn(['DummyClassifier'], is('strategy', 'stratified', 'uniform')),
  sklearn(['ClassifierChain', 'RegressorChain'], is('order', 'random')),
  sklearn(
    ['IterativeImputer'],
    (given) => is('sample_posterior', true)(given) || is('imputation_order', 'random')(given),
  ),
  sklearn(['GaussianProcessRegressor', 'GaussianProcessClassifier'], isAbove('n_restarts_optimizer', 0)),
  sklearn(['silhouette_score'], isGiven('sample_size')),
  sklearn(['fetch_covtype', 'fetch_kddcup99', 'fetch_rcv1'], is('shuffle', true)),
  {
    from: ['imblearn'],
    names: [
      'RandomOverSampler',
      'RandomUnderSampler',
      'SMOTE',
      'SMOTENC',
      'SMOTEN',
      'ADASYN',
      'BorderlineSMOTE',
      'SVMSMOTE',
      'KMeansSMOTE',
      'SMOTEENN',
      'SMOTETomek',
      'ClusterCentroids',
      'BalancedRandomForestClassifier',
      'BalancedBaggingClassifier',
      'EasyEnsembleClassifier',
      'RUSBoostClassifier',
    ],
  },
  { from: ['umap'], names: ['UMAP'] },
  {
    from: ['scipy.stats'],
    names: ['rvs', 'bootstrap', 'permutation_test', 'monte_carlo_test'],
    seeds: ['random_state', 'rng'],
  },
  {
    from: ['scipy.optimize'],
    names: ['differential_evolution', 'dual_annealing', 'basinhopping'],
    seeds: ['seed', 'rng'],
  },
  { from: ['scipy.cluster.vq'], names: ['kmeans', 'kmeans2'], seeds: ['seed', 'rng'] },
  { from: ['scipy.sparse'], names: ['random', 'rand', 'random_array'], seeds: ['random_state', 'rng'] },
  {
    from: ['optuna'],
    names: ['TPESampler', 'RandomSampler', 'CmaEsSampler', 'NSGAIISampler', 'QMCSampler', 'GPSampler'],
    seeds: ['seed'],
    own: true,
  },
  { from: ['optuna'], names: ['create_study'], seeds: ['sampler'], own: true },
]

const byName = new Map<string, readonly Seeded[]>()
for (const entry of table) for (const name of entry.names) byName.set(name, [...(byName.get(name) ?? []), entry])

/**
 * @param given an argument by its name
 * @returns the names that a seed may have, and whether a seed of numpy's global generator is enough
 */
export function seededCall(
  path: string,
  given: Given,
): Readonly<{ seeds: readonly string[]; byNumpy: boolean }> | undefined {
  const plain = path.endsWith('()') ? path.slice(0, -2) : path
  const entry = byName
    .get(plain.slice(plain.lastIndexOf('.') + 1))
    ?.find(({ from, when }) => from.some((start) => plain.startsWith(`${start}.`)) && when?.(given) !== false)
  if (entry === undefined) return undefined
  return { seeds: entry.seeds ?? ['random_state'], byNumpy: entry.own !== true }
}
