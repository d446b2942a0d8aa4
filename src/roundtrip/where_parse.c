/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words and operators to a flat program. What is pending ("not", "(", "and", "or") waits on a capped stack;
 * "and" and "or" have already written their jump, and learn its goal when their right side is complete.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "roundtrip/where_impl.h"

enum token_is { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_OP, TOKEN_OPEN, TOKEN_CLOSE };

struct token {
	enum token_is is;
	enum where_op op;
	struct view text; /* WORD: in the expression; STRING: between its quotes, escapes and all */
	unsigned at;
};

enum pending_is { PENDING_NOT, PENDING_OPEN, PENDING_AND, PENDING_OR };

struct pending {
	enum pending_is is;
	unsigned at;   /* in the expression */
	unsigned step; /* AND, OR: its jump */
};

struct parser {
	const char *text;
	unsigned size, at;
	struct token token;
	const struct protocol_ops *const *protocols;
	struct where_error *error;
	struct where *w;
	unsigned step_room;
	struct pending pending[WHERE_DEPTH_MAX];
	unsigned depth;
};

__attribute__((format(printf, 3, 4))) static int fail(struct parser *p, unsigned at,
						      const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(p->error->text, sizeof(p->error->text), format, list);
	va_end(list);
	p->error->at = at;
	return ERR_INVALID;
}

/* How much of a text an error message quotes. */
static int quoted(struct view v)
{
	return v.size < 40 ? (int)v.size : 40;
}

static bool ends_word(char c)
{
	return (unsigned char)c <= ' ' || strchr("()\"'=!<>~", c);
}

static int take_string(struct parser *p)
{
	char quote = p->text[p->at];
	unsigned from = p->at + 1, at = from;

	while (at < p->size && p->text[at] != quote)
		at += p->text[at] == '\\' && at + 1 < p->size ? 2 : 1;
	if (at >= p->size)
		return fail(p, p->at, "the quote %c is never closed", quote);
	p->token.is = TOKEN_STRING;
	p->token.text = view_of(p->text + from, at - from);
	p->at = at + 1;
	return 0;
}

static int take_operator(struct parser *p)
{
	static const struct {
		const char *text;
		enum where_op op;
	} ops[] = {
		{"!=", OP_NE}, {"<=", OP_LE}, {">=", OP_GE},   {"=", OP_EQ},
		{"<", OP_LT},  {">", OP_GT},  {"~", OP_MATCH},
	};

	for (unsigned i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		size_t n = strlen(ops[i].text);

		if (strncmp(p->text + p->at, ops[i].text, n) != 0)
			continue;
		p->token.is = TOKEN_OP;
		p->token.op = ops[i].op;
		p->at += (unsigned)n;
		if (p->at < p->size && strchr("=<>~!", p->text[p->at]))
			return fail(p, p->token.at, "no such operator; there are = != < <= > >= ~");
		return 0;
	}
	return fail(p, p->at, "\"!\" alone means nothing here; write \"not\"");
}

/* Reads the next token. */
static int next(struct parser *p)
{
	while (p->at < p->size && (unsigned char)p->text[p->at] <= ' ')
		p->at++;
	p->token = (struct token){.is = TOKEN_END, .at = p->at};
	if (p->at == p->size)
		return 0;

	char c = p->text[p->at];

	if (c == '"' || c == '\'')
		return take_string(p);
	if (c == '(' || c == ')') {
		p->token.is = c == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
		p->at++;
		return 0;
	}
	if (ends_word(c))
		return take_operator(p);
	while (p->at < p->size && !ends_word(p->text[p->at]))
		p->at++;
	p->token.is = TOKEN_WORD;
	p->token.text = view_of(p->text + p->token.at, p->at - p->token.at);
	return 0;
}

static bool is_word(const struct parser *p, const char *word)
{
	return p->token.is == TOKEN_WORD && view_equal(p->token.text, view_text(word));
}

/* --- the program --- */

static int emit(struct parser *p, unsigned is, uint32_t to)
{
	struct where *w = p->w;

	if (w->steps == p->step_room) {
		unsigned room = p->step_room ? p->step_room * 2 : 16;

		if (room > WHERE_STEPS_MAX)
			return fail(p, p->token.at, "more than %d tests and operators",
				    WHERE_STEPS_MAX);
		struct step *step = realloc(w->step, room * sizeof(*step));

		if (!step)
			return ERR_NOMEM;
		w->step = step;
		p->step_room = room;
	}
	w->step[w->steps].is = is;
	w->step[w->steps++].to = to;
	return 0;
}

static int push(struct parser *p, enum pending_is is, unsigned step)
{
	if (p->depth == WHERE_DEPTH_MAX)
		return fail(p, p->token.at, "nested more than %d deep", WHERE_DEPTH_MAX);
	p->pending[p->depth++] = (struct pending){is, p->token.at, step};
	return 0;
}

