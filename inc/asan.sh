#!/bin/sh
# inc/asan.sh (make asan; F11 of the catalogue of faults): builds a copy of the tree with ASan
# and UBSan in the library, the daemons, the programs and NetIO.so, and runs the whole test
# suite on it.  Perl itself has no sanitizer in it, so libasan is preloaded.  Reports go to
# files, because a daemon's end is not always looked at: one report is a failure, whatever the
# tests say.
set -eu
cd "$(dirname "$0")/.."
. inc/need.sh
fresh_signals inc/asan.sh

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' INT TERM HUP
perl inc/copy.pl "$copy/netio"
mkdir "$copy/reports"
# Some tests become nobody, who shall find the programs and can leave a report, too.
chmod 755 "$copy"
chmod 1777 "$copy/reports"
cd "$copy/netio"

perl Makefile.PL >/dev/null
make -s -j "$(getconf _NPROCESSORS_ONLN)" SANITIZE=address,undefined >/dev/null
${CC:-cc} -shared -fPIC -O1 -o "$copy/options.so" inc/asan_options.c

# Left out: 00, what the sources and the tools look like; leaks, which counts kilobytes; readme and
# build, which compile without sanitizers; what runs whois-load alone, in which no C of ours is.
# And whoisd's sandbox, where no test asks for it (t/lib/NetIO/Test/Daemon.pm).
tests=$(find t -name '*.t' ! -name '00-*' ! -name '*-leaks*.t' ! -name '*-readme.t' \
    ! -name '*-build.t' ! -name '6[0-46-8]-load-*' ! -name '69-load-*' | sort)
status=0
# Ours comes before libasan, which has a weak function of the same name; hence no link order.
# shellcheck disable=SC2086 # file names of ours
LD_PRELOAD="$copy/options.so $(${CC:-cc} -print-file-name=libasan.so)" \
    ASAN_OPTIONS="verify_asan_link_order=0:log_path=$copy/reports/asan:log_exe_name=1" \
    UBSAN_OPTIONS="print_stacktrace=1:log_path=$copy/reports/ubsan:log_exe_name=1" \
    NETIO_TEST_SANITIZED=1 \
    inc/prove.sh $tests || status=1

perl -It/lib -MNetIO::Test::Sanitizer=sanitizer_reports \
    -e 'my @reports = sanitizer_reports(glob "$ARGV[0]/reports/*");' \
    -e 'print @reports; exit @reports > 0' "$copy" || status=1
exit $status
