# SPDX-License-Identifier: Apache-2.0
#
# Read by NAME.sh: runs NAME.py with the captures and NAME.expected, or says why it cannot, with exit status 77.
# shellcheck shell=sh

here=$(dirname "$0")
name=$(basename "$0" .sh)
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
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/$name.py" "$pcaps" "$here/$name.expected"
