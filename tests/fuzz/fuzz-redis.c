/* SPDX-License-Identifier: Apache-2.0 */
/* Redis conversations; tests/lib/fuzzing.h has the format of an input. */
#include "tests/lib/fuzzing.h"

extern const struct protocol_ops redis_ops;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_decoder(&redis_ops, data, size);
}
