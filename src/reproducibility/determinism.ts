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
