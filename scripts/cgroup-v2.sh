#!/bin/sh
# Runs test/vm/cgroup-v2.ts in a virtual machine that has control groups of version 2, as root and as an ordinary user to whom
# a group is delegated, as systemd does. For machines that have version 1 or none; ten minutes, since nothing of the processor
# of this one is used but to interpret. The machine sees this one's files read-only, and what it writes is gone with it.
#
#     sudo apt-get install qemu-system-x86 busybox-static e2fsprogs && sudo sh scripts/cgroup-v2.sh
#
# The kernel is Debian's (linux-image-amd64), fetched by apt-get and unpacked, not installed; or give its package: KERNEL_DEB=FILE.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
for tool in qemu-system-x86_64 busybox dpkg-deb mkfs.ext4; do
  command -v $tool >/dev/null || { echo "cgroup-v2: $tool is missing" >&2; exit 2; }
done
[ "$(id -u)" = 0 ] || { echo 'cgroup-v2: run it as root, whose files the machine is to see' >&2; exit 2; }
work=$(mktemp -d /var/tmp/assay-vm.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"

if [ -z "${KERNEL_DEB:-}" ]; then
  package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*-amd64\)$/\1/p' | head -1)
  apt-get download "$package" >/dev/null
  KERNEL_DEB=$(echo linux-image-*.deb)
fi
dpkg-deb -x "$KERNEL_DEB" kernel
version=$(ls kernel/lib/modules)

modules=initrd/lib/modules/$version
mkdir -p initrd/bin initrd/proc initrd/sys initrd/dev initrd/lower initrd/upper initrd/root
for part in fs net/9p drivers/virtio drivers/block lib crypto arch/x86/crypto; do
  mkdir -p "$modules/kernel/$(dirname $part)"
  cp -r "kernel/lib/modules/$version/kernel/$part" "$modules/kernel/$(dirname $part)/"
done
busybox depmod -b initrd "$version"
cp "$(command -v busybox)" initrd/bin/busybox
cat >initrd/init <<'INIT'
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t devtmpfs dev /dev
for module in crc32c_generic virtio_pci virtio_blk 9pnet_virtio 9p overlay ext4; do modprobe $module; done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose host /lower
mount -t tmpfs -o size=2g upper /upper && mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work all /root
for part in proc sys dev; do mount --move /$part /root/$part; done
exec switch_root /root /bin/sh -c "$(sed 's/^/ /' /start)"
INIT
cat >initrd/start <<START
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/srv
/sbin/mkfs.ext4 -F -q /dev/vda && mount /dev/vda /srv && chmod 1777 /srv
mkdir -p /dev/shm /dev/pts && mount -t tmpfs shm /dev/shm && mount -t devpts -o ptmxmode=666 devpts /dev/pts
mount -t tmpfs run /run && mount -t cgroup2 none /sys/fs/cgroup && ip link set lo up
groups=/sys/fs/cgroup
mkdir \$groups/init \$groups/user && echo \$\$ >\$groups/init/cgroup.procs
echo '+cpu +memory +pids +io' >\$groups/cgroup.subtree_control
mkdir \$groups/user/own && chown -R 65534:65534 \$groups/user
cd '$root'
run() { node_modules/node/bin/node --no-warnings --test --test-reporter=spec test/vm/cgroup-v2.ts; }
ASSAY_VM_IDENTITY=root run && (sh -c 'echo \$PPID' >\$groups/user/own/cgroup.procs; ASSAY_VM_IDENTITY=user run) && echo CGROUP-V2-HOLDS
echo o >/proc/sysrq-trigger
while :; do sleep 1; done
START
chmod 755 initrd/init
(cd initrd && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >initrd.gz
truncate -s 4G disk.img

timeout 1800 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 4G -nographic -nic none -no-reboot \
  -kernel "kernel/boot/vmlinuz-$version" -initrd initrd.gz \
  -append 'console=ttyS0 loglevel=3 panic=-1 no_timer_check' \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
  -drive file=disk.img,format=raw,if=virtio,cache=unsafe </dev/null | tee console
grep -q CGROUP-V2-HOLDS console
