/* SPDX-License-Identifier: Apache-2.0 */
#include "roundtrip/roundtrip.h"

static const char *const status_names[STATUS_COUNT] = {
#define STATUS_NAME(code, name) name,
	STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
};

static const char *const reason_names[REASON_COUNT] = {
#define REASON_NAME(code, name, text) name,
	REASON_LIST(REASON_NAME)
#undef REASON_NAME
};

static const char *const reason_texts[REASON_COUNT] = {
#define REASON_TEXT(code, name, text) text,
	REASON_LIST(REASON_TEXT)
#undef REASON_TEXT
};

static const char *const partial_names[PARTIAL_BITS] = {
#define PARTIAL_NAME(code, bit, name) [bit] = name,
	PARTIAL_LIST(PARTIAL_NAME)
#undef PARTIAL_NAME
};

const char *status_name(enum status s)
{
	return status_names[s];
}

const char *reason_name(enum reason r)
{
	return reason_names[r];
}

const char *reason_text(enum reason r)
{
	return reason_texts[r];
}

const char *partial_name(unsigned bit)
{
	return partial_names[bit];
}

enum status status_find(struct view name)
{
	for (unsigned i = 0; i < STATUS_COUNT; i++) {
		if (view_equal(name, view_text(status_names[i])))
			return (enum status)i;
	}
	return STATUS_COUNT;
}
