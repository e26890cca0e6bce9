#!/bin/sh
# inc/install.sh PACKAGE...: installs Debian packages, as root, quietly and without questions.
# Called by need (inc/need.sh), in a process of its own: what it changes for the time of the
# installation is put back when it ends, also when the caller is gone before.
#
# A server that comes with a package is not started, neither now nor at boot: nobody has asked for
# a web server on port 80, and ./run starts its own.
set -u
PATH=$PATH:/usr/sbin:/sbin

policy=/usr/sbin/policy-rc.d    # asked by invoke-rc.d(8) and deb-systemd-invoke(1)
mine=$policy.$$

# A link is made in one step, and only when the machine has no policy of its own.
forbid_starting() {
    (umask 022 && printf '#!/bin/sh\nexit 101\n' >"$mine" && chmod 755 "$mine") 2>/dev/null &&
        ln "$mine" "$policy" 2>/dev/null
}

# shellcheck disable=SC3013 # Debian's sh has -ef
allow_starting() {
    if [ "$policy" -ef "$mine" ]; then
        rm -f "$policy"
    fi
    rm -f "$mine"
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o APT::Update::Error-Mode=any \
        -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=120 \
        -o Dpkg::Use-Pty=0 "$@"
}

# What init scripts the packages brought; update-rc.d(8) sees to the systemd units of that name.
disable_servers() {
    dpkg-query -L "$@" 2>/dev/null | sed -n 's,^/etc/init\.d/,,p' | while read -r name; do
        update-rc.d "$name" disable
    done
}

trap allow_starting EXIT
trap 'exit 1' INT TERM HUP
forbid_starting
# The lists of packages on this machine may be missing or old; so a second try after update.
apt_get install --no-install-recommends "$@" ||
    { apt_get update && apt_get install --no-install-recommends "$@"; }
status=$?
disable_servers "$@"
[ $status = 0 ]
