#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compares what wirespan counts of TCP with TShark: conversations, payload, segments sent again or out of order,
# zero windows, resets, loss, the time of handshakes, on every capture of ../shared/pcaps (or of the directory
# given). Where we differ on purpose, tcp.expected says why. Exit 77: nothing to compare with.

. "$(dirname "$0")/compare.sh"
