#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compares the Redis requests and errors found by wirespan with those found by TShark, per command, on the Redis captures
# of ../shared/pcaps (or of the directory given). Where we differ on purpose, redis.expected says why. TShark is told the
# ports of each capture (INDEX.tsv); wirespan is not. Exit 77: nothing to compare with.

. "$(dirname "$0")/compare.sh"
