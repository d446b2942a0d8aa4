#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compares the DNS messages found by wirespan with those found by TShark, per return code, on every
# capture of ../shared/pcaps (or of the directory given). Where we differ on purpose, dns.expected says why.
# TShark is told the ports of each capture (INDEX.tsv); wirespan is not. Exit 77: nothing to compare with.

here=$(dirname "$0")
srcdir=${srcdir:-$here/../..}
WIRESPAN=${WIRESPAN:-./wirespan}
export WIRESPAN
pcaps=${1:-$srcdir/../shared/pcaps}

if ! command -v tshark >/dev/null || ! command -v python3 >/dev/null; then
	echo "SKIPPED: tshark or python3 is not installed"
	exit 77
fi
if ! test -d "$pcaps"; then
	echo "SKIPPED: no captures at $pcaps"
	exit 77
fi
if ! test -x "$WIRESPAN"; then
	echo "SKIPPED: $WIRESPAN is not built"
	exit 77
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/dns.py" "$pcaps" "$here/dns.expected"
