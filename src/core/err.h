/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Error codes. A fallible function returns 0 or one of these, negative; outputs (`ret_x`, last) are
 * untouched on failure. The texts are for people: they complete "FILE: ...".
 */
#include <stddef.h>

#define ERR_LIST(X)                                                                                \
	X(ERR_NOMEM, "out of memory")                                                              \
	X(ERR_IO, "cannot read or write")                                                          \
	X(ERR_EOF, "end of input")                                                                 \
	X(ERR_AGAIN, "no input yet")                                                               \
	X(ERR_CUT, "the file is cut in the middle")                                                \
	X(ERR_EMPTY, "the file is empty (0 bytes)")                                                \
	X(ERR_FORMAT, "not a capture file (pcap or pcapng, plain or gzip, zstd, lz4)")             \
	X(ERR_DAMAGED, "the file is damaged")                                                      \
	X(ERR_UNSUPPORTED, "not supported")                                                        \
	X(ERR_INVALID, "not valid")                                                                \
	X(ERR_LIMIT, "a limit is reached")                                                         \
	X(ERR_PERMISSION, "not permitted")

enum err {
	ERR_OK = 0,
#define ERR_POSITIVE(code, text) code##_,
	ERR_FIRST_ = 0,
	ERR_LIST(ERR_POSITIVE)
#undef ERR_POSITIVE
#define ERR_NEGATIVE(code, text) code = -code##_,
		ERR_LIST(ERR_NEGATIVE)
#undef ERR_NEGATIVE
};

#define must_check __attribute__((warn_unused_result))

/* The text of an error, never NULL; `err` may be any int. */
const char *err_text(int err);
