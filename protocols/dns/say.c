/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields and messages.
 *
 * spec: RFC 6891 (EDNS), RFC 8914 (extended errors), RFC 7871 6 (client subnet), RFC 7873 4 (cookie), RFC 5001 2.3
 *       (NSID), RFC 6762 5.4 (mDNS: unicast answers wanted), RFC 4795 2.1.1 (LLMNR: its flags)
 */
#include "protocols/dns/say.h"

#include "protocols/dns/names.h"
#include "protocols/dns/rdata.h"

enum {
	VARIANT,
	TYPE,
	NAME,
	RCODE,
	CLASS,
	QUESTIONS,
	ID,
	OPCODE,
	FLAGS,
	RECURSION_DESIRED,
	AUTHORITATIVE,
	TRUNCATED,
	RETRANSMITTED,
	UNICAST_WANTED,
	QUESTION_COUNT,
	ANSWER_COUNT,
	AUTHORITY_COUNT,
	ADDITIONAL_COUNT,
	MESSAGES,
	EDNS_VERSION,
	EDNS_UDP_SIZE,
	DNSSEC_OK,
	EDNS_OPTIONS,
	CLIENT_SUBNET,
	COOKIE,
	NSID,
	EXTENDED_ERRORS,
	ANSWERS,
	UPDATES,
	ANOMALIES,
};

const struct field_def dns_fields[] = {
	[VARIANT] = {"variant", FIELD_TEXT, 4, "mdns or llmnr; absent for DNS itself"},
	[NAME] = {"name", FIELD_TEXT, 3, "name of the first question, as sent"},
	[TYPE] = {"type", FIELD_TEXT, 3 | FIELD_OPERATION,
		  "type of the first question (A, MX, TYPE65280)"},
	[CLASS] = {"class", FIELD_TEXT, 3, "class of the first question (IN, CH)"},
	[QUESTIONS] = {"questions", FIELD_LIST, 3, "name, class and type of each of several"},
	[ID] = {"id", FIELD_NUMBER, 3, "id of the message"},
	[OPCODE] = {"opcode", FIELD_TEXT, 3, "QUERY, NOTIFY, UPDATE, ..."},
	[RCODE] = {"rcode", FIELD_TEXT, 2, "NOERROR, NXDOMAIN, ..., those of EDNS too"},
	[FLAGS] = {"flags", FIELD_LIST, 3, "flags of the header that are set (aa tc rd ra ad cd)"},
	[RECURSION_DESIRED] = {"recursion_desired", FIELD_FLAG, 1, "the flag rd"},
	[AUTHORITATIVE] = {"authoritative", FIELD_FLAG, 2, "the flag aa"},
	[TRUNCATED] = {"truncated", FIELD_FLAG, 3, "the flag tc: there is more than fits"},
	[RETRANSMITTED] = {"retransmitted", FIELD_FLAG, 1, "it was sent more than once"},
	[UNICAST_WANTED] = {"unicast_wanted", FIELD_FLAG, 1, "mDNS: the answer may be unicast"},
	[QUESTION_COUNT] = {"question_count", FIELD_NUMBER, 3, "questions, by the header"},
	[ANSWER_COUNT] = {"answer_count", FIELD_NUMBER, 3, "answers, by the header"},
	[AUTHORITY_COUNT] = {"authority_count", FIELD_NUMBER, 3, "authorities, by the header"},
	[ADDITIONAL_COUNT] = {"additional_count", FIELD_NUMBER, 3, "additional ones, the same"},
	[MESSAGES] = {"messages", FIELD_NUMBER, 2, "messages of a zone transfer"},
	[EDNS_VERSION] = {"edns_version", FIELD_NUMBER, 3, "version of EDNS"},
	[EDNS_UDP_SIZE] = {"edns_udp_size", FIELD_NUMBER, 3, "largest datagram wanted, bytes"},
	[DNSSEC_OK] = {"dnssec_ok", FIELD_FLAG, 3, "the flag DO of EDNS"},
	[EDNS_OPTIONS] = {"edns_options", FIELD_LIST, 3, "names of the options"},
	[CLIENT_SUBNET] = {"client_subnet", FIELD_TEXT, 3, "address/source/scope prefix"},
	[COOKIE] = {"cookie", FIELD_TEXT, 3, "DNS cookie, hexadecimal"},
	[NSID] = {"nsid", FIELD_TEXT, 3, "name of the server's instance"},
	[EXTENDED_ERRORS] = {"extended_errors", FIELD_LIST, 2, "code, name: text"},
	[ANSWERS] = {"answers", FIELD_LIST, 3, "name TTL type data of the first 64"},
	[UPDATES] = {"updates", FIELD_LIST, 1, "the same of what an UPDATE changes"},
	[ANOMALIES] = {"anomalies", FIELD_LIST, 4, "what is wrong in the messages"},
	{0},
};

