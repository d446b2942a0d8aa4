/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as text. How the data of a type looks is a word of letters in names.c, read here.
 *
 * spec: RFC 1035 5.1 (presentation), RFC 3597 5 (unknown types), RFC 4034 (DNSSEC), RFC 5155 3.3 (NSEC3), RFC 8659
 *       4.1.1 (CAA), RFC 9460 2.1 and appendix A (SVCB), RFC 6742 (NID, L64), RFC 7043 (EUI)
 *
 *   1 2 4  a number of so many bytes     a A  an address, IPv4, IPv6       n  a name
 *   q  a text with its size in front     Q    one or more of these         r  the rest, as one text
 *   t  a word with its size in front     T    a type                       d  a time of 4 bytes
 *   h  hexadecimal, size in front        3    the same in base 32          m  a bitmap of types
 *   x  the rest in hexadecimal           b    the rest in base 64          p  parameters of a service
 *   l  8 bytes in groups of two          e E  6 or 8 bytes, byte by byte
 */
#include "protocols/dns/rdata.h"

#include "core/types.h"
#include "protocols/dns/names.h"

static const char ending[] = "...";

static void put(struct dns_text *t, const char *text, uint32_t size)
{
	if (t->full)
		return;
	if (size > t->room - t->size) {
		uint32_t n = sizeof(ending) - 1;

		t->full = true;
		if (t->size + n > t->room)
			t->size = t->room > n ? t->room - n : 0;
		n = t->room - t->size < n ? t->room - t->size : n;
		memcpy(t->to + t->size, ending, n);
		t->size += n;
		return;
	}
	memcpy(t->to + t->size, text, size);
	t->size += size;
}

void dns_put(struct dns_text *t, const char *text)
{
	put(t, text, (uint32_t)strlen(text));
}

void dns_put_number(struct dns_text *t, uint64_t n)
{
	char digits[20];
	uint32_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	put(t, digits + at, (uint32_t)sizeof(digits) - at);
}

void dns_put_hex(struct dns_text *t, struct view bytes)
{
	static const char digit[] = "0123456789abcdef";

	for (uint32_t i = 0; i < bytes.size && !t->full; i++) {
		const char two[2] = {digit[bytes.data[i] >> 4], digit[bytes.data[i] & 15]};

		put(t, two, 2);
	}
}

static void put_byte(struct dns_text *t, uint8_t c)
{
	const char escaped[4] = {'\\', (char)('0' + c / 100), (char)('0' + c / 10 % 10),
				 (char)('0' + c % 10)};

	if (c >= ' ' && c < 0x7f)
		put(t, (const char *)&c, 1);
	else
		put(t, escaped, 4);
}

void dns_put_bytes(struct dns_text *t, struct view bytes)
{
	for (uint32_t i = 0; i < bytes.size && !t->full; i++)
		put_byte(t, bytes.data[i]);
}

static void put_quoted(struct dns_text *t, struct view bytes)
{
	put(t, "\"", 1);
	for (uint32_t i = 0; i < bytes.size && !t->full; i++) {
		if (bytes.data[i] == '"' || bytes.data[i] == '\\')
			put(t, "\\", 1);
		put_byte(t, bytes.data[i]);
	}
	put(t, "\"", 1);
}

void dns_put_named(struct dns_text *t, const char *name, const char *otherwise, unsigned number)
{
	dns_put(t, name ? name : otherwise);
	if (!name)
		dns_put_number(t, number);
}

static void put_type(struct dns_text *t, uint16_t type)
{
	dns_put_named(t, dns_type_name(type), "TYPE", type);
}

void dns_put_address(struct dns_text *t, const uint8_t *bytes, uint32_t size)
{
	struct address a = size == 4 ? address_v4(bytes) : address_v6(bytes);
	char text[46];

	put(t, text, address_print(&a, text));
}

bool dns_put_name(struct dns_text *t, struct view message, uint32_t *at)
{
	char text[DNS_NAME_TEXT_MAX];
	uint32_t size;

	if (!dns_name_text(message, at, text, &size))
		return false;
	put(t, text, size);
	return true;
}

/* `digit` has 1 << `bits` digits. */
static void put_base(struct dns_text *t, struct view v, const char *digit, unsigned bits)
{
	uint32_t word = 0;
	unsigned have = 0;

	for (uint32_t i = 0; i < v.size && !t->full; i++) {
		word = word << 8 | v.data[i];
		for (have += 8; have >= bits; have -= bits)
			put(t, &digit[word >> (have - bits) & ((1u << bits) - 1)], 1);
	}
	if (have)
		put(t, &digit[word << (bits - have) & ((1u << bits) - 1)], 1);
}

