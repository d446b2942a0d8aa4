/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop over blocks of 64 bytes for all machines; only the classification of a block differs.
 *
 * The first delimiter of each line (a colon, a space, a control byte) comes from one addition: with a 1
 * for every other byte, adding a 1 at each line's start carries through the ones to the delimiter. In a
 * usual head it is the colon, and the CR of the empty line.
 */
#include "core/scan.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* One bit for each of 64 bytes. */
struct masks {
	uint64_t lf, cr, colon;
	uint64_t control; /* below space, CR and LF too */
	uint64_t blank;   /* control or space */
};

/* What the bytes before a block leave for it, in the lowest bits. */
struct carry {
	uint64_t lf;   /* bit 1: the byte before is LF; bit 0: the one before that */
	uint64_t cr;   /* the byte before is CR */
	uint64_t line; /* in a line whose first delimiter is still to come */
};

/* `k` is what `classify` keeps in registers through the loop. */
typedef void classify_fn(const uint8_t *p, const void *k, struct masks *ret);

static inline void classify_plain(const uint8_t *p, const void *k, struct masks *ret)
{
	struct masks m = {0, 0, 0, 0, 0};

	(void)k;
	for (unsigned i = 0; i < 64; i++) {
		m.lf |= (uint64_t)(p[i] == '\n') << i;
		m.cr |= (uint64_t)(p[i] == '\r') << i;
		m.colon |= (uint64_t)(p[i] == ':') << i;
		m.control |= (uint64_t)(p[i] < ' ') << i;
		m.blank |= (uint64_t)(p[i] <= ' ') << i;
	}
	*ret = m;
}

static inline __attribute__((always_inline)) bool scan(classify_fn *classify, const void *k,
						       const uint8_t *p, uint32_t n,
						       struct scan_head *ret)
{
	struct carry c = {0, 0, 0};
	uint64_t odd = 0;
	uint8_t block[64];

	if (n > SCAN_MAX)
		n = SCAN_MAX;
	uint32_t last = n - 64; /* where the last whole block begins */
	if (n < 64) {
		memset(block, 'x', sizeof(block));
		if (n)
			memcpy(block, p, n);
		p = block;
		last = 0;
	}
	for (uint32_t at = 0; at < n; at += 64) {
		struct masks m;

		classify(p + (at < last ? at : last), k, &m);
		if (at > last) {
			unsigned seen = at - last; /* in the block before */

			m.lf >>= seen;
			m.cr >>= seen;
			m.colon >>= seen;
			m.control >>= seen;
			m.blank >>= seen;
		}

		uint64_t after_lf = m.lf << 1 | c.lf >> 1;
		uint64_t after_cr = m.cr << 1 | c.cr;
		uint64_t end = m.lf & (after_lf | (after_cr & (m.lf << 2 | c.lf)));

		/* the first line has no start bit */
		uint64_t delimiter = m.colon | m.blank, sum;
		uint64_t over = __builtin_add_overflow(~delimiter, after_lf | c.line, &sum);
		uint64_t first = sum & delimiter;

		uint64_t wrong = (m.control ^ m.lf ^ m.cr) | (after_cr ^ m.lf) |
				 (first & (m.blank | after_lf) & ~(m.cr & after_lf));
		uint64_t marks = m.lf | (first & m.colon);

		if (end) {
			uint64_t head = end ^ (end - 1);

			ret->marks[at / 64] = marks & head;
			ret->odd = (odd | (wrong & head)) != 0;
			ret->size = at + (uint32_t)__builtin_ctzll(end) + 1;
			return true;
		}
		ret->marks[at / 64] = marks;
		odd |= wrong;
		c = (struct carry){m.lf >> 62, m.cr >> 63, over};
	}
	return false;
}

bool scan_head_plain(const uint8_t *p, uint32_t n, struct scan_head *ret)
{
	return scan(classify_plain, NULL, p, n, ret);
}

