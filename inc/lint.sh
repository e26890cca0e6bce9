#!/bin/sh
# inc/lint.sh (make lint): all that reads the sources and runs nothing.  A tool that is not
# installed is named and left out; inc/packages lists the packages.
set -u
cd "$(dirname "$0")/.." || exit

failed=
rings='csrc/src csrc/cmd daemon bench fuzz'

# check NAME COMMAND...: runs the command when there is such a tool.
check() {
    name=$1
    shift
    if ! command -v "$1" >/dev/null; then
        echo "lint: $name: no $1 here, left out"
    elif "$@"; then
        echo "lint: $name: ok"
    else
        echo "lint: $name: FAILED"
        failed=1
    fi
}

# build_with COMPILER: the C that is built in folders, with warnings as errors, in some of its own.
build_with() {
    for folder in csrc daemon bench; do
        make -s -C $folder -j "$(getconf _NPROCESSORS_ONLN)" B="build-lint-$1" CC="$1" WERROR=1 ||
            return
    done
}

# parse_with COMPILER: the other C: of the XS, whose NetIO.c is xsubpp's and Perl's, of the fuzz
# targets, where an attribute is clang's alone, and of the tests.
parse_with() {
    # shellcheck disable=SC2046 # lists of words
    "$1" -fsyntax-only -Werror -Wno-attributes $(sed -n 's/^WARN = //p' csrc/flags.mk) \
        -Icsrc/include -Icsrc/src -Idaemon -Ixs \
        $(perl -MConfig -e 'print "$Config{ccflags} -isystem $Config{archlibexp}/CORE"') \
        $(find xs fuzz t/c -name '*.c' ! -name NetIO.c)
}

for compiler in gcc clang; do
    if command -v $compiler >/dev/null; then
        check "$compiler -Werror" build_with $compiler
        check "$compiler -Werror, the rest" parse_with $compiler
    fi
done
# shellcheck disable=SC2086 # some folders
check cppcheck cppcheck -q --error-exitcode=1 --enable=warning,performance,portability \
    --suppressions-list=inc/cppcheck --std=c11 -D_GNU_SOURCE -Icsrc/include -Icsrc/src -Icsrc/cmd -Idaemon $rings
check manual prove -Q t/00-pod.t
check shell shellcheck -x run test .ci/run inc/*.sh
set -- perlcritic --quiet --profile .perlcriticrc
# shellcheck disable=SC2046 # file names of ours
check Perl "$@" $(find lib bin -type f ! -path lib/NetIO.pm) inc/copy.pl Makefile.PL \
    bench/run bench/grow bench/lib bench/part bench/peer/page.cgi fuzz/run
# What NetIO.pm loads, every CGI request pays for: it does without strict.
check 'Perl, NetIO.pm' "$@" --exclude RequireUseStrict lib/NetIO.pm
# A test may hold a package or two, and writes bytes that are not text.
check 'Perl, tests' "$@" --exclude FilenameMatchesPackage --exclude UTF8Layer t fuzz
[ -z "$failed" ]