static void put_base64(struct dns_text *t, struct view v)
{
	put_base(t, v, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6);
	if (v.size % 3)
		dns_put(t, v.size % 3 == 1 ? "==" : "=");
}

static void put_two(struct dns_text *t, uint32_t n)
{
	const char two[2] = {(char)('0' + n / 10 % 10), (char)('0' + n % 10)};

	put(t, two, 2);
}

/* Seconds since 1970 as YYYYMMDDHHMMSS. Years are counted from March on, so that a leap day is their last. */
static void put_date(struct dns_text *t, uint32_t seconds)
{
	uint32_t since_0000 = seconds / 86400 + 719468, era = since_0000 / 146097;
	uint32_t day = since_0000 % 146097; /* of the 400 years */
	uint32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	uint32_t of_year = day - (365 * year + year / 4 - year / 100);
	uint32_t month = (5 * of_year + 2) / 153;

	dns_put_number(t, year + 400 * era + (month >= 10));
	put_two(t, month < 10 ? month + 3 : month - 9);
	put_two(t, of_year - (153 * month + 2) / 5 + 1);
	put_two(t, seconds / 3600 % 24);
	put_two(t, seconds / 60 % 60);
	put_two(t, seconds % 60);
}

static void put_groups(struct dns_text *t, struct view v, uint32_t step, const char *between)
{
	for (uint32_t i = 0; i < v.size; i += step) {
		if (i)
			dns_put(t, between);
		dns_put_hex(t, view_first(view_from(v, i), step));
	}
}

/* Windows of 256 types: number, size, bits (RFC 4034 4.1.2). */
static bool put_bitmap(struct dns_text *t, struct reader *r)
{
	bool first = true;

	while (reader_left(r)) {
		unsigned window = reader_u8(r), size = reader_u8(r);
		struct view bits = reader_view(r, size);

		if (r->short_read || !size || size > 32)
			return false;
		for (unsigned i = 0; i < size * 8; i++) {
			if (!(bits.data[i / 8] & 0x80 >> i % 8))
				continue;
			dns_put(t, first ? "" : " ");
			put_type(t, (uint16_t)(window << 8 | i));
			first = false;
		}
	}
	return true;
}

/* --- service parameters --- */

enum { SVC_MANDATORY, SVC_ALPN, SVC_NO_ALPN, SVC_PORT, SVC_HINT4, SVC_ECH, SVC_HINT6, SVC_DOHPATH };

static const char *const service_keys[] = {
	"mandatory", "alpn",     "no-default-alpn", "port",  "ipv4hint",
	"ech",       "ipv6hint", "dohpath",         "ohttp",
};

static void put_service_key(struct dns_text *t, unsigned key)
{
	bool known = key < sizeof(service_keys) / sizeof(service_keys[0]);

	dns_put_named(t, known ? service_keys[key] : NULL, "key", key);
}

static void put_hints(struct dns_text *t, struct view v, uint32_t step)
{
	for (uint32_t i = 0; i + step <= v.size; i += step) {
		dns_put(t, i ? "," : "");
		dns_put_address(t, v.data + i, step);
	}
}

static void put_alpn(struct dns_text *t, struct view v)
{
	struct reader r = reader_of(v);

	for (bool first = true; reader_left(&r); first = false) {
		dns_put(t, first ? "" : ",");
		dns_put_bytes(t, reader_view(&r, reader_u8(&r)));
	}
}

static void put_service_value(struct dns_text *t, unsigned key, struct view v)
{
	if (!v.size)
		return;
	dns_put(t, "=");
	switch (key) {
	case SVC_MANDATORY:
		for (uint32_t i = 0; i + 2 <= v.size; i += 2) {
			dns_put(t, i ? "," : "");
			put_service_key(t, load_be16(v.data + i));
		}
		break;
	case SVC_ALPN:
		put_alpn(t, v);
		break;
	case SVC_PORT:
		if (v.size == 2)
			dns_put_number(t, load_be16(v.data));
		break;
	case SVC_HINT4:
		put_hints(t, v, 4);
		break;
	case SVC_HINT6:
		put_hints(t, v, 16);
		break;
	case SVC_ECH:
		put_base64(t, v);
		break;
	default:
		put_quoted(t, v);
	}
}

static bool put_service(struct dns_text *t, struct reader *r)
{
	for (bool first = true; reader_left(r); first = false) {
		unsigned key = reader_be16(r);
		struct view value = reader_view(r, reader_be16(r));

		if (r->short_read)
			return false;
		dns_put(t, first ? "" : " ");
		put_service_key(t, key);
		put_service_value(t, key, value);
	}
	return true;
}

/* --- data --- */

