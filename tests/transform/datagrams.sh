#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Transformed captures of DNS over UDP (datagrams.py): those of pcaps/, and those of ../shared/pcaps when they are
# there. SEEDS: how many removals of each kind.

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
set -- "$srcdir"/pcaps/dns-*.pcap
if [ -d "$shared" ]; then
	set -- "$@" "$shared"/dns-udp/* "$shared"/mdns-llmnr/*
else
	echo "SKIPPED: no captures at $shared; only those of pcaps/ are transformed"
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$srcdir/tests/transform/datagrams.py" "$surgery" "$WIRESPAN" "$SEEDS" "$@"
