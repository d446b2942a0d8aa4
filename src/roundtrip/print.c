/* SPDX-License-Identifier: Apache-2.0 */
#include "roundtrip/print.h"

/* n / unit with three significant digits. */
static void add_ratio(struct buf *b, uint64_t n, uint64_t unit)
{
	uint64_t whole = n / unit, rest = n % unit;

	buf_u64(b, whole);
	if (whole >= 100 || unit == 1)
		return;
	buf_char(b, '.');
	buf_char(b, (char)('0' + rest * 10 / unit));
	if (whole < 10)
		buf_char(b, (char)('0' + rest * 100 / unit % 10));
}

static void add_scaled(struct buf *b, uint64_t n, uint64_t step, const char *const units[4])
{
	unsigned i = 0;
	uint64_t unit = 1;

	for (; i < 3 && n / unit >= step; i++)
		unit *= step;
	add_ratio(b, n, unit);
	buf_text(b, units[i]);
}

void print_duration(struct buf *b, uint64_t ns)
{
	static const char *const units[4] = {"ns", "us", "ms", "s"};

	add_scaled(b, ns, 1000, units);
}

void print_bytes(struct buf *b, uint64_t n)
{
	static const char *const units[4] = {" B", " kB", " MB", " GB"};

	add_scaled(b, n, 1000, units);
}

/* Characters that would change how the terminal shows what follows: controls, direction marks. */
static bool is_harmless(uint32_t c)
{
	return c >= 0xa0 && c != 0x61c && (c < 0x200b || c > 0x200f) &&
	       (c < 0x2028 || c > 0x202e) && (c < 0x2060 || c > 0x206f) && c != 0xfeff &&
	       (c < 0xfff0 || c > 0xfffb) && c < 0xe0000 && (c < 0xd800 || c > 0xdfff);
}

/* Bytes of the printable character at the start of `v`; 0: it is none. */
static unsigned printable(struct view v)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = v.data[0];
	unsigned n = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = first & (0x7fu >> n);

	if (n == 1)
		return first >= 0x20 && first < 0x7f;
	if (v.size < n || first >= 0xf8)
		return 0;
	for (unsigned i = 1; i < n; i++) {
		if ((v.data[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (v.data[i] & 0x3f);
	}
	return c >= smallest[n] && is_harmless(c) ? n : 0;
}

void print_text(struct buf *b, struct view v, uint32_t most)
{
	static const char hex[] = "0123456789abcdef";
	struct view rest = v;
	bool whole = v.size <= most;

	while (rest.size && (whole || v.size - rest.size < most)) {
		unsigned n = printable(rest);
		uint8_t byte = rest.data[0];
		const char escape[4] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};

		buf_add(b, n ? (const char *)rest.data : escape, n ? n : sizeof(escape));
		rest = view_from(rest, n ? n : 1);
	}
	if (rest.size)
		buf_text(b, "...");
}
