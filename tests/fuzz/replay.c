/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main of a fuzz target that is built without libFuzzer: gives it every file named on the command
 * line, and then, with --mutate N, N changed copies of them. The changes are the same in every run, so
 * make check stays repeatable; what they find by luck, a fuzzer finds with a map.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	INPUT_MAX = 1 << 20, /* libFuzzer's own habit for inputs from files */
	INPUTS_MAX = 4096,   /* more than any corpus that is fit to be committed */
};

struct input {
	uint8_t *data;
	size_t size;
};

static struct input inputs[INPUTS_MAX];
static unsigned input_count;
static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t draw(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

/* An exact copy on the heap, so that the address sanitizer sees a read one past the end. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static int load(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct input *in = &inputs[input_count];

	if (!file || input_count == INPUTS_MAX) {
		fprintf(stderr, "%s: %s\n", path, file ? "too many inputs" : strerror(errno));
		if (file)
			fclose(file);
		return -1;
	}
	in->data = malloc(INPUT_MAX);
	if (!in->data)
		abort();
	in->size = fread(in->data, 1, INPUT_MAX, file);
	fclose(file);
	input_count++;
	run(in->data, in->size);
	return 0;
}

static void mutate_once(uint8_t *scratch)
{
	const struct input *in = &inputs[draw(input_count)];
	size_t size = in->size;

	memcpy(scratch, in->data, size);
	for (uint64_t changes = 1 + draw(4); changes && size; changes--) {
		size_t at = draw(size);

		switch (draw(5)) {
		case 0:
			scratch[at] ^= (uint8_t)(1u << draw(8));
			break;
		case 1:
			scratch[at] = (uint8_t)draw(256);
			break;
		case 2:
			scratch[at] = draw(2) ? 0xff : 0;
			break;
		case 3:
			size = at;
			break;
		default: {
			size_t end = at + draw(size - at);

			memmove(scratch + at, scratch + end, size - end);
			size -= end - at;
		}
		}
	}
	run(scratch, size);
}

int main(int argc, char **argv)
{
	unsigned long mutations = 0;
	uint8_t *scratch = malloc(INPUT_MAX);
	int status = 0;

	if (!scratch)
		abort();
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--mutate") && i + 1 < argc)
			mutations = strtoul(argv[++i], NULL, 10);
		else if (load(argv[i]))
			status = 1;
	}
	for (; mutations && input_count; mutations--)
		mutate_once(scratch);
	for (unsigned i = 0; i < input_count; i++)
		free(inputs[i].data);
	free(scratch);
	return status;
}
