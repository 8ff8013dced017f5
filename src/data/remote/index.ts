/** What other parts of `data` and other domains use of remotes. */
export { openFolderRemote } from './folder-remote.fs.ts'
export { type Incoming, type ReceiveOptions, readWhole, receiveObjects } from './receive.fs.ts'
export * from './remote.ts'
export { parseRemoteAddress, type RemoteAddress, type SshPlace } from './remote-address.ts'
export { openS3Remote, type S3RemoteOptions } from './s3-remote.http.ts'
export { openSftpRemote } from './sftp-remote.ts'
export { openSftp } from './sftp-session.exec.ts'
