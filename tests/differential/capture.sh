#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every capture of ../shared/pcaps (or of the directory given) has as many frames as its INDEX.tsv
# says, and as many bytes on the wire, from the same time to the same time, as capinfos says where
# there is one. The same captures compressed have the same frames. Exit 77: nothing to compare with.

here=$(dirname "$0")
srcdir=${srcdir:-$here/../..}
count=${builddir:-.}/tests/tools/count-frames
pcaps=${1:-$srcdir/../shared/pcaps}

if ! test -f "$pcaps/INDEX.tsv"; then
	echo "SKIPPED: no captures at $pcaps"
	exit 77
fi
if ! test -x "$count"; then
	echo "SKIPPED: $count is not built (make check builds it)"
	exit 77
fi
count=$(cd "$(dirname "$count")" && pwd)/count-frames
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$pcaps" || exit 1

status=0
awk -F '\t' 'NR > 1 { print $1 "\t" $3 }' INDEX.tsv | sort >"$work/index"
cut -f 1 "$work/index" | xargs "$count" >"$work/ours"
cut -f 1,2 "$work/ours" >"$work/counts"
if ! diff "$work/index" "$work/counts" >"$work/diff"; then
	echo "FAIL: frames, by the index (<) and by us (>):"
	cat "$work/diff"
	status=1
fi
echo "$(wc -l <"$work/index") captures compared with the index"

if command -v capinfos >/dev/null; then
	# Not those of link type ERF, whose own header capinfos takes off each frame.
	awk -F '\t' 'NR > 1 && $5 != "erf" { print $1 }' INDEX.tsv |
		xargs capinfos -T -r -B -M -S -c -d -a -e 2>/dev/null >"$work/capinfos"
	# It tells times to the file's own precision, and nothing about a damaged file.
	cut -f 1-5 "$work/ours" | awk -F '\t' '
		NR == FNR { frames[$1] = $2; bytes[$1] = $3; first[$1] = $4; last[$1] = $5; next }
		function same(a, b) { return substr(b, 1, length(a)) == a }
		$2 == frames[$1] && $3 == bytes[$1] && ($2 == 0 ||
			(same($4, first[$1]) && same($5, last[$1]))) { next }
		{
			print "FAIL: " $1 ": " $2 " " $3 " " $4 " " $5 " by capinfos, " \
				frames[$1] " " bytes[$1] " " first[$1] " " last[$1] " by us"
			bad = 1
		}
		END { print FNR " captures compared with capinfos"; exit bad }
	' - "$work/capinfos" || status=1
else
	echo "SKIPPED: capinfos is not installed"
fi

for pack in gzip zstd lz4; do
	command -v $pack >/dev/null || {
		echo "SKIPPED: $pack is not installed"
		continue
	}
	mkdir "$work/$pack"
	while IFS="$(printf '\t')" read -r name rest; do
		mkdir -p "$work/$pack/$(dirname "$name")"
		$pack -c "$name" >"$work/$pack/$name" 2>/dev/null
	done <"$work/index"
	(cd "$work/$pack" && cut -f 1 "$work/index" | xargs "$count") >"$work/packed"
	if ! diff "$work/ours" "$work/packed" >"$work/diff"; then
		echo "FAIL: plain (<) and packed with $pack (>):"
		cat "$work/diff"
		status=1
	fi
done
exit $status