enum {
	RECORDS_SHOWN = 64,   /* of a section: what a person reads */
	QUESTIONS_SHOWN = 16, /* mDNS asks for a dozen at once */
	OPTIONS_SHOWN = 16,   /* a handful is usual */
	FLAGS_SHOWN = 8,      /* all of them */
	RECORD_TEXT_MAX = 1024,
	TEXT_MAX = 24 << 10, /* of all texts of a message */
	FIELDS_MAX =
		ANOMALIES + QUESTIONS_SHOWN + RECORDS_SHOWN + 3 * OPTIONS_SHOWN + FLAGS_SHOWN + 4,
};

/* The fields of one message, and the memory of their texts. */
struct saying {
	const struct dns_message *d;
	unsigned count;
	uint32_t used;
	struct field f[FIELDS_MAX];
	char text[TEXT_MAX];
};

static void add_text(struct saying *s, uint8_t id, const char *text)
{
	s->f[s->count].mark = 0;
	s->f[s->count].text = view_text(text);
	s->f[s->count++].id = id;
}

static void add_number(struct saying *s, uint8_t id, uint64_t number)
{
	s->f[s->count].mark = 0;
	s->f[s->count].number = number;
	s->f[s->count++].id = id;
}

static void add_flag(struct saying *s, uint8_t id)
{
	add_number(s, id, 1);
}

/* A text to be written; say_text() makes it a field. */
static struct dns_text text_of(struct saying *s)
{
	uint32_t room = TEXT_MAX - s->used;

	return (struct dns_text){.to = s->text + s->used,
				 .room = room < RECORD_TEXT_MAX ? room : RECORD_TEXT_MAX};
}

static void say_text(struct saying *s, uint8_t id, const struct dns_text *t)
{
	s->f[s->count].mark = 0;
	s->f[s->count].text = view_of(t->to, t->size);
	s->f[s->count++].id = id;
	s->used += t->size;
}

/* --- questions --- */

static void say_number_name(struct saying *s, uint8_t id, const char *name, const char *otherwise,
			    unsigned number)
{
	struct dns_text t;

	if (name) {
		add_text(s, id, name);
		return;
	}
	t = text_of(s);
	dns_put_named(&t, name, otherwise, number);
	say_text(s, id, &t);
}

static uint16_t class_of(const struct dns_message *d, uint16_t class)
{
	return d->variant == DNS_MDNS ? class & 0x7fff : class;
}

static void say_first_question(struct saying *s, const struct dns_question *q)
{
	struct dns_text t = text_of(s);
	uint16_t class = class_of(s->d, q->class);
	uint32_t at = q->name;

	if (dns_put_name(&t, s->d->bytes, &at))
		say_text(s, NAME, &t);
	say_number_name(s, TYPE, dns_type_name(q->type), "TYPE", q->type);
	say_number_name(s, CLASS, dns_class_name(class), "CLASS", class);
	if (class != q->class && !(s->d->header.flags & DNS_QR))
		add_flag(s, UNICAST_WANTED);
}

static void say_one_of_several(struct saying *s, const struct dns_question *q)
{
	struct dns_text t = text_of(s);
	uint16_t class = class_of(s->d, q->class);
	uint32_t at = q->name;

	if (!dns_put_name(&t, s->d->bytes, &at))
		return;
	dns_put(&t, " ");
	dns_put_named(&t, dns_class_name(class), "CLASS", class);
	dns_put(&t, " ");
	dns_put_named(&t, dns_type_name(q->type), "TYPE", q->type);
	say_text(s, QUESTIONS, &t);
}

