/**
 * What is fixed so that a stage repeats: the variables every stage gets.
 *
 * They are part of the stage's key and stand in its evidence. Thread counts matter to the bytes: lbfgs, ridge and PCA
 * differ between one and two BLAS threads, so the count is the stage's own CPU limit and never the machine's.
 */

/** LIMIT: PYTHONHASHSEED is an unsigned 32-bit number. */
const hashSeedRange = 2 ** 32

/** 1980-01-01T00:00:00Z, the first instant that a zip entry can hold: stamps are equal at every commit. */
const sourceDateEpochSeconds = 315_532_800

/**
 * @param cpus whole threads that BLAS and OpenMP may use; at least 1
 * @returns the fixed part of a stage's environment; the caller adds PATH and what the definition gives
 */
export function deterministicVariables(seed: number, cpus: number): Readonly<Record<string, string>> {
  const threads = String(Math.max(1, Math.floor(cpus)))
  return {
    ASSAY_SEED: String(seed),
    CUBLAS_WORKSPACE_CONFIG: ':4096:8',
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    MKL_NUM_THREADS: threads,
    MPLBACKEND: 'Agg',
    NUMEXPR_NUM_THREADS: threads,
    OMP_NUM_THREADS: threads,
    OPENBLAS_NUM_THREADS: threads,
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONHASHSEED: String(((seed % hashSeedRange) + hashSeedRange) % hashSeedRange),
    PYTHONNOUSERSITE: '1',
    PYTHONUNBUFFERED: '1',
    SOURCE_DATE_EPOCH: String(sourceDateEpochSeconds),
    TF_DETERMINISTIC_OPS: '1',
    TZ: 'UTC',
  }
}

/** What arithmetic is held to, so that the same bytes come out on another processor of the same architecture. */
type Portable = Readonly<{
  /** In words, for the evidence. */
  means: string
  /** Vector units that the processor must have, as the kernel calls them. */
  needs: readonly string[]
  variables: Readonly<Record<string, string>>
}>

/**
 * The kernels of libraries that choose by the processor they find, and how many threads they take: those of a common one.
 *
 * `NPY_DISABLE_CPU_FEATURES` names features of all versions of numpy; a version that does not know one passes over it.
 * SOURCE: OpenBLAS 0.3 (USAGE.md), BLIS (docs/ConfigurationHowTo.md), oneMKL (conditional numerical reproducibility), numpy
 * ("CPU build options"), oneDNN ("CPU Dispatcher Control"), PyTorch (ATen/native/DispatchStub.cpp), XLA (debug options).
 */
const portableByArchitecture: Readonly<Record<string, Portable>> = {
  x64: {
    means: 'kernels for AVX2 and FMA',
    needs: ['avx2', 'fma'],
    variables: {
      ATEN_CPU_CAPABILITY: 'avx2',
      BLIS_ARCH_TYPE: 'haswell',
      MKL_CBWR: 'COMPATIBLE',
      MKL_DYNAMIC: 'FALSE',
      NPY_DISABLE_CPU_FEATURES:
        'AVX512F AVX512CD AVX512_KNL AVX512_KNM AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4 FMA4 XOP',
      NUMBA_CPU_NAME: 'haswell',
      OMP_DYNAMIC: 'FALSE',
      ONEDNN_MAX_CPU_ISA: 'AVX2',
      OPENBLAS_CORETYPE: 'Haswell',
      TF_ENABLE_ONEDNN_OPTS: '0',
      XLA_FLAGS: '--xla_cpu_max_isa=AVX2',
    },
  },
  arm64: {
    means: 'kernels for ARMv8.0',
    needs: ['asimd'],
    variables: {
      ATEN_CPU_CAPABILITY: 'default',
      BLIS_ARCH_TYPE: 'generic',
      NPY_DISABLE_CPU_FEATURES: 'ASIMDHP ASIMDDP ASIMDFHM SVE',
      OMP_DYNAMIC: 'FALSE',
      OPENBLAS_CORETYPE: 'ARMV8',
      TF_ENABLE_ONEDNN_OPTS: '0',
    },
  },
}

/** @returns undefined for an architecture that nothing is known of */
export function portableKernels(architecture: string): Portable | undefined {
  return portableByArchitecture[architecture]
}
