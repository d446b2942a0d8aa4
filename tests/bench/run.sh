#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh PROGRAM MAKE-CAPTURE DIRECTORY: the speed tests. Each is a ratio: our CPU time against that of
# tcpdump (or against ourselves doing less) on the same file, in turn, on the same core; the
# median of the pairs counts. A run that does not find every round trip is void.
#
# BENCH_CAPTURES=DIR adds recorded captures: NAME.pcap with the number of its round trips in NAME.count.
# ROUNDS (7) is the number of pairs.

set -u
program=$1 maker=$2 directory=$3
: "${ROUNDS:=7}"
TIMEFORMAT='%U %S %R'
mkdir -p "$directory" || exit 1

pin() {
	if command -v taskset >/dev/null; then
		taskset -c $(($(nproc) - 1)) "$@" 2>/dev/null
	else
		"$@" 2>/dev/null
	fi
}

# cpu COMMAND...: CPU milliseconds of the whole process.
cpu() {
	{ time pin "$@" >/dev/null; } 2>&1 | awk '{ printf "%.0f\n", ($1 + $2) * 1000 }'
}

# wall COMMAND...: milliseconds on the clock, on all cores.
wall() {
	{ time "$@" >/dev/null 2>&1; } 2>&1 | awk '{ printf "%.0f\n", $3 * 1000 }'
}

slow=0
# ratio NAME LIMIT MEASURE "COMMAND" "COMMAND": both in turn; prints the median ratio.
ratio() {
	for ((round = 0; round < ROUNDS; round++)); do
		# shellcheck disable=SC2086 # the commands are lists of plain words
		echo "$($3 $4) $($3 $5)"
	done | awk -v name="$1" -v limit="$2" '
	{ a[NR] = $1; r[NR] = $1 / ($2 ? $2 : 1) }
	END {
		for (i = 2; i <= NR; i++)
			for (j = i; j > 1 && r[j] < r[j - 1]; j--) {
				t = r[j]; r[j] = r[j - 1]; r[j - 1] = t
			}
		half = int((NR + 1) / 2)
		slow = r[half] > limit + 0
		printf("%-46s %6.2f  (%.2f to %.2f, at most %s)  %d ms%s\n", name, r[half], r[1],
			r[NR], limit, a[1], slow ? "  TOO SLOW" : "")
		exit slow
	}' || slow=$((slow + 1))
}

# against_tcpdump FILE COUNT LIMIT
against_tcpdump() {
	local name found
	name=$(basename "$1" .pcap)
	found=$("$program" log -r "$1" --format json 2>/dev/null | wc -l)
	if [ "$found" -ne "$2" ]; then
		echo "$name: VOID: $found round trips found, there are $2"
		slow=$((slow + 1))
		return
	fi
	cat "$1" >/dev/null
	if command -v tcpdump >/dev/null; then
		ratio "$name, nothing printed, against tcpdump" "$3" cpu \
			"$program log -r $1 --format none" "tcpdump -r $1 -w /dev/null"
	else
		echo "$name: SKIPPED the comparison with tcpdump, which is not installed"
	fi
}

made() {
	local file=$directory/$1.pcap
	[ -f "$file" ] || "$maker" "${1#made_}" "$2" "$file" || exit 1
	echo "$file"
}

small=$(made made_small 500000)
against_tcpdump "$small" 500000 1.5
ratio 'small, JSON against nothing printed' 3 cpu \
	"$program log -r $small --format json" "$program log -r $small --format none"
ratio 'small, two workers against one, wall time' 0.75 wall \
	"$program log -r $small --format none --workers 2" "$program log -r $small --format none"
against_tcpdump "$(made made_close 100000)" 100000 1.5
against_tcpdump "$(made made_10k 40000)" 40000 0.7
for count in 10000 1000000; do
	file=$directory/made_flows_$count.pcap
	[ -f "$file" ] || "$maker" flows $count "$file" || exit 1
	ratio "$count flows, --only none, against tcpdump" 3 cpu \
		"$program log -r $file --only none --format none" "tcpdump -r $file -w /dev/null"
done
for count in "${BENCH_CAPTURES:-/nowhere}"/*.count; do
	[ -f "$count" ] || continue
	case $count in
	*10k*) limit=0.7 ;;
	*) limit=1.5 ;;
	esac
	against_tcpdump "${count%.count}.pcap" "$(cat "$count")" $limit
done
[ $slow -eq 0 ] || echo "$slow missed"
[ $slow -eq 0 ]
