/* SPDX-License-Identifier: Apache-2.0 */
#include "protocols/http/say.h"

enum {
	METHOD,
	PATH,
	QUERY,
	HOST,
	USERINFO,
	STATUS_CODE,
	REASON,
	VERSION,
	HEADERS,
	BODY_BYTES,
	BODY_WIRE_BYTES,
	ANOMALIES,
};

const struct field_def http_fields[] = {
	[METHOD] = {"method", FIELD_TEXT, 1 | FIELD_OPERATION, "method, as sent"},
	[PATH] = {"path", FIELD_TEXT, 1, "path of the target, as sent; absent for CONNECT"},
	[QUERY] = {"query", FIELD_TEXT, 1, "what follows the first ? of the target"},
	[HOST] = {"host", FIELD_TEXT, 1, "authority of the target, else the Host header"},
	[USERINFO] = {"userinfo", FIELD_TEXT, 1, "user and password in the target (secret)"},
	[STATUS_CODE] = {"status_code", FIELD_NUMBER, 2, "status code"},
	[REASON] = {"reason", FIELD_TEXT, 2, "reason phrase, as sent"},
	[VERSION] = {"version", FIELD_TEXT, 3, "1.0 or 1.1"},
	[HEADERS] = {"headers", FIELD_PAIRS, 3, "header lines, names in lower case (--headers)"},
	[BODY_BYTES] = {"body_bytes", FIELD_NUMBER, 3, "bytes of the body without chunk framing"},
	[BODY_WIRE_BYTES] = {"body_wire_bytes", FIELD_NUMBER, 3,
			     "bytes on the wire after the head"},
	[ANOMALIES] = {"anomalies", FIELD_LIST, 4, "what is wrong or ambiguous in the messages"},
	{0},
};

enum {
	START_FIELDS = 6,    /* of a start line, the host among them */
	HEADERS_BATCH = 32,  /* headers a call */
	COPIES = 8192,       /* bytes of lower-case names and unfolded values a call */
	NAME_MAX_SIZE = 256, /* longer names are cut: nobody has such a header */
	UNFOLDED_MAX = 2048, /* longer folded values are cut: folding is obsolete */
};

static void put_text(struct field *f, unsigned *n, uint8_t id, struct view text)
{
	f[*n].id = id;
	f[*n].mark = 0;
	f[*n].text = text;
	++*n;
}

static void put_number(struct field *f, unsigned *n, uint8_t id, uint64_t number)
{
	f[*n].id = id;
	f[*n].mark = 0;
	f[*n].number = number;
	++*n;
}

static __attribute__((noinline)) unsigned add_flaws(struct field *f, unsigned n, unsigned flaws)
{
	for (unsigned i = 0; i < HTTP_FLAW_COUNT; i++) {
		if (flaws >> i & 1)
			put_text(f, &n, ANOMALIES, view_text(http_flaw_names[i]));
	}
	return n;
}

static inline void put_flaws(struct field *f, unsigned *n, unsigned flaws)
{
	if (flaws)
		*n = add_flaws(f, *n, flaws);
}

/* --- headers --- */

/* Memory for the names and values of one call that are not on the wire as they must be said. */
struct copies {
	uint32_t used;
	uint8_t bytes[COPIES];
};

static struct view copy_lower(struct copies *c, struct view name)
{
	uint8_t *to = c->bytes + c->used;
	name = view_first(name, NAME_MAX_SIZE);
	for (uint32_t i = 0; i < name.size; i++)
		to[i] = name.data[i] >= 'A' && name.data[i] <= 'Z' ? name.data[i] | 0x20
								   : name.data[i];
	c->used += name.size;
	return view_of(to, name.size);
}

/* Each line end becomes a space, and the space before and behind it goes (RFC 9112 5.2). */
static struct view copy_unfolded(struct copies *c, struct view value)
{
	uint8_t *to = c->bytes + c->used;
	uint32_t n = 0;
	for (uint32_t i = 0; i < value.size && n < UNFOLDED_MAX; i++) {
		uint8_t b = value.data[i];
		if (b != '\n') {
			to[n++] = b;
			continue;
		}
		while (n && (to[n - 1] == '\r' || to[n - 1] == ' ' || to[n - 1] == '\t'))
			n--;
		to[n++] = ' ';
		while (i + 1 < value.size &&
		       (value.data[i + 1] == ' ' || value.data[i + 1] == '\t'))
			i++;
	}
	c->used += n;
	return view_of(to, n);
}

static void say_headers(struct env *env, enum side side, struct message m, struct view lines)
{
	struct field f[HEADERS_BATCH];
	struct copies copies;
	struct http_header h;
	bool more = true;
	m.fields = f;
	while (more) {
		copies.used = 0;
		m.field_count = 0;
		while (m.field_count < HEADERS_BATCH &&
		       COPIES - copies.used >= NAME_MAX_SIZE + UNFOLDED_MAX &&
		       (more = http_header_next(&lines, &h))) {
			if (!h.name.size)
				continue;
			struct field *to = &f[m.field_count++];
			to->id = HEADERS;
			to->name = copy_lower(&copies, h.name);
			to->mark = http_header_secret(to->name) ? FIELD_SECRET : 0;
			to->text =
				h.flaws & HTTP_OBS_FOLD ? copy_unfolded(&copies, h.value) : h.value;
		}
		if (m.field_count)
			env->ops->add(env, side, &m);
	}
}

/* --- messages --- */

/* What is said at once. Inlined with a constant: nearly all heads are whole when they are looked at. */
enum { START_LINE = 1, HEADER_LINES = 2, WHOLE_HEAD = START_LINE | HEADER_LINES };

