/* SPDX-License-Identifier: Apache-2.0 */
/* spec: RFC 3339 (time), RFC 4291 and RFC 4632 (addresses and CIDR), IEC 80000-13 (KiB, MiB) */
#include "roundtrip/units.h"

#include <arpa/inet.h>

#include "core/time.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/*
 * text = digits [ "." digits ] unit. The value times the unit's factor, rounded down. The table ends with the
 * unit of a bare number, whose name is "".
 */
static int scaled(struct view text, const struct unit *unit, uint64_t *ret)
{
	uint64_t whole = 0, fraction = 0, divisor = 1, value;
	uint32_t at = 0;

	for (; at < text.size && is_digit(text.data[at]); at++) {
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, text.data[at] - '0', &whole))
			return ERR_INVALID;
	}
	if (at == 0)
		return ERR_INVALID;
	if (at + 1 < text.size && text.data[at] == '.' && is_digit(text.data[at + 1])) {
		for (at++; at < text.size && is_digit(text.data[at]); at++) {
			if (divisor == NS_PER_S)
				continue; /* finer than a nanosecond of a second */
			fraction = fraction * 10 + text.data[at] - '0';
			divisor *= 10;
		}
	}
	for (; unit->name[0]; unit++) {
		if (view_equal(view_from(text, at), view_text(unit->name)))
			break;
	}
	if (!unit->name[0] && at < text.size)
		return ERR_INVALID;
	if (unit->factor == 1 && divisor > 1)
		return ERR_INVALID;
	if (__builtin_mul_overflow(whole, unit->factor, &value))
		return ERR_INVALID;
	/* Below 2^64: the largest factor is an hour, 3.6e12 ns, and the fraction is below 1e9. */
	__uint128_t part = (__uint128_t)fraction * unit->factor / divisor;
	if (__builtin_add_overflow(value, (uint64_t)part, &value))
		return ERR_INVALID;
	*ret = value;
	return 0;
}

int units_duration(struct view text, uint64_t *ret_ns)
{
	static const struct unit units[] = {
		{"ns", 1},       {"us", NS_PER_US},    {"\xc2\xb5s", NS_PER_US}, {"ms", NS_PER_MS},
		{"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S},   {"", NS_PER_S},
	};

	return scaled(text, units, ret_ns);
}

int units_size(struct view text, uint64_t *ret_n)
{
	static const struct unit units[] = {
		{"B", 1},         {"KB", 1000},       {"kB", 1000},
		{"MB", 1000000},  {"GB", 1000000000}, {"KiB", 1 << 10},
		{"MiB", 1 << 20}, {"GiB", 1 << 30},   {"", 1},
	};

	return scaled(text, units, ret_n);
}

/* `n` digits and, in front of them, `before` (0: nothing). False when they are not there. */
static bool take_digits(struct view *text, char before, unsigned n, unsigned *ret)
{
	unsigned skip = before ? 1 : 0, value = 0;

	if (text->size < n + skip || (before && text->data[0] != (uint8_t)before))
		return false;
	for (unsigned i = skip; i < n + skip; i++) {
		if (!is_digit(text->data[i]))
			return false;
		value = value * 10 + text->data[i] - '0';
	}
	*text = view_from(*text, n + skip);
	*ret = value;
	return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

static uint64_t days_before_year(unsigned year)
{
	unsigned y = year - 1;

	return 365ull * y + y / 4 - y / 100 + y / 400;
}

int units_time(struct view text, uint64_t *ret_ns)
{
	unsigned year, month, day, hour = 0, minute = 0, second = 0, digit;
	uint64_t ns = 0, unit = NS_PER_S;

	if (!take_digits(&text, 0, 4, &year) || !take_digits(&text, '-', 2, &month) ||
	    !take_digits(&text, '-', 2, &day))
		return ERR_INVALID;
	/* 2554 is the last whole year that 64 bits of nanoseconds can tell. */
	if (year < 1970 || year > 2553 || month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month))
		return ERR_INVALID;
	if (take_digits(&text, 'T', 2, &hour) && take_digits(&text, ':', 2, &minute) &&
	    take_digits(&text, ':', 2, &second) && take_digits(&text, '.', 1, &digit)) {
		do {
			unit /= 10;
			ns += digit * unit;
		} while (unit > 1 && take_digits(&text, 0, 1, &digit));
	}
	if (text.size == 1 && text.data[0] == 'Z')
		text.size = 0;
	if (text.size || hour > 23 || minute > 59 || second > 59)
		return ERR_INVALID;

	uint64_t days = days_before_year(year) - days_before_year(1970) + day - 1;
	for (unsigned m = 1; m < month; m++)
		days += days_in_month(year, m);
	*ret_ns = (days * 86400 + hour * 3600 + minute * 60 + second) * NS_PER_S + ns;
	return 0;
}

int units_address(struct view text, struct address_range *ret_range)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t raw[16];
	struct address_range range;
	struct view host = text, prefix = {0};
	const uint8_t *slash = text.size ? memchr(text.data, '/', text.size) : NULL;
	unsigned bits, given = 0;

	if (slash) {
		host = view_first(text, (uint32_t)(slash - text.data));
		prefix = view_from(text, host.size + 1);
		if (prefix.size < 1 || prefix.size > 3)
			return ERR_INVALID;
	}
	if (host.size == 0 || host.size >= sizeof(copy) || memchr(host.data, 0, host.size))
		return ERR_INVALID;
	memcpy(copy, host.data, host.size);
	copy[host.size] = 0;
	if (inet_pton(AF_INET, copy, raw) == 1) {
		range.address = address_v4(raw);
		bits = 32;
	} else if (inet_pton(AF_INET6, copy, raw) == 1) {
		range.address = address_v6(raw);
		bits = 128;
	} else {
		return ERR_INVALID;
	}
	if (slash && (!take_digits(&prefix, 0, prefix.size, &given) || given > bits))
		return ERR_INVALID;
	range.v4 = address_is_v4(&range.address);
	range.bits = (uint8_t)(128 - bits + (slash ? given : bits));
	*ret_range = range;
	return 0;
}

bool address_in(const struct address_range *range, const struct address *a)
{
	unsigned whole = range->bits / 8, rest = range->bits % 8;

	if (range->v4 != address_is_v4(a) || memcmp(range->address.b, a->b, whole) != 0)
		return false;
	return !rest || (range->address.b[whole] ^ a->b[whole]) >> (8 - rest) == 0;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned word_distance(struct view a, struct view b)
{
	/* Rows of the letters of b, for i, i - 1 and i - 2 letters of a. */
	uint8_t rows[3][64], *now = rows[0], *last = rows[1], *before = rows[2];

	if (a.size > 63 || b.size > 63)
		return 255;
	for (unsigned j = 0; j <= b.size; j++)
		now[j] = (uint8_t)j;
	for (unsigned i = 1; i <= a.size; i++) {
		uint8_t *spare = before;

		before = last;
		last = now;
		now = spare;
		now[0] = (uint8_t)i;
		for (unsigned j = 1; j <= b.size; j++) {
			bool same = a.data[i - 1] == b.data[j - 1];
			unsigned best = least(last[j - 1] + !same, least(last[j], now[j - 1]) + 1);

			if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
			    a.data[i - 2] == b.data[j - 1])
				best = least(best, before[j - 2] + 1u);
			now[j] = (uint8_t)best;
		}
	}
	return now[b.size];
}
