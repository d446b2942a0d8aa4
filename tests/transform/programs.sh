# SPDX-License-Identifier: Apache-2.0
#
# Read by run.sh and datagrams.sh: where the programs and the captures are, or why nothing can be transformed, with
# exit status 77. SEEDS: how many removals of each kind (8: fewer lose too little to tell a ratio).
# shellcheck shell=sh

set -u
: "${srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${WIRESPAN:=$srcdir/wirespan}"
: "${builddir:=.}"
: "${SEEDS:=8}"
surgery=$builddir/tests/tools/surgery
shared=$srcdir/../shared/pcaps

if ! command -v python3 >/dev/null; then
	echo "SKIPPED: python3 is needed to compare"
	exit 77
fi
if ! [ -x "$surgery" ] || ! [ -x "$WIRESPAN" ]; then
	echo "SKIPPED: $surgery or $WIRESPAN is not built (make check builds them)"
	exit 77
fi
[ -d "$shared" ] || echo "SKIPPED: no captures at $shared; only those of pcaps/ are transformed"
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
