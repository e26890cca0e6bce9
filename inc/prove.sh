#!/bin/sh
# inc/prove.sh FILE...: runs tests through prove: those of t/ side by side, and after them, one by
# one, those of xt/, which need the machine for themselves.  Called by test and by inc/asan.sh.
set -eu

# A test mostly waits for its servers and clients: file by file, the suite kept less than half a
# core busy (703 s in 1,619 s).  So two files for each core.
jobs=$((2 * $(getconf _NPROCESSORS_ONLN)))

# What no rule of prove names, it runs alone, after the others.  The longest, whose numbers are the
# highest, begin first: they shall not be what is waited for in the end.
exec prove -b --reverse -j "$jobs" --rules 'par=t/**' "$@"
