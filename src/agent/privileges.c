/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/privileges.h"

#ifdef HAVE_CAPNG
#include <cap-ng.h>

void privileges_drop(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	/* The bounding set takes CAP_SETPCAP to change, which a program with CAP_NET_RAW alone has not; what
	 * it has itself it may always give up. */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		(void)capng_apply(CAPNG_SELECT_BOUNDS);
	(void)capng_apply(CAPNG_SELECT_CAPS);
}
#else
void privileges_drop(void)
{
}
#endif
