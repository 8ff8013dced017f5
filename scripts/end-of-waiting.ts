/**
 * Loaded before each test file: ends the file's process when it has lived for `ASSAY_TEST_FILE_MS` ms. A test that times out has
 * failed, but what it waits for (a server, a child) would keep the file, and with it the whole run, alive for ever. Nothing is kept
 * alive by this timer itself.
 */
const limit = Number(process.env['ASSAY_TEST_FILE_MS'])
if (!(limit > 0)) throw new Error('ASSAY_TEST_FILE_MS is not set to a number of milliseconds')
setTimeout(() => {
  console.error(`this file was still running after ${limit / 60_000} min`)
  process.exit(1)
}, limit).unref()
