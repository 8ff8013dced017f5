"""Tries to get out of the sandbox that it runs in, and prints what it found as JSON lines.

    python3 probe.py CONFIG.json

Kinds: an *escape* reaches or changes something outside, or gains a power that no stage needs; a *leak* learns something of
the machine, its users or the project's place; *surface* is a door of the kernel that stands open without need. Each probe
answers whether it got out. Canaries are planted by whoever starts it (probe.test.ts); without one a probe tries what it can.
"""
import ctypes
import errno
import fcntl
import glob
import json
import mmap
import os
import platform
import re
import resource
import signal
import socket
import stat
import struct
import sys
import time

DESCRIPTORS = os.listdir('/proc/self/fd')
CONFIG = json.load(open(sys.argv[1]))
X64 = platform.machine() == 'x86_64'
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
PROBES = []

NR = dict(x.split(':') for x in (
    'ptrace:101/117 syslog:103/116 mount:165/40 umount2:166/39 swapon:167/224 reboot:169/142 sethostname:170/161 '
    'setdomainname:171/162 init_module:175/105 finit_module:313/273 delete_module:176/106 kexec_load:246/104 '
    'kexec_file_load:320/294 acct:163/89 settimeofday:164/170 clock_settime:227/112 adjtimex:159/171 quotactl:179/60 '
    'quotactl_fd:443/443 bpf:321/280 perf_event_open:298/241 userfaultfd:323/282 process_vm_readv:310/270 '
    'process_vm_writev:311/271 kcmp:312/272 lookup_dcookie:212/18 open_by_handle_at:304/265 name_to_handle_at:303/264 '
    'mbind:237/235 set_mempolicy:238/237 migrate_pages:256/238 move_pages:279/239 io_uring_setup:425/425 '
    'fanotify_init:300/262 setns:308/268 unshare:272/97 fsopen:430/430 fspick:433/433 move_mount:429/429 open_tree:428/428 '
    'mount_setattr:442/442 memfd_secret:447/447 pidfd_open:434/434 pidfd_getfd:438/438 process_madvise:440/440 keyctl:250/219 '
    'add_key:248/217 request_key:249/218 clone:56/220 clone3:435/435 pivot_root:155/41 chroot:161/51 personality:135/92 '
    'vmsplice:278/75 vhangup:153/58 remap_file_pages:216/234 statmount:457/457 listmount:458/458 iopl:172/- ioperm:173/- '
    'modify_ldt:154/- ustat:136/- sysfs:139/- capset:126/91 setuid:105/146 process_mrelease:448/448 lsm_list_modules:461/461'
).split())
NR = {name: pair.split('/')[0 if X64 else 1] for name, pair in NR.items()}
NR = {name: int(number) for name, number in NR.items() if number != '-'}


def call(name, *args):
    """A raw system call: (result, errno)."""
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(NR[name]), *[ctypes.c_void_p(a) if isinstance(a, int) else a for a in args])
    return result, ctypes.get_errno()


def worked(name, *args):
    return call(name, *args)[0] >= 0


def probe(kind):
    def register(function):
        PROBES.append((kind, function.__name__, function))
        return function
    return register


escape, leak = probe('escape'), probe('leak')


def surface(name, function):
    PROBES.append(('surface', name, function))


