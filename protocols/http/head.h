/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The head of an HTTP/1 message: start line, header lines, empty line. Pure functions over a head that is
 * whole in memory; the views in the results point into it.
 */
#include "core/scan.h"
#include "protocol/decoder.h"

/*
 * What is wrong with a message, or would be read in two ways by two programs. Bits of `flaws`, and entries
 * of the `anomalies` field. README.md says what we do about each. X(code, name)
 */
#define HTTP_FLAWS(X)                                                                              \
	X(HTTP_DUPLICATE_CONTENT_LENGTH, "duplicate_content_length")                               \
	X(HTTP_BAD_CONTENT_LENGTH, "bad_content_length")                                           \
	X(HTTP_LENGTH_AND_ENCODING, "content_length_and_transfer_encoding")                        \
	X(HTTP_UNKNOWN_ENCODING, "unknown_transfer_encoding")                                      \
	X(HTTP_CHUNKED_NOT_LAST, "chunked_not_last")                                               \
	X(HTTP_CHUNKED_TWICE, "chunked_twice")                                                     \
	X(HTTP_ENCODING_IN_1_0, "transfer_encoding_in_1_0")                                        \
	X(HTTP_BAD_CHUNK, "bad_chunk")                                                             \
	X(HTTP_BAD_TRAILER, "bad_trailer")                                                         \
	X(HTTP_OBS_FOLD, "obs_fold")                                                               \
	X(HTTP_SPACE_BEFORE_COLON, "space_before_colon")                                           \
	X(HTTP_NO_COLON, "no_colon")                                                               \
	X(HTTP_BAD_HEADER_NAME, "bad_header_name")                                                 \
	X(HTTP_BARE_LF, "bare_lf")                                                                 \
	X(HTTP_BARE_CR, "bare_cr")                                                                 \
	X(HTTP_NUL_IN_HEAD, "nul_in_head")                                                         \
	X(HTTP_CONTROL_IN_HEAD, "control_in_head")                                                 \
	X(HTTP_SPACE_IN_TARGET, "space_in_target")                                                 \
	X(HTTP_BAD_VERSION, "bad_version")                                                         \
	X(HTTP_MISSING_HOST, "missing_host")                                                       \
	X(HTTP_DUPLICATE_HOST, "duplicate_host")                                                   \
	X(HTTP_HOST_MISMATCH, "host_mismatch")                                                     \
	X(HTTP_UNASKED_UPGRADE, "unasked_upgrade")

enum http_flaw_bit {
#define HTTP_FLAW_BIT(code, name) code##_BIT,
	HTTP_FLAWS(HTTP_FLAW_BIT)
#undef HTTP_FLAW_BIT
		HTTP_FLAW_COUNT,
};

enum http_flaw {
#define HTTP_FLAW(code, name) code = 1 << code##_BIT,
	HTTP_FLAWS(HTTP_FLAW)
#undef HTTP_FLAW
	/* those that its start line alone tells */
	HTTP_FLAWS_OF_START = HTTP_SPACE_IN_TARGET | HTTP_BAD_VERSION,
};

extern const char *const http_flaw_names[HTTP_FLAW_COUNT];

/* What a method or an Upgrade header means for the answer; also the cookie of a request. */
enum http_asks {
	HTTP_ASKS_HEAD = 1,    /* the answer has no body */
	HTTP_ASKS_CONNECT = 2, /* after a 2xx another protocol begins */
	HTTP_ASKS_UPGRADE = 4, /* after a 101 another protocol begins */
	HTTP_ASKS_READ = 8,    /* its header lines were seen, so there is no other Upgrade */
};

/* How the end of the body is known (RFC 9112 6.3), the answers that never have one aside. */
enum http_framing {
	HTTP_NO_LENGTH, /* neither header */
	HTTP_LENGTH,
	HTTP_CHUNKED,
	HTTP_OTHER_CODING, /* Transfer-Encoding that does not end in chunked */
	HTTP_BROKEN,       /* a Content-Length nobody can know */
};

struct http_head {
	unsigned flaws;  /* enum http_flaw */
	unsigned asks;   /* request: enum http_asks */
	unsigned status; /* answer: 100..999 */
	enum http_framing framing;
	uint64_t length; /* LENGTH */
	bool version_1_0;
	struct view method, target, version, reason;
	struct view host, upgrade; /* header values, empty when absent */
	struct view lines;         /* the header lines, with the empty one */
};

/*
 * Reads the head that scan_head() found at `p`, of a request (from FROM_CLIENT) or an answer. WHY_NONE, or
 * why its first line is not one of ours: MALFORMED, or UNSUPPORTED (HTTP/0.9, HTTP/2).
 */
enum why http_head_read(const uint8_t *p, const struct scan_head *scan, enum side side,
			struct http_head *ret);

/* Does it begin with one of the usual methods, and a space? */
bool http_known_method(struct view v);

/* How far bytes look like a start line. */
enum http_start {
	HTTP_START_NO,
	HTTP_START_MAYBE, /* it is not complete, and right so far */
	HTTP_START_YES,
};

/*
 * Do `bytes` begin with a start line of that side? `scanned`: so many of them are known to hold no LF.
 * `strict`: beyond doubt, as a line must be that is found where nobody knows what to expect.
 * `ret_why`: of a NO.
 */
enum http_start http_start_line(struct view bytes, uint32_t scanned, enum side side, bool strict,
				enum why *ret_why);

enum { HTTP_FIND_LINE_MAX = 8192 }; /* a longer start line is not looked for */

/* The next place after `at` where a start line may begin. */
uint32_t http_next_candidate(struct view v, uint32_t at, enum side side);

/*
 * Position of the first strictly valid start line, or of what may become one (`ret_whole` false), or the
 * end. The first byte counts: messages begin with a segment more often than not. `scanned` as for
 * http_start_line().
 */
uint32_t http_find_start(struct view v, enum side side, uint32_t scanned, bool *ret_whole);

/*
 * Reads the start line of a head that may lack its end, if there is one, beyond doubt; of the results,
 * `lines` is what there is behind it, and nothing is known of the headers.
 */
bool http_start_take(struct view bytes, enum side side, struct http_head *ret);

/* Does a start line with these `lines` behind it begin a head? Then the first one is a header, or empty. */
enum http_start http_first_header(struct view lines);

/* The request target in its parts (RFC 9112 3.2); those it does not have are empty. */
struct http_target {
	struct view path, query, host, userinfo; /* host: the authority */
};
void http_target_split(const struct http_head *head, struct http_target *ret);

bool http_same_nocase(struct view a, struct view b);

/* One header line with the folded ones behind it. */
struct http_header {
	struct view name,
		value; /* without the space around them; a folded value keeps its line ends */
	unsigned flaws;
	bool usable; /* it has a colon, and a token before it */
};

/* Takes the next header off `lines`; false at the empty line. */
bool http_header_next(struct view *lines, struct http_header *ret);

/* Whether `v` is `text`, which is in lower case. */
bool http_equal_nocase(struct view v, const char *text);

/* True for headers that carry credentials. The name is in lower case. */
bool http_header_secret(struct view name);
