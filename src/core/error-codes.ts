/**
 * Every code that assay can say, in one table: what it means, how the process exits, what to do next.
 *
 * `docs/reference/errors.md` is printed from this table, and a test holds the two and the code to the same set.
 * Exit: 1 a check said no, 2 the user's input is wrong, 3 a stage's command failed, 4 the world failed.
 */
export type ErrorEntry = Readonly<{ exit: 1 | 2 | 3 | 4; meaning: string; help: string }>

export const errorTable = {
  // usage and the world
  ERR_USAGE: { exit: 2, meaning: 'The command line is not understood.', help: 'run the command with --help' },
  ERR_INTERNAL: {
    exit: 4,
    meaning: 'An invariant of assay failed; nothing was signed.',
    help: 'report it with the command and its output',
  },
  ERR_IO: {
    exit: 4,
    meaning: 'A file could not be read or written.',
    help: 'look at the path, its permissions and the free space',
  },
  ERR_DISK_FULL: {
    exit: 4,
    meaning: 'The disk is full; the store is consistent.',
    help: 'free space (assay gc), then run again',
  },
  ERR_INPUT_MALFORMED: {
    exit: 2,
    meaning: 'A file is not what its format says.',
    help: 'mend the file at the place named',
  },
  ERR_INPUT_TOO_LARGE: {
    exit: 2,
    meaning: 'A file is over the limit that assay reads.',
    help: 'make the file smaller; the limits stand in docs/reference/limits.md',
  },
  ERR_PATH_UNSAFE: {
    exit: 2,
    meaning: 'A path leaves the project or its name is not plain.',
    help: 'use a plain relative path inside the project',
  },
  // project, plan and run
  ERR_PROJECT_MISSING: {
    exit: 2,
    meaning: 'There is no project here: no assay.yaml, no .dvc folder and no dvc.yaml in this folder or above it.',
    help: 'go to the project, or make one with assay init',
  },
  ERR_STAGE_UNKNOWN: {
    exit: 2,
    meaning: 'A stage was named that is not defined.',
    help: 'list the stages with assay status',
  },
  ERR_LOCK_MALFORMED: {
    exit: 2,
    meaning: 'assay.lock is not what assay writes.',
    help: 'take assay.lock from the last commit, or delete it and run again',
  },
  ERR_STAGE_FAILED: {
    exit: 3,
    meaning: 'The command of a stage ended with an error.',
    help: 'read its log with assay logs --stage NAME',
  },
  ERR_STAGE_NETWORK_DENIED: {
    exit: 1,
    meaning: 'A stage tried to reach the network, which it may not.',
    help: 'see where to with assay run --trace STAGE; fetch the data beforehand and register it with assay data add',
  },
  ERR_STAGE_UNDECLARED_READ: {
    exit: 3,
    meaning: 'A stage asked for a file that it does not declare and therefore cannot see.',
    help: 'add the file to the deps of the stage in dvc.yaml',
  },
  ERR_STAGE_LIMIT: {
    exit: 3,
    meaning: 'A stage was ended because it went over a limit: time, memory, processes or output.',
    help: 'raise the limit in assay.yaml (limits) when the stage needs it',
  },
  ERR_STAGE_UPSTREAM: {
    exit: 1,
    meaning: 'A stage was not started, since one that it needs did not succeed.',
    help: 'mend the first failure',
  },
  ERR_OUT_MISSING: {
    exit: 1,
    meaning: 'A stage ended well but did not write an out that it declares.',
    help: 'write the out, or take it from dvc.yaml',
  },
  ERR_OUT_REFUSED: {
    exit: 1,
    meaning:
      'A stage wrote an out that is not plain data: a link, socket, device, set-uid file, hostile name or sparse monster.',
    help: 'write regular files and folders only',
  },
  ERR_DATA_MISSING: {
    exit: 2,
    meaning: 'A dep is not in the workspace and no stage makes it.',
    help: 'get the data first (dvc pull TARGET)',
  },
  ERR_RUN_LEVEL: {
    exit: 1,
    meaning: 'The run did not reach the level that --require-level asks for.',
    help: 'assay verify says what is missing',
  },
  ERR_RUN_CANCELLED: {
    exit: 4,
    meaning: 'The run was stopped from outside.',
    help: 'run again: finished stages are kept',
  },
  ERR_RUN_UNKNOWN: {
    exit: 2,
    meaning: 'A run was named that is not on record here.',
    help: 'leave the name out for the latest run',
  },
  ERR_RUN_BUSY: { exit: 4, meaning: 'Another assay process is running this project.', help: 'wait until it has ended' },
  ERR_NETWORK_LIST_UNSUPPORTED: {
    exit: 1,
    meaning: 'A stage lists hosts that it may reach, which needs the logging proxy that this version does not have.',
    help: 'set network: none and fetch the data beforehand',
  },
  ERR_SECRETS_UNSUPPORTED: {
    exit: 1,
    meaning: 'A stage asks for secrets, which needs the broker that this version does not have.',
    help: 'take secrets from the stage',
  },
  ERR_ENV_VARIABLE_MISSING: {
    exit: 2,
    meaning: 'A stage passes a variable through that the caller does not have.',
    help: 'set the variable, or give its value in assay.yaml',
  },
  ERR_EVIDENCE_MISSING: {
    exit: 1,
    meaning: 'There is no evidence for an artifact.',
    help: 'make it with assay run, or import its evidence',
  },
  ERR_DEFINITION_INVALID: {
    exit: 2,
    meaning: 'A dvc.yaml or .dvc file is not what DVC would accept.',
    help: 'mend the file at the place named',
  },
  ERR_DEFINITION_CYCLE: {
    exit: 2,
    meaning: 'Stages depend on each other in a circle.',
    help: 'take one of the deps or outs out of the circle',
  },
  ERR_OUT_OVERLAP: {
    exit: 2,
    meaning: 'Two outs are the same path, or one lies inside the other.',
    help: 'give each out its own path',
  },
  ERR_PARAMS_INVALID: {
    exit: 2,
    meaning: 'A params file cannot be read, or a parameter that is asked for is not in it.',
    help: 'mend the params file, or the name of the parameter',
  },
  ERR_SETTINGS_INVALID: {
    exit: 2,
    meaning: 'assay.yaml is not what its format says.',
    help: 'mend the file at the place named',
  },
  ERR_ENV_UNSUPPORTED: {
    exit: 2,
    meaning: 'The environment is of a kind that this version cannot build.',
    help: 'use a hash-locked requirements.txt for Python, or the environment host',
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable
