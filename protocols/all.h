/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Every decoder there is, for registry_new(); ends with NULL. tools/new-decoder adds to it. */
#include "protocol/decoder.h"

extern const struct protocol_ops *const protocols_all[];
