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
lock=/run/netio-install.lock    # held by this process and by apt-get, its child
packages=$*

# One at a time: else the first to end would let the other's servers start.  Without the right to
# make the lock there is nothing to install either, and apt-get says so.
wait_for_others() {
    (umask 077 && : >>"$lock") 2>/dev/null || return 0
    exec 9<"$lock"
    flock -w 600 9 || {
        echo 'E: another installation takes too long' >&2
        exit 1
    }
}

is_ours() {
    grep -qsF "$lock" "$policy"
}

# A link is made in one step, and only when the machine has no policy of its own.  Ours does not
# outlive the lock: where this process was killed and could not take it away, it forbids nothing,
# and makes room for the next.
forbid_starting() {
    is_ours && rm -f "$policy"
    (
        printf '#!/bin/sh\nflock -n %s true || exit 101\n' "$lock" >"$policy.netio" &&
            chmod 755 "$policy.netio" && ln "$policy.netio" "$policy"
    ) 2>/dev/null
    rm -f "$policy.netio"
}

allow_starting() {
    if is_ours; then rm -f "$policy"; fi
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

# What was installed before a signal came is as unasked for as the rest.
finish() {
    # shellcheck disable=SC2086 # a list of words
    disable_servers $packages
    allow_starting
}

trap 'exit 1' INT TERM HUP
wait_for_others
trap finish EXIT
forbid_starting
# The lists of packages on this machine may be missing or old; so a second try after update.
apt_get install --no-install-recommends "$@" ||
    { apt_get update && apt_get install --no-install-recommends "$@"; }
