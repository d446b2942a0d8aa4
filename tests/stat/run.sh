#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# wirespan stat on the captures of pcaps/: see stat.py.

set -u
: "${srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${WIRESPAN:=$srcdir/wirespan}"
[ -x "$WIRESPAN" ] || exit 77
command -v python3 >/dev/null 2>&1 || exit 77
exec python3 "$srcdir/tests/stat/stat.py" "$WIRESPAN" "$srcdir"/pcaps/*.pcap
