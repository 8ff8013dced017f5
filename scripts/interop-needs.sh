#!/bin/sh
# Says what the suite against real peers needs and this machine does not have.
missing=''
command -v go >/dev/null 2>&1 || missing="$missing golang (Go 1.24 or newer, to build cosign and versitygw)"
python3 -c 'import ensurepip' >/dev/null 2>&1 || missing="$missing python3-venv (to install DVC)"
for program in docker-registry skopeo umoci; do
  command -v "$program" >/dev/null 2>&1 || missing="$missing $program (the package of Debian of that name)"
done
command -v softhsm2-util >/dev/null 2>&1 || missing="$missing softhsm2 (the package of Debian of that name)"
node_modules/node/bin/node -e 'require("pkcs11js")' 2>/dev/null || missing="$missing a compiler (make and g++, then npm install pkcs11js)"
[ -n "${SSHD:-}" ] || [ -x /usr/sbin/sshd ] || missing="$missing openssh-server (the package of Debian of that name, or SSHD=/path/to/sshd)"
[ -z "$missing" ] && exit 0
echo "test:interop needs:$missing"
exit 1
