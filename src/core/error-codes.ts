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
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable
