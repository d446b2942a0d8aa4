#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The accounting equations (docs/MAP.md) hold on every capture of pcaps/ and, where they are there, of
# ../shared/pcaps (or of the directories given), and on three damaged copies of each. KEEP=DIR keeps the copies
# that fail. Exit 77: nothing to check with.

here=$(dirname "$0")
srcdir=${srcdir:-$here/../..}
WIRESPAN=${WIRESPAN:-./wirespan}
export WIRESPAN

if ! command -v python3 >/dev/null || ! test -x "$WIRESPAN"; then
	echo "SKIPPED: python3 is not installed or $WIRESPAN is not built"
	exit 77
fi
test $# -gt 0 || set -- "$srcdir/pcaps" "$srcdir/../shared/pcaps"
test -d "$srcdir/../shared/pcaps" || echo "only the captures of pcaps/: there are none at $srcdir/../shared/pcaps"
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/accounting.py" "$@"
