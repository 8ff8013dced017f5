/**
 * What an interpreter says of itself, and what of it makes an environment's identity.
 *
 * The probe is Python that runs in the sandbox with `-I -S`: neither user site nor `.pth` nor environment variables are
 * read. Its answer is parsed as hostile.
 */
import { z } from 'zod'
import { DomainError, parseStrictJson, type Sha256 } from '../../core/index.ts'
import { type MarkerEnvironment, markerVariables } from './marker.ts'

const text = z.string().max(4096)

const probeShape = z.strictObject({
  implementation: z.string().regex(/^[a-z][a-z0-9_]{0,31}$/),
  /** As `sys.version`: number, build date and compiler. */
  build: text,
  version: z.tuple([z.int().min(2).max(99), z.int().min(0).max(99), z.int().min(0).max(999)]),
  cacheTag: z.string().regex(/^[a-z0-9-]{1,40}$/),
  freeThreaded: z.boolean(),
  debug: z.boolean(),
  soabi: text,
  /** As `sysconfig.get_platform()`: `linux-x86_64`. */
  platform: z.string().regex(/^[a-z0-9_.-]{1,60}$/),
  pointerBits: z.union([z.literal(32), z.literal(64)]),
  /** `glibc 2.36`, `musl 1.2` or empty. */
  libc: z.string().regex(/^((glibc|musl) \d{1,3}\.\d{1,3}(\.\d{1,3})*)?$/),
  basePrefix: text,
  executable: text,
  sharedLibrary: text,
  standardLibrary: text,
  modules: z.array(z.string().max(200)).max(10_000),
  markers: z.strictObject(Object.fromEntries(markerVariables.map((name) => [name, text]))),
})

export type InterpreterProbe = Readonly<Omit<z.infer<typeof probeShape>, 'markers'>> &
  Readonly<{ markers: MarkerEnvironment }>

/** @throws ERR_ENV_INTERPRETER when the answer has another shape */
export function parseProbe(bytes: Uint8Array): InterpreterProbe {
  const parsed = probeShape.safeParse(parseStrictJson(bytes, 'the answer of the interpreter'))
  if (parsed.success) return parsed.data as InterpreterProbe // the keys of `markers` are exactly the marker variables
  throw new DomainError('ERR_ENV_INTERPRETER', 'the interpreter does not say what it is', { cause: parsed.error })
}

/** An interpreter that was found, asked and digested. */
export type Interpreter = Readonly<{
  /** Real path of the binary on the host and inside. */
  path: string
  /** Folder that holds it: `/usr`, or the prefix that must be mounted. */
  prefix: string
  binary: Sha256
  /** Of libpython, where the interpreter is linked to one. */
  library?: Sha256
  probe: InterpreterProbe
}>

/**
 * The parts of an interpreter that identify an environment: nothing of where it is installed, nothing of the kernel, so
 * that two machines with the same interpreter agree.
 */
export function interpreterIdentity({ binary, library, probe }: Interpreter): Readonly<Record<string, string>> {
  return {
    binary,
    ...(library === undefined ? {} : { library }),
    build: probe.build,
    soabi: probe.soabi,
    platform: probe.platform,
    libc: probe.libc,
  }
}

export function versionText({ version }: InterpreterProbe): string {
  return version.join('.')
}

/** Prints one JSON document. Kept in the house style of Python 3.8. */
export const probeProgram = `
import json, os, platform, struct, sys, sysconfig
variables = sysconfig.get_config_vars()
info = sys.implementation.version
def full(v):
    text = '%d.%d.%d' % (v.major, v.minor, v.micro)
    return text if v.releaselevel == 'final' else text + {'alpha': 'a', 'beta': 'b', 'candidate': 'rc'}[v.releaselevel] + str(v.serial)
def libc():
    try:
        name = os.confstr('CS_GNU_LIBC_VERSION') or ''
    except (ValueError, OSError):
        name = ''
    if name.startswith('glibc '):
        return name
    if 'musl' in (variables.get('HOST_GNU_TYPE') or '') or 'musl' in (variables.get('SOABI') or ''):
        import glob, subprocess
        for loader in sorted(glob.glob('/lib/ld-musl-*.so.1')):
            said = subprocess.run([loader], stderr=subprocess.PIPE, universal_newlines=True).stderr
            for line in said.splitlines():
                if line.startswith('Version '):
                    return 'musl ' + line.split()[1]
    return ''
library = os.path.join(variables.get('LIBDIR') or '', variables.get('INSTSONAME') or '')
linked = bool(variables.get('Py_ENABLE_SHARED')) and library.find('.so') > 0 and os.path.isfile(library)
standard = os.path.dirname(os.__file__)
modules = getattr(sys, 'stdlib_module_names', None)
if modules is None:
    modules = set(sys.builtin_module_names) | {n.split('.')[0] for n in os.listdir(standard) if n.endswith('.py') or os.path.isfile(os.path.join(standard, n, '__init__.py'))}
print(json.dumps({
    'implementation': sys.implementation.name,
    'build': sys.version,
    'version': list(sys.version_info[:3]),
    'cacheTag': sys.implementation.cache_tag or '',
    'freeThreaded': bool(variables.get('Py_GIL_DISABLED')),
    'debug': bool(variables.get('Py_DEBUG')),
    'soabi': variables.get('SOABI') or '',
    'platform': sysconfig.get_platform(),
    'pointerBits': struct.calcsize('P') * 8,
    'libc': libc(),
    'basePrefix': sys.base_prefix,
    'executable': sys.executable,
    'sharedLibrary': os.path.realpath(library) if linked else '',
    'standardLibrary': standard,
    'modules': sorted(modules),
    'markers': {
        'os_name': os.name,
        'sys_platform': sys.platform,
        'platform_machine': platform.machine(),
        'platform_python_implementation': platform.python_implementation(),
        'platform_release': platform.release(),
        'platform_system': platform.system(),
        'platform_version': platform.version(),
        'python_version': '.'.join(platform.python_version_tuple()[:2]),
        'python_full_version': platform.python_version(),
        'implementation_name': sys.implementation.name,
        'implementation_version': full(info),
        'extra': '',
    },
}))
`
