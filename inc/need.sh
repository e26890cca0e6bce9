# inc/need.sh: installs Debian packages that are missing.  Sourced, from the top of the tree,
# by run, test and .ci/run, which set $me to their name.  Exit codes are those of sysexits.h.
# shellcheck shell=sh disable=SC2154

EX_UNAVAILABLE=69
EX_NOPERM=77

die() {
    code=$1
    shift
    echo "$me: $*" >&2
    exit "$code"
}

# fresh_signals COMMAND ARG...: starts the command again, once, with the signals at their
# defaults.  What nohup or a background job has set to be ignored stays so in every child, which
# sh cannot undo, and the tests send such signals.
fresh_signals() {
    [ -z "${NETIO_SIGNALS-}" ] || return 0
    NETIO_SIGNALS=fresh exec perl -e \
        '$SIG{$_} = "DEFAULT" for qw(HUP INT QUIT PIPE TERM CHLD); exec @ARGV or die "$ARGV[0]: $!\n"' \
        "$@"
}

# missing_packages WORD...: the packages of these words that are not installed, in one line.
missing_packages() {
    for word; do
        sed -n "s/^${word}[[:blank:]]*//p" inc/packages
    done | while read -r package; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            printf '%s ' "$package"
    done | sed 's/ $//'
}

# need WORD...: makes sure that all packages of these words are installed.  Where there is no
# dpkg, it trusts the machine: perl Makefile.PL will say what is missing.
need() {
    command -v dpkg-query >/dev/null || return 0
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0

    as_root=
    if [ "$(id -u)" != 0 ]; then
        # A password is asked for only where somebody can type it.
        sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v 2>/dev/null; } ||
            die $EX_NOPERM "cannot install $missing: not root and no sudo"
        as_root=sudo
    fi
    echo "$me: installing $missing"
    apt_log=$(mktemp)
    # shellcheck disable=SC2086 # a list of words
    if ! $as_root sh inc/install.sh $missing >"$apt_log" 2>&1 </dev/null; then
        reason=$(sed -n 's/^E: *//p' "$apt_log" | tail -n 1)
        rm -f "$apt_log"
        die $EX_UNAVAILABLE "cannot install $missing: apt-get failed: ${reason:-no reason given}"
    fi
    rm -f "$apt_log"
}

# build: everything, or die.  Says nothing but warnings and errors.
build() {
    # A new Makefile in which nothing has changed gets the age of the last one, or make would
    # compile again all that depends on it.
    [ ! -e Makefile ] || cp -p Makefile Makefile.old
    perl Makefile.PL >/dev/null || exit
    if cmp -s Makefile Makefile.old && [ -n "$(find Makefile.old -newer Makefile.PL)" ]; then
        mv Makefile.old Makefile
    fi
    make -s -j "$(getconf _NPROCESSORS_ONLN)" >/dev/null || die 1 'the build failed'
}
