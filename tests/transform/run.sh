#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Transformed captures (transform.py): those of pcaps/, and the HTTP/1, Redis and DNS over TCP ones of ../shared/pcaps
# when they are there; datagrams.sh does the same for DNS over UDP. SEEDS: how many removals of each kind (8: fewer lose
# too little to tell a ratio).

set -u
: "${srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${WIRESPAN:=$srcdir/wirespan}"
: "${builddir:=.}"
: "${SEEDS:=8}"
surgery=$builddir/tests/tools/surgery

if ! command -v python3 >/dev/null; then
	echo "SKIPPED: python3 is needed to compare"
	exit 77
fi
if ! [ -x "$surgery" ] || ! [ -x "$WIRESPAN" ]; then
	echo "SKIPPED: $surgery or $WIRESPAN is not built (make check builds them)"
	exit 77
fi

shared=$srcdir/../shared/pcaps
set -- "$srcdir"/pcaps/*.pcap
if [ -d "$shared" ]; then
	set -- "$@" "$shared"/http1/*.pcap "$shared"/http1/*.pcapng "$shared"/redis/* "$shared"/dns-tcp/*
else
	echo "SKIPPED: no captures at $shared; only those of pcaps/ are transformed"
fi
exec python3 "$srcdir/tests/transform/transform.py" "$surgery" "$WIRESPAN" "$SEEDS" "$@"