static inline __attribute__((always_inline)) void say_parts(struct env *env, enum side side,
							    struct message *m,
							    const struct http_head *head,
							    unsigned parts)
{
	if (parts & START_LINE)
		env->ops->begin(env, side, m);
	else if (m->field_count || m->cookie)
		env->ops->add(env, side, m);
	if (parts & HEADER_LINES && env->wants & WANT_HEADERS)
		say_headers(env, side, *m, head->lines);
}

/* Nearly all targets begin with a path. */
static inline struct http_target target_of(const struct http_head *head)
{
	struct http_target ret = {.path = head->target};
	if (head->target.data[0] != '/' || head->asks & HTTP_ASKS_CONNECT) {
		http_target_split(head, &ret);
		return ret;
	}
	const uint8_t *mark = memchr(ret.path.data, '?', ret.path.size);
	if (mark) {
		ret.path.size = (uint32_t)(mark - ret.path.data);
		ret.query = view_from(head->target, ret.path.size + 1);
	}
	return ret;
}

/* The fields of a request; returns how many. */
static inline __attribute__((always_inline)) unsigned request_fields(struct field *f,
								     const struct http_head *head,
								     unsigned parts)
{
	struct http_target target = target_of(head);
	unsigned n = 0;
	if (parts & START_LINE) {
		put_text(f, &n, METHOD, head->method);
		if (target.path.size)
			put_text(f, &n, PATH, target.path);
		if (target.query.size)
			put_text(f, &n, QUERY, target.query);
		if (target.host.size)
			put_text(f, &n, HOST, target.host);
		if (target.userinfo.size) {
			put_text(f, &n, USERINFO, target.userinfo);
			f[n - 1].mark = FIELD_SECRET;
		}
		put_text(f, &n, VERSION, head->version);
		put_flaws(f, &n, head->flaws & HTTP_FLAWS_OF_START);
	}
	if (parts & HEADER_LINES) {
		unsigned flaws = head->flaws & ~(unsigned)HTTP_FLAWS_OF_START;
		if (!target.host.size && head->host.size)
			put_text(f, &n, HOST, head->host);
		else if (head->host.size && !http_same_nocase(head->host, target.host))
			flaws |= HTTP_HOST_MISMATCH;
		put_flaws(f, &n, flaws);
	}
	return n;
}

static inline __attribute__((always_inline)) void say_request(struct env *env,
							      const struct http_head *head,
							      uint64_t offset, unsigned parts)
{
	struct field f[START_FIELDS + HTTP_FLAW_COUNT];
	struct message m = {
		.kind = MESSAGE_REQUEST, .offset = offset, .cookie = (int)head->asks, .fields = f};
	if (parts & HEADER_LINES)
		m.cookie |= HTTP_ASKS_READ;
	if (env->wants & WANT_FIELDS)
		m.field_count = request_fields(f, head, parts);
	else if (env->wants & WANT_OPERATION && parts & START_LINE)
		put_text(f, &m.field_count, METHOD, head->method);
	say_parts(env, FROM_CLIENT, &m, head, parts);
}

static inline __attribute__((always_inline)) unsigned response_fields(struct field *f,
								      const struct http_head *head,
								      unsigned parts)
{
	unsigned n = 0;
	if (parts & START_LINE) {
		put_number(f, &n, STATUS_CODE, head->status);
		if (head->reason.size)
			put_text(f, &n, REASON, head->reason);
		put_text(f, &n, VERSION, head->version);
		put_flaws(f, &n, head->flaws & HTTP_FLAWS_OF_START);
	}
	if (parts & HEADER_LINES)
		put_flaws(f, &n, head->flaws & ~(unsigned)HTTP_FLAWS_OF_START);
	return n;
}

static inline __attribute__((always_inline)) void say_response(struct env *env,
							       const struct http_head *head,
							       bool final, uint64_t offset,
							       unsigned parts)
{
	struct field f[START_FIELDS + HTTP_FLAW_COUNT];
	struct message m = {.kind = MESSAGE_RESPONSE, .offset = offset, .fields = f};
	if (parts & START_LINE && final)
		m.flags = head->status >= 400 ? MESSAGE_FINAL | MESSAGE_ERROR : MESSAGE_FINAL;
	if (env->wants & WANT_FIELDS)
		m.field_count = response_fields(f, head, parts);
	say_parts(env, FROM_SERVER, &m, head, parts);
}

void http_say_request(struct env *env, const struct http_head *head, uint64_t offset)
{
	say_request(env, head, offset, WHOLE_HEAD);
}

void http_say_response(struct env *env, const struct http_head *head, bool final, uint64_t offset)
{
	say_response(env, head, final, offset, WHOLE_HEAD);
}

void http_say_start(struct env *env, enum side side, const struct http_head *head, bool final,
		    uint64_t offset)
{
	if (side == FROM_CLIENT)
		say_request(env, head, offset, START_LINE);
	else
		say_response(env, head, final, offset, START_LINE);
}

void http_say_rest(struct env *env, enum side side, const struct http_head *head)
{
	if (side == FROM_CLIENT)
		say_request(env, head, 0, HEADER_LINES);
	else
		say_response(env, head, false, 0, HEADER_LINES);
}

void http_say_end(struct env *env, enum side side, const struct http_end *end)
{
	struct field f[2 + HTTP_FLAW_COUNT];
	struct message m = {.kind = side == FROM_CLIENT ? MESSAGE_REQUEST : MESSAGE_RESPONSE,
			    .flags = end->flags,
			    .offset = end->offset,
			    .fields = f};
	if (env->wants & WANT_FIELDS) {
		if (end->sizes) {
			put_number(f, &m.field_count, BODY_BYTES, end->body);
			put_number(f, &m.field_count, BODY_WIRE_BYTES, end->wire);
		}
		put_flaws(f, &m.field_count, end->flaws);
	}
	env->ops->end(env, side, &m);
}