/* Completes what binds at least as strongly as `is`: its right side ends here. */
static void settle(struct parser *p, enum pending_is is)
{
	while (p->depth) {
		const struct pending *top = &p->pending[p->depth - 1];

		if (top->is != PENDING_AND && (top->is != PENDING_OR || is != PENDING_OR))
			return;
		p->w->step[top->step].to = p->w->steps;
		p->depth--;
	}
}

/* An operand is complete: the "not"s before it apply. */
static int negate(struct parser *p)
{
	int err = 0;

	for (; !err && p->depth && p->pending[p->depth - 1].is == PENDING_NOT; p->depth--)
		err = emit(p, STEP_NOT, 0);
	return err;
}

/* --- a test --- */

/* The value as text: \" \' and \\ lose their backslash, others (of a regular expression) keep it. */
static int take_text(struct parser *p, struct test *t)
{
	struct view v = p->token.text;

	t->text = malloc(v.size + 1);
	if (!t->text)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < v.size; i++) {
		if (p->token.is == TOKEN_STRING && v.data[i] == '\\' && i + 1 < v.size &&
		    strchr("\"'\\", v.data[i + 1]))
			i++;
		t->text[t->size++] = (char)v.data[i];
	}
	t->text[t->size] = 0;
	return 0;
}

static int take_regex(struct parser *p, struct test *t)
{
	if (!where_regex_is_cheap(t->text))
		return fail(p, p->token.at,
			    "a regular expression may hold %d of + * ? and %d of {, repeat nothing "
			    "more than %d times, no anchor, and not with + or { what may be empty",
			    WHERE_REPEATS_MAX, WHERE_COUNTS_MAX, WHERE_COPIES_MAX);

	int code = regcomp(&t->regex, t->text, REG_EXTENDED | REG_NOSUB);
	char words[80];

	if (code) {
		regerror(code, &t->regex, words, sizeof(words));
		return fail(p, p->token.at, "not a regular expression: %s", words);
	}
	t->has_regex = true;
	return 0;
}

/* A number, in the unit of the field's type. */
static int take_number(struct parser *p, struct test *t)
{
	struct view v = view_of(t->text, t->size);
	const char *examples = NULL;
	int err = 0;

	switch (t->field.type) {
	case TYPE_NUMBER:
		err = units_size(v, &t->number);
		examples = "500 or 10KiB";
		break;
	case TYPE_DURATION:
		err = units_duration(v, &t->number);
		examples = "0.25, 100ms or 1.5s";
		break;
	case TYPE_TIME:
		err = units_time(v, &t->number);
		examples = "2026-01-31 or 2026-01-31T12:00:00.5Z";
		break;
	default:
		return 0;
	}
	t->is_number = !err;
	if (!err)
		return 0;
	return fail(p, p->token.at, "\"%.*s\" is not a %s; write it like %s", quoted(v), t->text,
		    where_type_name(t->field.type), examples);
}

static int take_value(struct parser *p, struct test *t, struct view path)
{
	struct view v = view_of(t->text, t->size);
	bool same = t->op == OP_EQ || t->op == OP_NE;
	char list[120];

	if (t->field.mixed) {
		t->is_number = units_size(v, &t->number) == 0;
		return t->op == OP_MATCH ? take_regex(p, t) : 0;
	}
	switch (t->field.type) {
	case TYPE_FLAG:
		if (t->op == OP_EQ && view_equal(v, view_text("true")))
			return 0;
		return fail(p, p->token.at,
			    "a flag is there or not: write \"%.*s\" or \"not %.*s\"", quoted(path),
			    path.data, quoted(path), path.data);
	case TYPE_PAIRS:
		if (t->field.pair.size)
			break;
		return fail(p, p->token.at, "say which one: %.*s.NAME", quoted(path), path.data);
	case TYPE_ADDRESS:
		if (t->op == OP_MATCH)
			break;
		if (!same)
			return fail(p, p->token.at,
				    "addresses know = and != (also of a range) and ~");
		if (units_address(v, &t->range) < 0)
			return fail(p, p->token.at,
				    "\"%.*s\" is not an address; write it like "
				    "10.0.0.1, 10.0.0.0/8 or 2001:db8::/32",
				    quoted(v), t->text);
		return 0;
	case TYPE_NAME:
		if (same && where_name_check(t->field.builtin, v, list, sizeof(list)) < 0)
			return fail(p, p->token.at, "no %.*s is \"%.*s\"; there are %s",
				    quoted(path), path.data, quoted(v), t->text, list);
		break;
	case TYPE_DURATION:
	case TYPE_TIME:
		if (t->op == OP_MATCH)
			return fail(p, p->token.at,
				    "a %s knows = != < <= > >=", where_type_name(t->field.type));
		break;
	case TYPE_NUMBER:
	case TYPE_TEXT:
		break;
	}
	return t->op == OP_MATCH ? take_regex(p, t) : take_number(p, t);
}

