/** The only file of `data` that other domains import. */

export { openZip, type ZipArchive } from './archive/zip.fs.ts'
export { type Bound, type BoundKind, isLooser, largestThresholds, ownBounds } from './bounds.ts'
export { type CheckoutOptions, checkoutCommit } from './checkout.fs.ts'
export { type Collected, type CollectOptions, collectGarbage, sweepStore } from './collect-garbage.fs.ts'
export {
  type Contract,
  chooseTable,
  draftContract,
  isCalledLike,
  otherTables,
  parseContract,
  stemOf,
} from './contract/index.ts'
export type { DigestFilesOptions } from './digest-files.fs.ts'
export { type DigestPathOptions, digestPath, ingestPath, type Seen, seePath } from './digest-tree.fs.ts'
export { legacyMd5s } from './dos2unix-md5.fs.ts'
export { type DvcCache, type DvcCacheOptions, type DvcName, openDvcCache } from './dvc-cache.fs.ts'
export { type DvcListEntry, md5OfText, printDvcList } from './dvc-folder-list.ts'
export { type FetchedFile, fetchFile, forgetPart } from './fetch-file.http.ts'
export { fileTypeOf, imageTypes } from './files/file-type.ts'
export { hasTwoClasses } from './files/folders.ts'
export { parseFolderList } from './folder-list.ts'
export type { CallerEnvironment } from './git.exec.ts'
export { nameOfObject } from './git-objects.ts'
export { hashFiles } from './hash-files.fs.ts'
export {
  type HttpAnswer,
  type HttpClient,
  type HttpRequest,
  type MayReach,
  type NetworkRoute,
  openHttpClient,
  PassingFault,
  withoutCredentials,
} from './http-client.http.ts'
export {
  addSource,
  type Classification,
  classifications,
  markRevoked,
  type Person,
  parseSources,
  type Revocation,
  recordableAddress,
  replaceSource,
  type Source,
} from './inventory.ts'
export { errnoOf, ioFault, withIoFaults } from './io-fault.ts'
export { isLicenceExpression } from './licence.ts'
export { mapInput } from './map-input.ts'
export type { Md5Memory } from './md5-memory.ts'
export { keepToOwner } from './object-close.fs.ts'
export { sweepRestores } from './object-restore.fs.ts'
export { openObjectStore } from './object-store.fs.ts'
export type * from './object-store.ts'
export {
  bundleName,
  eachBounded,
  folderName,
  type Incoming,
  type Outgoing,
  objectName,
  openFolderRemote,
  openS3Remote,
  openSftp,
  openSftpRemote,
  parseRemoteAddress,
  proofName,
  type Remote,
  type RemoteAddress,
  readWhole,
  receiveObjects,
  remoteFault,
  remoteMark,
  remoteMarkText,
  reproductionName,
} from './remote/index.ts'
export { chartOf } from './report/chart.ts'
export { type Child, element, fragment, type Html, picture, text } from './report/html.ts'
export { printPage, tile } from './report/page.ts'
export { pngOf } from './report/png.ts'
export { printReport } from './report/print-report.ts'
export { openIgnored, openRepository, type RepositoryOptions } from './repository.exec.ts'
export type * from './repository.ts'
export { listS3, parseS3Address, type S3Object, s3SettingsOf, s3Signer, s3Url } from './s3.http.ts'
export { sampleSeed } from './sample-seed.ts'
export {
  type ApprovalFact,
  decideInput,
  type Input,
  newestFirst,
  refuseExpired,
  type SourceState,
  type SourceStatus,
  sourceStatus,
} from './source-status.ts'
export { jsonFact, openStatCache, type StatCache } from './stat-cache.sqlite.ts'
export { timesUntilLarge } from './statistics/index.ts'
export { isTableName } from './table/format.ts'
export { isTable } from './table/job-marks.ts'
export { unpackGzip } from './table/unpack.fs.ts'
export {
  type Allowance,
  type Baseline,
  type BoxRunner,
  type CheckVerdict,
  type ColumnFact,
  type DataCheck,
  type Dataset,
  type DatasetDiff,
  type DatasetMeasure,
  type DatasetReport,
  type DifferenceAnswer,
  defaultLimits,
  diffDatasets,
  drawImages,
  type Findings,
  findIn,
  imageDecoder,
  isToLookAt,
  type JudgedRows,
  type LookMemory,
  maxPixels,
  measureDifference,
  openLookMemory,
  type Picture,
  parseBaseline,
  printBaseline,
  profileDataset,
  type Questions,
  type RowVerdict,
  type StampedRows,
  type SuspectRow,
  stampDataset,
  unmeasuredColumns,
  type ValidatorOptions,
  type Version,
  validateDataset,
  validatorDigest,
  validatorEngine,
  worstOf,
} from './validate/index.ts'
export { maskedBelow, walkPlain } from './walk-plain.fs.ts'
export { setInYaml } from './yaml-edit.ts'
