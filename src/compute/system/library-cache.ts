/**
 * Where the dynamic linker finds a library: `/etc/ld.so.cache`, which stages see too. Pure.
 *
 * SOURCE: glibc, sysdeps/generic/dl-cache.h: magic and version (20 bytes), number of entries, 24 more bytes of header;
 * entries of 24 bytes: flags, name, path (offsets from the magic), OS version, hardware capabilities.
 */
const magic = 'glibc-ld.so.cache1.1'
const headerBytes = 48
const entryBytes = 24
/** LIMIT: entries; a Debian desktop has 3,000. */
const maxEntries = 200_000
/** FLAG_X8664_LIB64, FLAG_AARCH64_LIB64: the same name may stand there for another architecture too. */
const kindOf: Readonly<Record<string, number>> = { x64: 0x0300, arm64: 0x0a00 }

/**
 * Name -> absolute path, the first of each name, as the linker takes it.
 *
 * @param architecture as Node names it
 * @returns empty for what is no such cache
 */
export function parseLibraryCache(bytes: Buffer, architecture: string): ReadonlyMap<string, string> {
  const start = bytes.indexOf(magic, 0, 'latin1')
  const found = new Map<string, string>()
  if (start < 0 || bytes.length < start + headerBytes) return found
  const count = Math.min(bytes.readUInt32LE(start + magic.length), maxEntries)
  for (let index = 0; index < count; index += 1) {
    const at = start + headerBytes + index * entryBytes
    if (at + entryBytes > bytes.length) break
    if ((bytes.readUInt32LE(at) & 0xff00) !== kindOf[architecture]) continue
    const name = textAt(bytes, start + bytes.readUInt32LE(at + 4))
    const path = textAt(bytes, start + bytes.readUInt32LE(at + 8))
    if (name !== '' && path.startsWith('/') && !found.has(name)) found.set(name, path)
  }
  return found
}

function textAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at)
  return at >= bytes.length || end < 0 || end - at > 4096 ? '' : bytes.toString('utf8', at, end)
}

/** The C library and what numbers come from: the same names wherever a package keeps them. */
const core =
  /^(?:ld-linux[\w.-]*|ld-musl[\w.-]*|libc\.(?:so\.6|musl[\w.-]*)|lib(?:m|pthread|mvec|gomp|stdc\+\+|gcc_s|gfortran|quadmath)\.so\.\d+|lib[\w-]*(?:blas|lapack|mkl_rt|blis|flexiblas|tbb)[\w.-]*\.so[\w.]*)$/i

export function isCoreLibrary(name: string): boolean {
  return core.test(name)
}

/**
 * Whether the linker takes it from a folder that packages do not fill, such as `/usr/local/lib/x86_64-linux-gnu`.
 *
 * Of what lies outside of /usr a stage is shown no more than /lib, so nothing else is.
 */
export function isLocalLibrary(path: string): boolean {
  return path.startsWith('/usr/') && !/^\/usr\/lib(?:32|64|x32|o32)?\//.test(path)
}
