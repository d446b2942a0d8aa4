/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Detection: a decoder that asks every enabled probe about the first bytes of both directions and
 * switches to the best guess. Belongs to the feeder; nothing else includes this.
 */
#include "protocol/decoder.h"

extern const struct protocol_ops detect_ops;
