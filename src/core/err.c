/* SPDX-License-Identifier: Apache-2.0 */
#include "core/err.h"

const char *err_text(int err)
{
	switch (err) {
	case ERR_OK:
		return "no error";
#define ERR_CASE(code, text)                                                                       \
	case code:                                                                                 \
		return text;
		ERR_LIST(ERR_CASE)
#undef ERR_CASE
	default:
		return "unknown error";
	}
}