/* Names may point out of the data, so the reader goes over the message. */
static bool put_name_of(struct dns_text *t, struct view message, struct reader *r)
{
	uint32_t at = (uint32_t)(r->at - message.data);

	if (!dns_put_name(t, message, &at) || at > (uint32_t)(r->end - message.data))
		return false;
	r->at = message.data + at;
	return true;
}

static bool put_texts(struct dns_text *t, struct reader *r)
{
	do {
		put_quoted(t, reader_view(r, reader_u8(r)));
		if (reader_left(r))
			put(t, " ", 1);
	} while (reader_left(r) && !r->short_read);
	return true;
}

static bool put_address_of(struct dns_text *t, struct reader *r, uint32_t size)
{
	const uint8_t *p = reader_take(r, size);

	if (p)
		dns_put_address(t, p, size);
	return p;
}

static bool put_sized_hex(struct dns_text *t, struct view v)
{
	if (v.size)
		dns_put_hex(t, v);
	else
		dns_put(t, "-");
	return true;
}

/* One letter; false: the data does not fit it. A short read is seen by the caller. */
static bool put_part(struct dns_text *t, char letter, struct view message, struct reader *r)
{
	switch (letter) {
	case '1':
		return dns_put_number(t, reader_u8(r)), true;
	case '2':
		return dns_put_number(t, reader_be16(r)), true;
	case '4':
		return dns_put_number(t, reader_be32(r)), true;
	case 'a':
		return put_address_of(t, r, 4);
	case 'A':
		return put_address_of(t, r, 16);
	case 'n':
		return put_name_of(t, message, r);
	case 'q':
		return put_quoted(t, reader_view(r, reader_u8(r))), true;
	case 'Q':
		return put_texts(t, r);
	case 'r':
		return put_quoted(t, reader_view(r, reader_left(r))), true;
	case 't':
		return dns_put_bytes(t, reader_view(r, reader_u8(r))), true;
	case 'T':
		return put_type(t, reader_be16(r)), true;
	case 'd':
		return put_date(t, reader_be32(r)), true;
	case 'h':
		return put_sized_hex(t, reader_view(r, reader_u8(r)));
	case '3':
		put_base(t, reader_view(r, reader_u8(r)), "0123456789ABCDEFGHIJKLMNOPQRSTUV", 5);
		return true;
	case 'm':
		return put_bitmap(t, r);
	case 'x':
		return dns_put_hex(t, reader_view(r, reader_left(r))), true;
	case 'b':
		return put_base64(t, reader_view(r, reader_left(r))), true;
	case 'p':
		return put_service(t, r);
	case 'l':
		return put_groups(t, reader_view(r, 8), 2, ":"), true;
	case 'e':
		return put_groups(t, reader_view(r, 6), 1, "-"), true;
	default:
		return put_groups(t, reader_view(r, 8), 1, "-"), true;
	}
}

/* Types look alike in all classes (RFC 3597 4), but for the addresses of Chaosnet. */
static const char *format_of(const struct dns_record *record)
{
	enum { CHAOS = 3 };

	if (record->type == DNS_A && (record->class & 0x7fff) == CHAOS)
		return NULL;
	return dns_type_format(record->type);
}

static bool put_data(struct dns_text *t, struct view message, const struct dns_record *record)
{
	const char *format = format_of(record);
	struct reader r = reader_of(view_of(message.data + record->data, record->size));

	if (!format || !record->size)
		return false;
	for (const char *f = format; *f; f++) {
		uint32_t before = t->size;

		if (f != format)
			put(t, " ", 1);
		uint32_t from = t->size;

		if (!put_part(t, *f, message, &r) || r.short_read)
			return false;
		if (t->size == from && !t->full) /* an empty part */
			t->size = before;
	}
	return !reader_left(&r);
}

static void put_unknown(struct dns_text *t, struct view message, const struct dns_record *r)
{
	dns_put(t, "\\# ");
	dns_put_number(t, r->size);
	if (r->size)
		put(t, " ", 1);
	dns_put_hex(t, view_of(message.data + r->data, r->size));
}

bool dns_put_record(struct dns_text *t, struct view message, const struct dns_record *r)
{
	uint32_t at = r->name, before;
	bool named = dns_put_name(t, message, &at);

	if (!named)
		dns_put(t, "?");
	put(t, " ", 1);
	dns_put_number(t, r->ttl);
	put(t, " ", 1);
	if (r->class != 1 && r->class != 0x8001 && r->type != DNS_OPT) {
		dns_put_named(t, dns_class_name(r->class & 0x7fff), "CLASS", r->class);
		put(t, " ", 1);
	}
	put_type(t, r->type);
	put(t, " ", 1);
	before = t->size;
	if (!put_data(t, message, r) && !t->full) {
		t->size = before;
		put_unknown(t, message, r);
	}
	return named;
}