def in_child(function, seconds=5):
    """Runs it in a forked child; True only when the child says so. A child that is killed did not get out."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(seconds)
            os.write(write, b'1' if function() else b'0')
        except BaseException:
            pass
        os._exit(0)
    os.close(write)
    answer = os.read(read, 1)
    os.close(read)
    os.waitpid(child, 0)
    return answer == b'1'


def reads(path):
    with open(path, 'rb') as file:
        return len(file.read(1)) == 1


def writes(path):
    with open(path, 'r+b', buffering=0) as file:
        return file.write(file.read(1) or b'x') >= 0


def canary_in(path):
    with open(path, 'rb') as file:
        return CONFIG['canary'].encode() in file.read(1 << 20)


# --- the file tree ---------------------------------------------------------------------------------------------------
@escape
def read_canary_by_its_path(): return canary_in(CONFIG['canaryFile'])
@escape
def read_canary_through_proc_1_root(): return canary_in('/proc/1/root' + CONFIG['canaryFile'])
@escape
def read_canary_through_own_root(): return canary_in('/proc/self/root/../../..' + CONFIG['canaryFile'])
@escape
def read_canary_through_any_process():
    for link in glob.glob('/proc/[0-9]*/root') + glob.glob('/proc/[0-9]*/cwd'):
        try:
            if canary_in(link + CONFIG['canaryFile']):
                return True
        except OSError:
            pass
    return False
@escape
def read_canary_by_climbing(): return canary_in('../' * 30 + CONFIG['canaryFile'].lstrip('/'))
@escape
def read_canary_through_open_descriptor():
    for fd in range(3, 256):
        try:
            os.lseek(fd, 0, 0)
            if CONFIG['canary'].encode() in os.read(fd, 4096):
                return True
        except OSError:
            pass
    return False
@escape
def read_file_beside_the_project(): return any('store' in os.listdir(p) for p in ('..', '/project/..') if os.path.isdir(p))
@escape
def write_usr(): return bool(os.open('/usr/assay-probe', os.O_CREAT | os.O_WRONLY))
@escape
def write_etc_passwd(): return bool(os.open('/etc/passwd', os.O_WRONLY))
@escape
def create_in_etc(): return bool(os.open('/etc/assay-probe', os.O_CREAT | os.O_WRONLY))
@escape
def write_view_file(): return bool(os.open(CONFIG['viewFile'], os.O_WRONLY))
@escape
def truncate_view_file(): return os.truncate(CONFIG['viewFile'], 0) is None
@escape
def chmod_view_file(): return os.chmod(CONFIG['viewFile'], 0o666) is None
@escape
def unlink_view_file(): return os.unlink(CONFIG['viewFile']) is None
@escape
def rename_view_file(): return os.rename(CONFIG['viewFile'], CONFIG['viewFile'] + '.x') is None
@escape
def replace_neighbour_of_out():
    own = os.path.dirname(CONFIG['outFile']) + '/replacement'
    open(own, 'w').close()
    return os.rename(own, CONFIG['neighbour']) is None
@escape
def write_neighbour_of_out(): return bool(os.open(CONFIG['neighbour'], os.O_WRONLY))
@escape
def unlink_neighbour_of_out(): return os.unlink(CONFIG['neighbour']) is None
@escape
def link_view_file_to_scratch(): return os.link(CONFIG['viewFile'], CONFIG['outFile'] + '.link') is None
@escape
def link_neighbour_to_scratch(): return os.link(CONFIG['neighbour'], CONFIG['outFile'] + '.link') is None
@escape
def reopen_view_file_for_writing():
    fd = os.open(CONFIG['viewFile'], os.O_RDONLY)
    return bool(os.open('/proc/self/fd/%d' % fd, os.O_RDWR))
@escape
def map_view_file_shared():
    fd = os.open(CONFIG['viewFile'], os.O_RDONLY)
    return mmap.mmap(fd, 1, mmap.MAP_SHARED, mmap.PROT_WRITE | mmap.PROT_READ) is not None
@escape
def set_times_of_view_file(): return os.utime(CONFIG['viewFile'], (0, 0)) is None
@escape
def set_attribute_of_view_file(): return os.setxattr(CONFIG['viewFile'], 'user.x', b'1') is None
@escape
def create_beside_view_file(): return bool(os.open(os.path.dirname(CONFIG['viewFile']) + '/new', os.O_CREAT | os.O_WRONLY))

# --- mounts and namespaces -------------------------------------------------------------------------------------------
@escape
def remount_project_writable(): return worked('mount', b'none', b'/project', None, 32 | 4096, None)
@escape
def remount_root_writable(): return worked('mount', b'none', b'/', None, 32 | 4096, None)
@escape
def bind_mount(): return worked('mount', b'/usr', b'/tmp', None, 4096, None)
@escape
def unmount_project(): return worked('umount2', b'/project', 2)
@escape
def unmount_mask(): return worked('umount2', b'/proc/kcore', 2)
@escape
def mount_tmpfs(): return worked('mount', b'none', b'/tmp', b'tmpfs', 0, None)
@escape
def mount_proc(): return worked('mount', b'none', b'/tmp', b'proc', 0, None)
@escape
def mount_sysfs(): return worked('mount', b'none', b'/tmp', b'sysfs', 0, None)
@escape
def mount_cgroup(): return worked('mount', b'none', b'/tmp', b'cgroup2', 0, None)
@escape
def pivot_the_root(): return worked('pivot_root', b'/tmp', b'/tmp')
@escape
def change_root(): return in_child(lambda: worked('chroot', b'/tmp'))
@escape
def new_mount_api(): return worked('fsopen', b'tmpfs', 0)
@escape
def clone_a_tree(): return worked('open_tree', -100, b'/project', 1)
@escape
def set_mount_attributes(): return worked('mount_setattr', -100, b'/project', 0, ctypes.create_string_buffer(struct.pack('QQQQ', 0, 1, 0, 0), 32), 32)
@escape
def unshare_user(): return in_child(lambda: worked('unshare', 0x10000000))
@escape
def unshare_mounts(): return in_child(lambda: worked('unshare', 0x20000))
@escape
def unshare_network(): return in_child(lambda: worked('unshare', 0x40000000))
@escape
def unshare_pids(): return in_child(lambda: worked('unshare', 0x20000000))
@escape
def clone_user_namespace():
    def attempt():
        result = call('clone', 0x10000000 | 17, 0, 0, 0, 0)[0]
        if result == 0:
            os._exit(0)
        return result > 0
    return in_child(attempt)
@escape
def clone3_user_namespace():
    def attempt():
        arguments = ctypes.create_string_buffer(struct.pack('QQQQQQQQ', 0x10000000, 0, 0, 0, 17, 0, 0, 0), 64)
        result = call('clone3', arguments, 64)[0]
        if result == 0:
            os._exit(0)
        return result > 0
    return in_child(attempt)
@escape
def join_namespace_of_init():
    return any(in_child(lambda n=n: worked('setns', os.open('/proc/1/ns/' + n, os.O_RDONLY), 0)) for n in ('mnt', 'net', 'pid', 'user'))
@escape
def open_by_handle(): return call('open_by_handle_at', 0, ctypes.create_string_buffer(128), 0)[1] not in (errno.EPERM, errno.ENOSYS)

# --- devices, kernel, hardware ---------------------------------------------------------------------------------------
def node(kind, major, minor):
    path = os.path.dirname(CONFIG['outFile']) + '/node-%d-%d' % (major, minor)
    os.mknod(path, kind | 0o666, os.makedev(major, minor))
    return True
@escape
def make_block_device(): return node(stat.S_IFBLK, 254, 0)
@escape
def make_memory_device(): return node(stat.S_IFCHR, 1, 1)
@escape
def make_kmsg_device(): return node(stat.S_IFCHR, 1, 11)
@escape
def open_disks_and_memory():
    return any(os.access(p, os.R_OK) and reads(p) for p in ['/dev/mem', '/dev/kmem', '/dev/port'] + glob.glob('/dev/sd*') + glob.glob('/dev/vd*') + glob.glob('/dev/nvme*'))
@escape
def read_kernel_memory(): return reads('/proc/kcore')
@escape
def press_sysrq(): return bool(os.open('/proc/sysrq-trigger', os.O_WRONLY))
@escape
def write_core_pattern(): return bool(os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY))
@escape
def write_a_sysctl(): return any(os.access(p, os.W_OK) and writes(p) for p in ('/proc/sys/vm/overcommit_memory', '/proc/sys/kernel/randomize_va_space', '/proc/sys/net/ipv4/ip_forward', '/proc/sys/net/ipv4/ping_group_range', '/proc/sys/user/max_user_namespaces', '/proc/sys/kernel/shmmax'))
@escape
def write_sys(): return any(os.access(p, os.W_OK) for p in ('/sys/kernel', '/sys/fs/cgroup', '/sys/power/state'))
@escape
def load_a_module(): return call('init_module', b'x', 1, b'')[1] not in (errno.EPERM, errno.ENOSYS)
@escape
def load_a_kernel(): return call('kexec_load', 0, 0, 0, 0)[1] not in (errno.EPERM, errno.ENOSYS)
@escape
def set_hostname(): return worked('sethostname', b'probe', 5)
@escape
def set_clock(): return worked('adjtimex', ctypes.create_string_buffer(struct.pack('I', 1), 512)) and worked('settimeofday', ctypes.create_string_buffer(16), 0)
@escape
def port_access(): return X64 and (worked('iopl', 3) or worked('ioperm', 0x80, 1, 1))
@escape
def account_processes(): return worked('acct', 0)
@escape
def swap_on(): return call('swapon', b'/tmp/none', 0)[1] not in (errno.EPERM, errno.ENOSYS)
@escape
def restart_machine(): return call('reboot', 0xfee1dead, 672274793, 0x89ABCDEF, 0)[1] not in (errno.EPERM, errno.ENOSYS)

# --- power -----------------------------------------------------------------------------------------------------------
@escape
def become_root(): return in_child(lambda: worked('setuid', 0))
@escape
def hold_capabilities():
    text = open('/proc/self/status').read()
    return any(int(re.search(r'^%s:\s+(\w+)' % n, text, re.M)[1], 16) for n in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'))
@escape
def gain_new_privileges(): return re.search(r'^NoNewPrivs:\s+1', open('/proc/self/status').read(), re.M) is None
@escape
def run_set_uid_program():
    def attempt():
        for program in ('/usr/bin/su', '/usr/bin/mount', '/usr/bin/passwd', '/usr/bin/newgrp'):
            if os.path.exists(program) and os.stat(program).st_mode & stat.S_ISUID:
                # a set-uid program that took effect would not be dumpable, and its uid would differ
                flags = os.statvfs(program).f_flag
                return not (flags & os.ST_NOSUID) and re.search(r'^NoNewPrivs:\s+1', open('/proc/self/status').read(), re.M) is None
        return False
    return attempt()
@escape
def raise_limits():
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NOFILE):
        hard = resource.getrlimit(limit)[1]
        if hard != resource.RLIM_INFINITY:
            try:
                resource.setrlimit(limit, (hard + 1, hard + 1))
                return True
            except (ValueError, OSError):
                pass
    return False
@escape
def dump_core(): return resource.getrlimit(resource.RLIMIT_CORE)[1] != 1  # 0 does not keep a collector of the machine from it
@escape
def raise_priority(): return in_child(lambda: os.nice(-5) is not None)
@escape
def run_real_time(): return in_child(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10)) is None)
@escape
def leave_control_group(): return any(os.access(p, os.W_OK) for p in glob.glob('/sys/fs/cgroup/*/cgroup.procs') + ['/sys/fs/cgroup/cgroup.procs'])

# --- other processes -------------------------------------------------------------------------------------------------
@escape
def signal_host_process(): return CONFIG['hostPid'] > 4000 and os.kill(CONFIG['hostPid'], 0) is None
@escape
def signal_by_descriptor(): return worked('pidfd_open', CONFIG['hostPid'], 0) and CONFIG['hostPid'] > 4000
@escape
def trace_init(): return worked('ptrace', 0x4206, 1, 0, 0)  # PTRACE_SEIZE: does not stop it
@escape
def trace_own_child():
    child = os.fork()
    if child == 0:
        time.sleep(3)
        os._exit(0)
    try:
        return worked('ptrace', 0x4206, child, 0, 0)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
@escape
def write_memory_of_init(): return bool(os.open('/proc/1/mem', os.O_RDWR))
@escape
def read_host_facts_in_memory_of_init():
    secrets = [CONFIG['canary'].encode(), CONFIG['projectPlace'].encode()]
    with open('/proc/1/mem', 'rb', buffering=0) as memory:
        for line in open('/proc/1/maps'):
            start, end = (int(x, 16) for x in line.split()[0].split('-'))
            if ' r' not in line or end - start > 1 << 26:
                continue
            try:
                memory.seek(start)
                if any(secret in (memory.read(end - start) or b'') for secret in secrets):
                    return True
            except (OSError, OverflowError, ValueError):
                pass
    return False
@escape
def read_memory_by_call():
    buffer = ctypes.create_string_buffer(16)
    vector = ctypes.create_string_buffer(struct.pack('QQ', ctypes.addressof(buffer), 16), 16)
    return call('process_vm_readv', 1, vector, 1, vector, 1, 0)[1] not in (errno.EPERM, errno.ENOSYS)
@escape
def take_descriptor_of_init():
    fd = call('pidfd_open', 1, 0)[0]
    return fd >= 0 and worked('pidfd_getfd', fd, 0, 0)
@escape
def see_host_processes(): return os.path.isdir('/proc/%d' % CONFIG['hostPid']) and CONFIG['hostPid'] > 4000
@escape
def shared_memory_of_host(): return CONFIG['sharedMemory'] != 0 and libc.shmget(CONFIG['sharedMemory'], 0, 0) >= 0
@escape
def join_session_keyring(): return call('keyctl', 1, None)[0] >= 0
@escape
def read_session_keyring(): return call('keyctl', 11, ctypes.c_void_p(-3), ctypes.create_string_buffer(64), 64)[0] >= 0
@escape
def add_a_key(): return worked('add_key', b'user', b'probe', b'x', 1, ctypes.c_void_p(-3))

# --- terminal --------------------------------------------------------------------------------------------------------
def terminal(request):
    for path in ('/dev/tty', '/dev/console', '/proc/self/fd/0', '/proc/self/fd/1'):
        try:
            fcntl.ioctl(os.open(path, os.O_RDWR | os.O_NONBLOCK), request, b'x')
            return True
        except OSError:
            pass
    master, slave = os.openpty()
    try:
        fcntl.ioctl(slave, request, b'x')
        return True
    except OSError as error:
        return error.errno not in (errno.EPERM, errno.ENOSYS, errno.EIO, errno.ENOTTY)
@escape
def type_into_terminal(): return terminal(0x5412)
@escape
def paste_into_console(): return terminal(0x541C)

# --- network ---------------------------------------------------------------------------------------------------------
def sock(family, kind, protocol=0): return socket.socket(family, kind, protocol)
@escape
def reach_host_loopback():
    s = sock(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(2)
    return s.connect(('127.0.0.1', CONFIG['tcpPort'])) is None
@escape
def reach_internet():
    s = sock(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(2)
    return s.connect(('198.51.100.1', 443)) is None
@escape
def reach_metadata():
    s = sock(socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(2)
    return s.connect(('169.254.169.254', 80)) is None
@escape
def send_udp(): return sock(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.1', 53)) > 0
@escape
def send_udp6(): return sock(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b'x', ('2001:db8::1', 53)) > 0
@escape
def send_multicast(): return sock(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('224.0.0.251', 5353)) > 0
@escape
def send_broadcast():
    s = sock(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return s.sendto(b'x', ('255.255.255.255', 9)) > 0
@escape
def resolve_a_name(): return bool(socket.getaddrinfo('example.org', 443))
@escape
def reach_abstract_socket():
    s = sock(socket.AF_UNIX, socket.SOCK_STREAM)
    return s.connect('\0' + CONFIG['abstractSocket']) is None
@escape
def reach_path_socket():
    s = sock(socket.AF_UNIX, socket.SOCK_STREAM)
    return s.connect(CONFIG['pathSocket']) is None
@escape
def reach_services():
    for path in ('/run/dbus/system_bus_socket', '/var/run/docker.sock', '/run/podman/podman.sock', '/run/containerd/containerd.sock', '/run/systemd/private', '/run/user'):
        if os.path.exists(path):
            return True
    return False
@escape
def reach_hypervisor(): return sock(40, socket.SOCK_STREAM) is not None
@escape
def raw_packets(): return sock(socket.AF_PACKET, socket.SOCK_RAW, 3) is not None
@escape
def raw_ip(): return sock(socket.AF_INET, socket.SOCK_RAW, 1) is not None
@escape
def bring_up_interface():
    s = sock(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.bind((0, 0))
    s.send(struct.pack('IHHIIBBHiII', 32, 16, 5 | 0x600, 1, 0, 0, 0, 0, 0, 0, 0) + b'')
    return struct.unpack('i', s.recv(4096)[16:20])[0] == 0
@escape
def set_address(): return fcntl.ioctl(sock(socket.AF_INET, socket.SOCK_DGRAM), 0x8916, struct.pack('16sH2s4s8s', b'lo', socket.AF_INET, b'', socket.inet_aton('10.0.0.1'), b'')) is not None

# --- other doors of the processor ------------------------------------------------------------------------------------
def machine_code(code):
    def attempt():
        page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        result = ctypes.CFUNCTYPE(ctypes.c_long)(address)()
        return 0 < ctypes.c_int(result).value
    return in_child(attempt)
@escape
def call_by_32_bit_door(): return X64 and machine_code(b'\x53\xb8\x14\x00\x00\x00\xcd\x80\x5b\xc3')  # int 0x80: getpid
@escape
def call_by_x32_door(): return X64 and in_child(lambda: libc.syscall(ctypes.c_long(0x40000000 + 39)) > 0)
@escape
def switch_off_randomisation(): return call('personality', 0x40000)[0] >= 0

# --- leaks -----------------------------------------------------------------------------------------------------------
@leak
def environment_of_caller(): return CONFIG['canary'] in json.dumps(dict(os.environ)) or canary_in('/proc/1/environ')
@leak
def environment_of_others(): return any(canary_in(p) for p in glob.glob('/proc/[0-9]*/environ') if os.access(p, os.R_OK))
@leak
def name_of_host(): return CONFIG['hostName'] in (open('/proc/sys/kernel/hostname').read() + ' ' + open('/etc/hosts').read() + ' ' + socket.gethostname()).split()
@leak
def names_of_users(): return len(open('/etc/passwd').readlines()) > 3 or bool(glob.glob('/home/*/.ssh') + glob.glob('/root/*'))
@leak
def identity_of_machine(): return os.path.exists('/etc/machine-id') or os.path.exists('/var/lib/dbus/machine-id') or open('/proc/sys/kernel/random/boot_id').read().strip() == CONFIG['bootId']
@leak
def command_line_of_kernel(): return reads('/proc/cmdline')
@leak
def messages_of_kernel():
    buffer = ctypes.create_string_buffer(256)
    return call('syslog', 3, buffer, 256)[0] > 0 or (os.access('/dev/kmsg', os.R_OK) and reads('/dev/kmsg'))
@leak
def interfaces_of_host(): return len(open('/proc/net/dev').readlines()) > 3
@leak
def connections_of_host(): return any(len(open('/proc/net/' + n).readlines()) > 1 for n in ('tcp', 'udp', 'unix', 'arp') if os.path.exists('/proc/net/' + n))
@leak
def processes_of_host(): return len([p for p in os.listdir('/proc') if p.isdigit()]) > 12
@leak
def place_of_project(): return CONFIG['projectPlace'] in ''.join(os.readlink(p) for p in glob.glob('/proc/self/fd/*') if os.path.lexists(p)) + os.getcwd() + open('/proc/1/cmdline').read()
@leak
def place_of_project_in_mount_table(): return CONFIG['projectPlace'] in open('/proc/self/mountinfo').read()
@leak
def addresses_of_kernel(): return any(not line.startswith('0000000000000000') for line in open('/proc/kallsyms').readlines()[:50]) or reads('/proc/kallsyms')
@leak
def control_group_of_host(): return any(line.strip().split(':', 2)[2] != '/' for line in open('/proc/self/cgroup'))
@leak
def disks_of_host(): return reads('/proc/partitions') or reads('/proc/diskstats')
@leak
def kernel_clock_and_processor(): return reads('/proc/version') and reads('/proc/uptime') and reads('/proc/cpuinfo') and reads('/proc/meminfo')


# --- surface ---------------------------------------------------------------------------------------------------------
REFUSED = (errno.EPERM, errno.ENOSYS)
for each in ('bpf perf_event_open userfaultfd io_uring_setup keyctl add_key request_key kexec_load kexec_file_load init_module '
             'finit_module delete_module open_by_handle_at name_to_handle_at quotactl quotactl_fd lookup_dcookie kcmp '
             'process_vm_readv process_vm_writev ptrace fanotify_init mbind set_mempolicy move_pages migrate_pages memfd_secret '
             'process_madvise process_mrelease mount umount2 fsopen fspick open_tree move_mount statmount listmount setns unshare '
             'vmsplice syslog vhangup remap_file_pages lsm_list_modules modify_ldt ustat sysfs clone3').split():
    if each in NR:
        # arguments that are never valid: a kernel that looks at them has opened the door
        surface('call ' + each, lambda each=each: in_child(lambda: (lambda r: r[0] >= 0 or r[1] not in REFUSED)(call(each, -1, -1, -1, -1, -1))))
for each, family, kind, protocol in (('netlink', 16, 3, 0), ('vsock', 40, 1, 0), ('packet', 17, 3, 3), ('alg', 38, 5, 0), ('key', 15, 3, 2), ('can', 29, 3, 1),
                                     ('tipc', 30, 5, 0), ('bluetooth', 31, 3, 0), ('xdp', 44, 3, 0), ('smc', 43, 1, 0), ('rds', 21, 5, 0), ('sctp', 2, 1, 132), ('mptcp', 2, 1, 262), ('ping', 2, 2, 1)):
    surface('socket ' + each, lambda f=family, k=kind, p=protocol: sock(f, k, p) is not None)
for each in ('kallsyms', 'modules', 'keys', 'key-users', 'timer_list', 'interrupts', 'iomem', 'slabinfo', 'vmallocinfo', 'sched_debug', 'swaps', 'config.gz', 'pressure/cpu', 'driver/rtc', 'fs/ext4', 'bus/pci/devices', 'tty/drivers'):
    surface('/proc/' + each, lambda each=each: os.path.isdir('/proc/' + each) and bool(os.listdir('/proc/' + each)) or reads('/proc/' + each))
surface('/sys is there', lambda: len(os.listdir('/sys')) > 0)
surface('/boot is there', lambda: len(os.listdir('/boot')) > 0)
surface('/run is there', lambda: len(os.listdir('/run')) > 0)
surface('/var is there', lambda: set(os.listdir('/var')) > {'tmp'})
surface('/opt or /srv or /mnt is there', lambda: any(os.path.isdir(p) and os.listdir(p) for p in ('/srv', '/mnt', '/media')))
surface('devices beyond the plain ones', lambda: bool(set(os.listdir('/dev')) - set('console core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero'.split())))
surface('writable places beyond scratch', lambda: any(os.access(p, os.W_OK) for p in ['/', '/dev', '/etc', '/usr', '/usr/local', '/run', '/var', '/opt', '/project/src', '/proc', '/proc/sys', '/proc/sys/kernel']))
surface('open descriptors', lambda: len(DESCRIPTORS) > 4)
surface('a terminal', lambda: os.open('/dev/tty', os.O_RDWR) >= 0)
surface('the caller\'s session', lambda: os.getsid(0) == 0)


def main():
    # escapes last: where one succeeds, the world is another afterwards
    for kind, name, function in sorted(PROBES, key=lambda each: each[0] == 'escape'):
        try:
            out, why = bool(function()), ''
        except Exception as error:
            out, why = False, '%s: %s' % (type(error).__name__, error)
        print(json.dumps({'kind': kind, 'name': name, 'out': out, 'why': why[:120]}), flush=True)


main()