static void say_questions(struct saying *s)
{
	unsigned count = s->d->header.count[DNS_QUESTION];
	uint32_t at = DNS_HEADER;

	for (unsigned i = 0; i < count && i < QUESTIONS_SHOWN; i++) {
		struct dns_question q;

		if (dns_question_read(s->d->bytes, &at, &q) != DNS_OK)
			return;
		if (!i)
			say_first_question(s, &q);
		if (count > 1)
			say_one_of_several(s, &q);
	}
}

/* --- the header --- */

static void say_flags(struct saying *s)
{
	static const struct {
		uint16_t flag;
		const char *name, *llmnr;
	} rows[] = {
		{DNS_AA, "aa", "c"},  {DNS_TC, "tc", "tc"}, {DNS_RD, "rd", "t"},
		{DNS_RA, "ra", "ra"}, {DNS_Z, "z", "z"},    {DNS_AD, "ad", "ad"},
		{DNS_CD, "cd", "cd"},
	};
	uint16_t flags = s->d->header.flags;
	bool llmnr = s->d->variant == DNS_LLMNR;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (flags & rows[i].flag)
			add_text(s, FLAGS, llmnr ? rows[i].llmnr : rows[i].name);
	}
	if (flags & DNS_TC)
		add_flag(s, TRUNCATED);
	if (llmnr)
		return;
	if (flags & DNS_RD && !(flags & DNS_QR))
		add_flag(s, RECURSION_DESIRED);
	if (flags & DNS_AA && flags & DNS_QR)
		add_flag(s, AUTHORITATIVE);
}

/* By the header as it was sent. */
static unsigned questions_of(const struct dns_message *d)
{
	return dns_header_of(d->bytes).count[DNS_QUESTION];
}

static void say_header(struct saying *s)
{
	const struct dns_header *h = &s->d->header;
	unsigned opcode = dns_opcode(h);

	if (s->d->variant)
		add_text(s, VARIANT, s->d->variant == DNS_MDNS ? "mdns" : "llmnr");
	say_questions(s);
	add_number(s, ID, h->id);
	say_number_name(s, OPCODE, dns_opcode_name(opcode), "OPCODE", opcode);
	say_flags(s);
	add_number(s, QUESTION_COUNT, questions_of(s->d));
	if (!s->d->part)
		add_number(s, ANSWER_COUNT, h->count[DNS_ANSWER]);
	add_number(s, AUTHORITY_COUNT, h->count[DNS_AUTHORITY]);
	add_number(s, ADDITIONAL_COUNT, h->count[DNS_ADDITIONAL]);
}

/* --- EDNS --- */

static bool read_edns(const struct dns_message *d, const struct dns_record *r, struct dns_edns *ret)
{
	if (r->type != DNS_OPT || ret->found)
		return false;
	*ret = (struct dns_edns){
		.found = true,
		.udp_size = r->class,
		.flags = (uint16_t)r->ttl,
		.rcode_high = (uint8_t)(r->ttl >> 24),
		.version = (uint8_t)(r->ttl >> 16),
		.options = view_of(d->bytes.data + r->data, r->size),
	};
	return true;
}

struct dns_edns dns_edns_of(const struct dns_message *d)
{
	const uint16_t *count = d->header.count;
	uint32_t before = (uint32_t)count[DNS_ANSWER] + count[DNS_AUTHORITY], at = d->records;
	struct dns_edns edns = {0};
	struct dns_record r;

	if (!count[DNS_ADDITIONAL])
		return edns;
	for (uint32_t i = 0; i < before + count[DNS_ADDITIONAL]; i++) {
		if (dns_record_read(d->bytes, &at, &r) != DNS_OK)
			break;
		if (i >= before && read_edns(d, &r, &edns))
			break;
	}
	return edns;
}

static void say_subnet(struct saying *s, struct view v)
{
	uint8_t address[16] = {0};
	struct dns_text t = text_of(s);
	unsigned family = v.size >= 4 ? load_be16(v.data) : 0;
	uint32_t size = family == 1 ? 4 : 16;

	if ((family != 1 && family != 2) || v.size - 4 > size)
		return;
	memcpy(address, v.data + 4, v.size - 4);
	dns_put_address(&t, address, size);
	dns_put(&t, "/");
	dns_put_number(&t, v.data[2]);
	dns_put(&t, "/");
	dns_put_number(&t, v.data[3]);
	say_text(s, CLIENT_SUBNET, &t);
}

