/* SPDX-License-Identifier: Apache-2.0 */
/* Gives every vector of tests/protocols to the harness. VECTORS=http: only those of that directory. */
#include <criterion/criterion.h>

#include <glob.h>
#include <stdlib.h>

#include "protocols/all.h"
#include "tests/lib/harness.h"
#include "tests/lib/toys.h"

static const struct protocol_ops *find(const char *name)
{
	const struct protocol_ops *const *const lists[] = {protocols_all, toys_all};
	for (unsigned i = 0; i < 2; i++) {
		for (const struct protocol_ops *const *ops = lists[i]; *ops; ops++) {
			if (strcmp((*ops)->name, name) == 0)
				return *ops;
		}
	}
	return NULL;
}

/* The directory a file is in. */
static void directory_of(const char *path, char *to, size_t room)
{
	const char *slash = strrchr(path, '/'), *from = slash;
	while (from > path && from[-1] != '/')
		from--;
	snprintf(to, room, "%.*s", (int)(slash - from), from);
}

static unsigned run_file(const char *path)
{
	struct vectors all;
	char directory[32];
	unsigned failures = 0;
	if (!vectors_read(path, &all))
		return 1;
	directory_of(path, directory, sizeof directory);
	for (size_t i = 0; i < all.count; i++) {
		const struct vector *v = &all.list[i];
		const char *name = *v->decoder ? v->decoder : directory;
		const struct protocol_ops *ops = find(name);
		unsigned n = 1;
		if (ops)
			n = harness_check(ops, v, stderr);
		else
			fprintf(stderr, "there is no decoder named '%s'\n", name);
		if (n)
			fprintf(stderr, "%s:%u: '%s' fails\n", path, v->line, v->name);
		failures += n;
	}
	vectors_free(&all);
	return failures;
}

Test(protocols, vectors)
{
	const char *top = getenv("srcdir"), *only = getenv("VECTORS");
	char pattern[4096];
	glob_t files;
	unsigned failures = 0;
	snprintf(pattern, sizeof pattern, "%s/tests/protocols/%s/*.vec", top ? top : ".",
		 only ? only : "*");
	cr_assert_eq(glob(pattern, 0, NULL, &files), 0, "no vectors at %s", pattern);
	for (size_t i = 0; i < files.gl_pathc; i++)
		failures += run_file(files.gl_pathv[i]);
	globfree(&files);
	cr_assert_eq(failures, 0);
}