#if defined(__x86_64__)

/*
 * The bytes that are looked for, in vectors. The empty asm keeps the compiler from making them again in
 * every turn of the loop, which is a third of its instructions.
 */
struct wanted_sse2 {
	__m128i lf, cr, colon, control, blank;
};

static inline uint64_t join(__m128i a, __m128i b, __m128i c, __m128i d)
{
	return (uint64_t)(uint32_t)_mm_movemask_epi8(a) |
	       (uint64_t)(uint32_t)_mm_movemask_epi8(b) << 16 |
	       (uint64_t)(uint32_t)_mm_movemask_epi8(c) << 32 |
	       (uint64_t)(uint32_t)_mm_movemask_epi8(d) << 48;
}

static inline uint64_t equal_sse2(const __m128i *x, __m128i b)
{
	return join(_mm_cmpeq_epi8(x[0], b), _mm_cmpeq_epi8(x[1], b), _mm_cmpeq_epi8(x[2], b),
		    _mm_cmpeq_epi8(x[3], b));
}

static inline uint64_t at_most_sse2(const __m128i *x, __m128i b)
{
	return join(_mm_cmpeq_epi8(_mm_min_epu8(x[0], b), x[0]),
		    _mm_cmpeq_epi8(_mm_min_epu8(x[1], b), x[1]),
		    _mm_cmpeq_epi8(_mm_min_epu8(x[2], b), x[2]),
		    _mm_cmpeq_epi8(_mm_min_epu8(x[3], b), x[3]));
}

static inline void classify_sse2(const uint8_t *p, const void *k, struct masks *ret)
{
	const struct wanted_sse2 *w = k;
	__m128i x[4];

	for (unsigned i = 0; i < 4; i++)
		x[i] = _mm_loadu_si128((const __m128i_u *)(p + 16 * i));
	ret->lf = equal_sse2(x, w->lf);
	ret->cr = equal_sse2(x, w->cr);
	ret->colon = equal_sse2(x, w->colon);
	ret->control = at_most_sse2(x, w->control);
	ret->blank = at_most_sse2(x, w->blank);
}

static bool scan_head_sse2(const uint8_t *p, uint32_t n, struct scan_head *ret)
{
	struct wanted_sse2 w = {_mm_set1_epi8('\n'), _mm_set1_epi8('\r'), _mm_set1_epi8(':'),
				_mm_set1_epi8(' ' - 1), _mm_set1_epi8(' ')};

	__asm__("" : "+x"(w.lf), "+x"(w.cr), "+x"(w.colon), "+x"(w.control), "+x"(w.blank));
	return scan(classify_sse2, &w, p, n, ret);
}

#define AVX2 __attribute__((target("avx2,bmi,bmi2")))

struct wanted_avx2 {
	__m256i lf, cr, colon, control, blank;
};

AVX2 static inline uint64_t pair(__m256i low, __m256i high)
{
	return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
							     << 32;
}

AVX2 static inline uint64_t equal_avx2(__m256i low, __m256i high, __m256i b)
{
	return pair(_mm256_cmpeq_epi8(low, b), _mm256_cmpeq_epi8(high, b));
}

AVX2 static inline uint64_t at_most_avx2(__m256i low, __m256i high, __m256i b)
{
	return pair(_mm256_cmpeq_epi8(_mm256_min_epu8(low, b), low),
		    _mm256_cmpeq_epi8(_mm256_min_epu8(high, b), high));
}

AVX2 static inline void classify_avx2(const uint8_t *p, const void *k, struct masks *ret)
{
	const struct wanted_avx2 *w = k;
	__m256i low = _mm256_loadu_si256((const __m256i_u *)p);
	__m256i high = _mm256_loadu_si256((const __m256i_u *)(p + 32));

	ret->lf = equal_avx2(low, high, w->lf);
	ret->cr = equal_avx2(low, high, w->cr);
	ret->colon = equal_avx2(low, high, w->colon);
	ret->control = at_most_avx2(low, high, w->control);
	ret->blank = at_most_avx2(low, high, w->blank);
}