static void say_extended_error(struct saying *s, struct view v)
{
	struct dns_text t = text_of(s);

	if (v.size < 2 || !(s->d->header.flags & DNS_QR))
		return;
	unsigned code = load_be16(v.data);
	const char *name = dns_extended_error_name((uint16_t)code);

	dns_put_number(&t, code);
	if (name) {
		dns_put(&t, " ");
		dns_put(&t, name);
	}
	if (v.size > 2) {
		dns_put(&t, ": ");
		dns_put_bytes(&t, view_from(v, 2));
	}
	say_text(s, EXTENDED_ERRORS, &t);
}

static void say_option(struct saying *s, unsigned code, struct view v)
{
	enum { OPTION_NSID = 3, OPTION_SUBNET = 8, OPTION_COOKIE = 10, OPTION_ERROR = 15 };
	struct dns_text t;

	say_number_name(s, EDNS_OPTIONS, dns_option_name((uint16_t)code), "OPTION", code);
	switch (code) {
	case OPTION_SUBNET:
		say_subnet(s, v);
		return;
	case OPTION_ERROR:
		say_extended_error(s, v);
		return;
	case OPTION_NSID:
	case OPTION_COOKIE:
		if (!v.size)
			return;
		t = text_of(s);
		(code == OPTION_NSID ? dns_put_bytes : dns_put_hex)(&t, v);
		say_text(s, code == OPTION_NSID ? NSID : COOKIE, &t);
	}
}

static void say_edns(struct saying *s, const struct dns_edns *e)
{
	struct reader r = reader_of(e->options);

	if (!e->found)
		return;
	add_number(s, EDNS_VERSION, e->version);
	add_number(s, EDNS_UDP_SIZE, e->udp_size);
	if (e->flags & 0x8000)
		add_flag(s, DNSSEC_OK);
	for (unsigned i = 0; i < OPTIONS_SHOWN && reader_left(&r); i++) {
		unsigned code = reader_be16(&r);
		struct view value = reader_view(&r, reader_be16(&r));

		if (r.short_read)
			break;
		say_option(s, code, value);
	}
}

/* --- records --- */

static bool say_record(struct saying *s, uint8_t id, const struct dns_record *r)
{
	struct dns_text t = text_of(s);
	bool named = dns_put_record(&t, s->d->bytes, r);

	say_text(s, id, &t);
	return named;
}

/* All sections: lists what is to be listed, finds EDNS, and tells what is wrong. */
static void say_records(struct saying *s, struct dns_edns *ret)
{
	const struct dns_header *h = &s->d->header;
	bool update = dns_opcode(h) == DNS_UPDATE && !(h->flags & DNS_QR);
	enum dns_section shown = update ? DNS_AUTHORITY : DNS_ANSWER;
	enum dns_read is = DNS_OK;
	uint32_t at = s->d->records;
	bool nameless = false;
	struct dns_record r;

	for (unsigned section = DNS_ANSWER; section < DNS_SECTIONS && is == DNS_OK; section++) {
		for (unsigned i = 0; i < h->count[section]; i++) {
			is = dns_record_read(s->d->bytes, &at, &r);
			if (is != DNS_OK)
				break;
			if (section == DNS_ADDITIONAL)
				read_edns(s->d, &r, ret);
			if (section == shown && i < RECORDS_SHOWN &&
			    !say_record(s, update ? UPDATES : ANSWERS, &r))
				nameless = true;
		}
	}
	if (nameless || is == DNS_BROKEN || (is == DNS_CUT && !s->d->cut))
		add_text(s, ANOMALIES, "bad_record");
	else if (is == DNS_OK && at != s->d->bytes.size &&
		 questions_of(s->d) == h->count[DNS_QUESTION] && dns_opcode(h) != DNS_STATEFUL)
		add_text(s, ANOMALIES, "trailing_bytes");
}

