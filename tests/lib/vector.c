/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/vector.h"

#include <stdio.h>
#include <stdlib.h>

static void *grow(void *list, size_t count, size_t size)
{
	list = realloc(list, (count + 1) * size);
	if (!list)
		abort();
	memset((char *)list + count * size, 0, size);
	return list;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* C escapes: \r \n \t \0 \\ \" \xHH (exactly two digits). */
static bool unescape(const char *at, const char *end, struct buf *to)
{
	static const char from[] = "rnt0\\\"", what[] = "\r\n\t\0\\\"";
	for (; at < end; at++) {
		if (*at != '\\') {
			buf_char(to, *at);
			continue;
		}
		if (++at == end)
			return false;
		const char *e = strchr(from, *at);
		if (e && *e) {
			buf_char(to, what[e - from]);
			continue;
		}
		if (*at != 'x' || end - at < 3 || hex_digit(at[1]) < 0 || hex_digit(at[2]) < 0)
			return false;
		buf_char(to, (char)(hex_digit(at[1]) << 4 | hex_digit(at[2])));
		at += 2;
	}
	return true;
}

static struct step *add_step(struct vector *v, enum step_kind kind, enum side side)
{
	v->steps = grow(v->steps, v->count, sizeof *v->steps);
	struct step *s = &v->steps[v->count++];
	s->kind = kind;
	s->side = side;
	return s;
}

static bool find_word(const char *word, const char *const *list, unsigned count, unsigned *ret_i)
{
	for (unsigned i = 0; i < count; i++) {
		if (list[i] && strcmp(word, list[i]) == 0) {
			*ret_i = i;
			return true;
		}
	}
	return false;
}

/* ">gap 10 lost", ">end fin", ">*100 text" or "> text". */
static bool parse_step(struct vector *v, const char *line, const char *end, bool *join)
{
	static const char *const whys[] = {[WHY_LOST] = "lost", "snaplen", "limit", "midstream"};
	static const char *const ends[] = {"fin", "rst", "idle", "evicted", "eof"};
	enum side side = *line == '>' ? FROM_CLIENT : FROM_SERVER;
	unsigned long long n = 1;
	char word[16] = "";
	unsigned i;
	int skip = 0;
	if (sscanf(line + 1, "gap %llu %15s", &n, word) == 2) {
		struct step *s = add_step(v, STEP_GAP, side);
		s->gap = n;
		*join = false;
		if (!find_word(word, whys, 5, &i))
			return false;
		s->why = (enum why)i;
		return true;
	}
	if (sscanf(line + 1, "end %15s", word) == 1) {
		*join = false;
		if (!find_word(word, ends, 5, &i))
			return false;
		add_step(v, STEP_END, side)->reason = (enum end_reason)i;
		return true;
	}
	if (sscanf(line + 1, "*%llu %n", &n, &skip) < 1 || !skip) {
		n = 1;
		skip = line[1] == ' ';
	}
	if (line + 1 + skip > end || (line[1] != ' ' && line[1] != '*'))
		return false;
	struct step *s = v->count ? &v->steps[v->count - 1] : NULL;
	if (!*join || !s || s->kind != STEP_BYTES || s->side != side)
		s = add_step(v, STEP_BYTES, side);
	*join = true;
	for (; n; n--) {
		if (!unescape(line + 1 + skip, end, &s->bytes))
			return false;
	}
	return true;
}

static bool parse_line(struct vectors *all, const char *line, const char *end, unsigned number,
		       bool *join)
{
	size_t size = (size_t)(end - line);
	if (!size || *line == '#')
		return true;
	if (size > 6 && strncmp(line, "name: ", 6) == 0) {
		all->list = grow(all->list, all->count, sizeof *all->list);
		struct vector *v = &all->list[all->count++];
		snprintf(v->name, sizeof v->name, "%.*s", (int)(size - 6), line + 6);
		v->line = number;
		*join = false;
		return true;
	}
	if (!all->count)
		return false;
	struct vector *v = &all->list[all->count - 1];
	if (*line == '>' || *line == '<')
		return parse_step(v, line, end, join);
	if (size >= 2 && strncmp(line, "= ", 2) == 0) {
		buf_add(&v->expected, line + 2, size - 2);
		buf_char(&v->expected, '\n');
		return true;
	}
	if (size > 9 && strncmp(line, "decoder: ", 9) == 0) {
		snprintf(v->decoder, sizeof v->decoder, "%.*s", (int)(size - 9), line + 9);
		return true;
	}
	if (sscanf(line, "port: %hu", &v->service_port) == 1)
		return true;
	*join = false;
	struct view word = view_of(line, (uint32_t)size);
	if (view_equal(word, view_text("scope: querier")) ||
	    view_equal(word, view_text("scope: all"))) {
		v->scope = view_equal(word, view_text("scope: all")) ? SCOPE_ALL : SCOPE_QUERIER;
		return true;
	}
	bool *flag = view_equal(word, view_text("loose"))           ? &v->loose
		     : view_equal(word, view_text("datagrams"))     ? &v->datagrams
		     : view_equal(word, view_text("headers"))       ? &v->headers
		     : view_equal(word, view_text("against ports")) ? &v->against_ports
								    : NULL;
	if (flag)
		*flag = true;
	return flag || view_equal(word, view_text("|"));
}

bool vectors_parse(const char *path, const char *text, struct vectors *ret_vectors)
{
	struct vectors all = {0};
	unsigned number = 0;
	bool join = false;
	while (*text) {
		const char *end = strchr(text, '\n');
		end = end ? end : text + strlen(text);
		if (!parse_line(&all, text, end, ++number, &join)) {
			fprintf(stderr, "%s:%u: not a line of a test vector\n", path, number);
			vectors_free(&all);
			return false;
		}
		text = *end ? end + 1 : end;
	}
	*ret_vectors = all;
	return true;
}

bool vectors_read(const char *path, struct vectors *ret_vectors)
{
	FILE *in = fopen(path, "rb");
	if (!in) {
		perror(path);
		return false;
	}
	struct buf text = {0};
	char block[4096];
	size_t n;
	while ((n = fread(block, 1, sizeof block, in)) > 0)
		buf_add(&text, block, n);
	fclose(in);
	buf_char(&text, 0);
	bool ok = vectors_parse(path, text.data, ret_vectors);
	buf_done(&text);
	return ok;
}

void vectors_free(struct vectors *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct vector *v = &all->list[i];
		for (size_t k = 0; k < v->count; k++)
			buf_done(&v->steps[k].bytes);
		free(v->steps);
		buf_done(&v->expected);
	}
	free(all->list);
	*all = (struct vectors){0};
}
