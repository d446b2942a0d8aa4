/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What every fuzz target of one decoder does (tests/fuzz/fuzz-http.c): the input is a conversation, and
 * what is found in it must not depend on how the bytes are cut.
 *
 * The first byte of an input: 1 headers are wanted, 2 datagrams (if the decoder reads any). Then 0x1e
 * begins bytes of the client and 0x1f bytes of the server.
 */
#include "protocol/decoder.h"

/* Aborts, with a line to stderr, when the decoder breaks a rule. Returns 0. */
int fuzz_decoder(const struct protocol_ops *ops, const uint8_t *data, size_t size);
