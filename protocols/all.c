/* SPDX-License-Identifier: Apache-2.0 */
#include "protocols/all.h"

extern const struct protocol_ops dns_ops;
extern const struct protocol_ops http_ops;
extern const struct protocol_ops redis_ops;
extern const struct protocol_ops tls_ops;

/* clang-format off */
const struct protocol_ops *const protocols_all[] = {
	&http_ops,
	&redis_ops,
	&tls_ops,
	&dns_ops,
	NULL,
};
/* clang-format on */