static void say_all(struct saying *s)
{
	struct dns_edns edns = {0};
	unsigned rcode;

	say_header(s);
	say_records(s, &edns);
	say_edns(s, &edns);
	if (!(s->d->header.flags & DNS_QR))
		return;
	rcode = (unsigned)edns.rcode_high << 4 | (s->d->header.flags & 15);
	say_number_name(s, RCODE, dns_rcode_name(rcode), "RCODE", rcode);
}

/* Apart from what every message pays for: it needs much stack. With `end` 0 the message is only begun. */
static __attribute__((noinline)) bool say_with_fields(struct env *env, enum side side,
						      struct message *m,
						      const struct dns_message *d, uint64_t end)
{
	struct saying s;

	s.d = d;
	s.count = s.used = 0;
	say_all(&s);
	m->fields = s.f;
	m->field_count = s.count;
	if (end)
		return env->ops->whole(env, side, m, end);
	env->ops->begin(env, side, m);
	return true;
}

/* The type of the first question; false: there is none. Nearly always it is the only one, and ends where the records
 * begin. */
static bool first_type(const struct dns_message *d, uint16_t *ret)
{
	enum { TYPE_AND_CLASS = 4 };
	struct dns_question q;
	uint32_t at = DNS_HEADER;

	if (d->header.count[DNS_QUESTION] == 1) {
		*ret = load_be16(d->bytes.data + d->records - TYPE_AND_CLASS);
		return true;
	}
	if (!d->header.count[DNS_QUESTION] || dns_question_read(d->bytes, &at, &q) != DNS_OK)
		return false;
	*ret = q.type;
	return true;
}

/* "TYPE65280" (RFC 3597 5), for one without a name. */
static __attribute__((noinline)) struct view number_of_type(uint16_t type, char *room,
							    uint32_t size)
{
	struct dns_text t = {.to = room, .room = size};

	dns_put_named(&t, NULL, "TYPE", type);
	return view_of(room, t.size);
}

/* The type alone, for who only counts. With `end` 0 the message is only begun. */
static bool say_with_type(struct env *env, enum side side, struct message *m,
			  const struct dns_message *d, uint64_t end)
{
	enum { NAME_ROOM = 16 }; /* of TYPE65535, and more */
	char room[NAME_ROOM];
	struct field f = {.id = TYPE};
	uint16_t type;

	if (first_type(d, &type)) {
		f.text = dns_type_text(type);
		if (!f.text.size)
			f.text = number_of_type(type, room, NAME_ROOM);
		m->fields = &f;
		m->field_count = 1;
	}
	if (end)
		return env->ops->whole(env, side, m, end);
	env->ops->begin(env, side, m);
	return true;
}

void dns_say_begin(struct env *env, enum side side, struct message m, const struct dns_message *d)
{
	if (env->wants & WANT_FIELDS)
		(void)say_with_fields(env, side, &m, d, 0);
	else if (env->wants & WANT_OPERATION)
		(void)say_with_type(env, side, &m, d, 0);
	else
		env->ops->begin(env, side, &m);
}

bool dns_say_whole(struct env *env, enum side side, struct message *m, const struct dns_message *d,
		   uint64_t end)
{
	if (d->cut)
		m->flags |= MESSAGE_GAP | MESSAGE_SNAPLEN;
	if (env->wants & WANT_FIELDS)
		return say_with_fields(env, side, m, d, end);
	if (env->wants & WANT_OPERATION)
		return say_with_type(env, side, m, d, end);
	return env->ops->whole(env, side, m, end);
}

void dns_say_transfer(struct env *env, enum side side, struct message m, uint64_t records,
		      uint64_t messages)
{
	const struct field f[2] = {{.id = ANSWER_COUNT, .number = records},
				   {.id = MESSAGES, .number = messages}};

	if (env->wants & WANT_FIELDS) {
		m.fields = f;
		m.field_count = 2;
	}
	env->ops->end(env, side, &m);
}

void dns_say_again(struct env *env, enum side side, uint64_t key)
{
	const struct field f = {.id = RETRANSMITTED};
	const struct message m = {
		.kind = MESSAGE_REQUEST, .key = key, .fields = &f, .field_count = 1};

	if (env->wants & WANT_FIELDS)
		env->ops->add(env, side, &m);
}
