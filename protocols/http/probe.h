/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "protocol/decoder.h"

/* The `probe` of HTTP/1. */
struct probed http_probe(struct view a, struct view b);
