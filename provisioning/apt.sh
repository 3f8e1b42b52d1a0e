#!/bin/sh
# Install Debian packages that are missing, when we are root; otherwise say what is missing.
# Brokers that come with it are for our own processes: they become no service of this machine.
# Usage: apt.sh PACKAGE...            or  apt.sh --module MODULE PACKAGE   (only if python3 lacks it)
set -eu
if [ "${1:-}" = "--module" ]; then
    module=$2
    shift 2
    python3 -c "import $module, ensurepip" 2>/dev/null && exit 0
fi
missing=""
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    echo "not installed:$missing (as root: apt-get install$missing); going on without" >&2
    exit 0
fi
echo "installing with apt-get:$missing"
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
apt-get update -q >/dev/null || true
apt-get install -y -q --no-install-recommends $missing >/dev/null || {
    echo "apt-get could not install:$missing; going on without" >&2
}
for package in $missing; do
    if [ -e "/lib/systemd/system/$package.service" ]; then
        systemctl disable "$package" >/dev/null 2>&1 || true
    fi
done