static int take_field(struct parser *p, struct test *t)
{
	struct view path = p->token.text;
	char near[WHERE_PATH_MAX];
	int err = where_field_find(path, p->protocols, near, &t->field);

	if (err == ERR_INVALID && near[0])
		return fail(p, p->token.at, "no field is called \"%.*s\"; did you mean %s?",
			    quoted(path), path.data, near);
	if (err == ERR_INVALID)
		return fail(p, p->token.at, "no field is called \"%.*s\"; see `wirespan protocols`",
			    quoted(path), path.data);
	if (err)
		return err;
	if (t->field.pair.size) {
		t->pair = strndup((const char *)t->field.pair.data, t->field.pair.size);
		if (!t->pair)
			return ERR_NOMEM;
	}
	return 0;
}

/* field [ op value ] */
static int take_test(struct parser *p)
{
	struct test *test = realloc(p->w->test, (p->w->tests + 1) * sizeof(*test));
	struct view path = p->token.text;

	if (!test)
		return ERR_NOMEM;
	p->w->test = test;
	struct test *t = &test[p->w->tests++];

	memset(t, 0, sizeof(*t));
	int err = take_field(p, t);

	if (!err)
		err = emit(p, STEP_TEST, p->w->tests - 1);
	if (!err)
		err = next(p);
	if (err || p->token.is != TOKEN_OP)
		return err;
	t->op = p->token.op;
	err = next(p);
	if (!err && p->token.is != TOKEN_WORD && p->token.is != TOKEN_STRING)
		err = fail(p, p->token.at, "a value is missing here");
	if (!err)
		err = take_text(p, t);
	if (!err)
		err = take_value(p, t, path);
	return err ? err : next(p);
}

/* --- the expression --- */

/* What may stand where an operand begins. Sets `ret_done` when it is complete. */
static int take_operand(struct parser *p, bool *ret_done)
{
	int err;

	*ret_done = false;
	if (is_word(p, "not")) {
		err = push(p, PENDING_NOT, 0);
		return err ? err : next(p);
	}
	if (p->token.is == TOKEN_OPEN) {
		err = push(p, PENDING_OPEN, 0);
		return err ? err : next(p);
	}
	if (p->token.is != TOKEN_WORD || is_word(p, "and") || is_word(p, "or"))
		return fail(p, p->token.at,
			    p->token.is == TOKEN_END ? "a field is missing at the end"
						     : "a field is missing here");
	*ret_done = true;
	err = take_test(p);
	return err ? err : negate(p);
}

static int take_close(struct parser *p)
{
	settle(p, PENDING_OR);
	if (!p->depth)
		return fail(p, p->token.at, "\")\" closes nothing");
	p->depth--;
	int err = next(p);

	return err ? err : negate(p);
}

/* What may stand behind an operand; after "and" and "or" the next one begins, which `ret_more` tells. */
static int take_operator_word(struct parser *p, bool *ret_more)
{
	bool and = is_word(p, "and");

	*ret_more = and || is_word(p, "or");
	if (*ret_more) {
		settle(p, and? PENDING_AND : PENDING_OR);
		int err = emit(p, and? STEP_SKIP_IF_FALSE : STEP_SKIP_IF_TRUE, 0);

		if (!err)
			err = push(p, and? PENDING_AND : PENDING_OR, p->w->steps - 1);
		return err ? err : next(p);
	}
	if (p->token.is == TOKEN_CLOSE)
		return take_close(p);
	return fail(p, p->token.at, "\"and\", \"or\" or the end is missing here");
}

static int take_expression(struct parser *p)
{
	bool done, more = true;
	int err = next(p);

	while (!err) {
		while (!err && more) {
			err = take_operand(p, &done);
			more = !done;
		}
		if (err || p->token.is == TOKEN_END)
			break;
		err = take_operator_word(p, &more);
	}
	if (err)
		return err;
	settle(p, PENDING_OR);
	if (p->depth)
		return fail(p, p->pending[p->depth - 1].at, "\"(\" is never closed");
	return 0;
}

int where_new(const char *expression, const struct protocol_ops *const *protocols,
	      struct where_error *ret_error, struct where **ret_where)
{
	struct parser p = {.text = expression, .protocols = protocols, .error = ret_error};
	size_t size = strlen(expression);
	int err;

	*ret_error = (struct where_error){0};
	if (size > WHERE_TEXT_MAX)
		return fail(&p, 0, "longer than %d bytes", WHERE_TEXT_MAX);
	p.size = (unsigned)size;
	p.w = calloc(1, sizeof(*p.w));
	if (!p.w)
		return ERR_NOMEM;
	err = take_expression(&p);
	if (err) {
		where_free(p.w);
		return err;
	}
	*ret_where = p.w;
	return 0;
}