AVX2 static bool scan_head_avx2(const uint8_t *p, uint32_t n, struct scan_head *ret)
{
	struct wanted_avx2 w = {_mm256_set1_epi8('\n'), _mm256_set1_epi8('\r'),
				_mm256_set1_epi8(':'), _mm256_set1_epi8(' ' - 1),
				_mm256_set1_epi8(' ')};

	__asm__("" : "+x"(w.lf), "+x"(w.cr), "+x"(w.colon), "+x"(w.control), "+x"(w.blank));
	return scan(classify_avx2, &w, p, n, ret);
}

bool (*scan_head)(const uint8_t *p, uint32_t n, struct scan_head *ret) = scan_head_sse2;

__attribute__((constructor)) static void choose(void)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	    __builtin_cpu_supports("bmi2"))
		scan_head = scan_head_avx2;
}

#elif defined(__aarch64__)

/* One bit a byte: weights in each half are added pairwise until a byte holds eight of them. */
static inline uint64_t bits_neon(const uint8x16_t *x)
{
	static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128,
					    1, 2, 4, 8, 16, 32, 64, 128};
	uint8x16_t w = vld1q_u8(weights);
	uint8x16_t a = vpaddq_u8(vandq_u8(x[0], w), vandq_u8(x[1], w));
	uint8x16_t b = vpaddq_u8(vandq_u8(x[2], w), vandq_u8(x[3], w));

	a = vpaddq_u8(a, b);
	a = vpaddq_u8(a, a);
	return vgetq_lane_u64(vreinterpretq_u64_u8(a), 0);
}

static inline uint64_t equal_neon(const uint8x16_t *x, uint8_t byte)
{
	uint8x16_t b = vdupq_n_u8(byte), y[4];

	for (unsigned i = 0; i < 4; i++)
		y[i] = vceqq_u8(x[i], b);
	return bits_neon(y);
}

static inline uint64_t at_most_neon(const uint8x16_t *x, uint8_t byte)
{
	uint8x16_t b = vdupq_n_u8(byte), y[4];

	for (unsigned i = 0; i < 4; i++)
		y[i] = vcleq_u8(x[i], b);
	return bits_neon(y);
}

static inline void classify_neon(const uint8_t *p, const void *k, struct masks *ret)
{
	uint8x16_t x[4];

	(void)k;
	for (unsigned i = 0; i < 4; i++)
		x[i] = vld1q_u8(p + 16 * i);
	ret->lf = equal_neon(x, '\n');
	ret->cr = equal_neon(x, '\r');
	ret->colon = equal_neon(x, ':');
	ret->control = at_most_neon(x, ' ' - 1);
	ret->blank = at_most_neon(x, ' ');
}

static bool scan_head_neon(const uint8_t *p, uint32_t n, struct scan_head *ret)
{
	return scan(classify_neon, NULL, p, n, ret);
}

bool (*scan_head)(const uint8_t *p, uint32_t n, struct scan_head *ret) = scan_head_neon;

#else

bool (*scan_head)(const uint8_t *p, uint32_t n, struct scan_head *ret) = scan_head_plain;

#endif

bool scan_has_end(const uint8_t *p, uint32_t n, uint32_t from)
{
	if (n > SCAN_MAX)
		n = SCAN_MAX;

	/* the empty line's own LF is not in the first `from` bytes, the LF before it may be */
	for (uint32_t at = from > 2 ? from - 2 : 0; at < n; at++) {
		const uint8_t *lf = memchr(p + at, '\n', n - at);

		if (!lf)
			return false;
		at = (uint32_t)(lf - p);
		if (at + 1 < n && p[at + 1] == '\n')
			return true;
		if (at + 2 < n && p[at + 1] == '\r' && p[at + 2] == '\n')
			return true;
	}
	return false;
}
