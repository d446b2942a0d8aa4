/* SPDX-License-Identifier: Apache-2.0 */
/* One loop over blocks of 64 bytes for all machines; only the classification of a block differs. */
#include "core/scan.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* One bit for each of 64 bytes. */
struct masks {
	uint64_t lf;
	uint64_t control;   /* below space, LF too */
	uint64_t delimiter; /* control, space or colon */
};

/* `k` is what `classify` keeps in registers through the loop. */
typedef void classify_fn(const uint8_t *p, const void *k, struct masks *ret);

static inline void classify_plain(const uint8_t *p, const void *k, struct masks *ret)
{
	struct masks m = {0, 0, 0};

	(void)k;
	for (unsigned i = 0; i < 64; i++) {
		m.lf |= (uint64_t)(p[i] == '\n') << i;
		m.control |= (uint64_t)(p[i] < ' ') << i;
		m.delimiter |= (uint64_t)(p[i] <= ' ' || p[i] == ':') << i;
	}
	*ret = m;
}

/* What the bytes before a block leave for it. */
struct carry {
	uint64_t lf;    /* the mask of the block before */
	uint64_t other; /* its last byte is a control byte other than LF */
	uint64_t odd;   /* something unusual was anywhere */
};

/* One block, of which `p + at` is the first byte. True: the head ends in it. */
static inline __attribute__((always_inline)) bool block(const struct masks *m, const uint8_t *p,
							uint32_t at, struct carry *c,
							struct scan_head *ret)
{
	uint64_t other = m->control ^ m->lf;
	uint64_t wrong = (other << 1 | c->other) ^ m->lf;
	/* LF LF, LF x LF */
	uint64_t end = m->lf & (m->lf << 1 | c->lf >> 63 | m->lf << 2 | c->lf >> 62);

	ret->lf[at / 64] = m->lf;
	ret->delimiters[at / 64] = m->delimiter;
	for (; end; end &= end - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(end);

		if (p[at + i - 1] == '\r' || p[at + i - 1] == '\n') {
			ret->size = at + i + 1;
			c->odd |= wrong & ((2ull << i) - 1);
			return true;
		}
	}
	c->odd |= wrong;
	c->lf = m->lf;
	c->other = other >> 63;
	return false;
}

static inline __attribute__((always_inline)) bool scan(classify_fn *classify, const void *k,
						       const uint8_t *p, uint32_t n,
						       struct scan_head *ret)
{
	struct carry c = {0, 0, 0};
	struct masks m;
	uint32_t at = 0;
	uint8_t copy[64];
	bool ends = false;

	if (n > SCAN_MAX)
		n = SCAN_MAX;
	for (; !ends && n - at >= 64; at += 64) {
		classify(p + at, k, &m);
		ends = block(&m, p, at, &c, ret);
	}
	if (!ends && at < n) {
		uint32_t seen = 0; /* bytes of this block that were in the one before */

		if (n >= 64) {
			seen = at + 64 - n;
			classify(p + n - 64, k, &m);
		} else {
			memset(copy, 'x', sizeof(copy));
			memcpy(copy, p, n);
			classify(copy, k, &m);
		}
		m.lf >>= seen;
		m.control >>= seen;
		m.delimiter >>= seen;
		ends = block(&m, p, at, &c, ret);
	}
	ret->odd = c.odd;
	return ends;
}

bool scan_head_plain(const uint8_t *p, uint32_t n, struct scan_head *ret)
{
	return scan(classify_plain, NULL, p, n, ret);
}

#if defined(__x86_64__)

/*
 * The bytes that are looked for, in vectors. The empty asm keeps the compiler from making them again in
 * every turn of the loop.
 */
struct wanted_sse2 {
	__m128i lf, colon, control, blank;
};

static inline uint64_t join(const __m128i *x)
{
	return (uint64_t)(uint32_t)_mm_movemask_epi8(x[0]) |
	       (uint64_t)(uint32_t)_mm_movemask_epi8(x[1]) << 16 |
	       (uint64_t)(uint32_t)_mm_movemask_epi8(x[2]) << 32 |
	       (uint64_t)(uint32_t)_mm_movemask_epi8(x[3]) << 48;
}

static inline void classify_sse2(const uint8_t *p, const void *k, struct masks *ret)
{
	const struct wanted_sse2 *w = k;
	__m128i lf[4], control[4], delimiter[4];

	for (unsigned i = 0; i < 4; i++) {
		__m128i x = _mm_loadu_si128((const __m128i_u *)(p + 16 * i));

		lf[i] = _mm_cmpeq_epi8(x, w->lf);
		control[i] = _mm_cmpeq_epi8(_mm_min_epu8(x, w->control), x);
		delimiter[i] = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(x, w->blank), x),
					    _mm_cmpeq_epi8(x, w->colon));
	}
	ret->lf = join(lf);
	ret->control = join(control);
	ret->delimiter = join(delimiter);
}

static bool scan_head_sse2(const uint8_t *p, uint32_t n, struct scan_head *ret)
{
	struct wanted_sse2 w = {_mm_set1_epi8('\n'), _mm_set1_epi8(':'), _mm_set1_epi8(' ' - 1),
				_mm_set1_epi8(' ')};

	__asm__("" : "+x"(w.lf), "+x"(w.colon), "+x"(w.control), "+x"(w.blank));
	return scan(classify_sse2, &w, p, n, ret);
}

#define AVX2 __attribute__((target("avx2,bmi,bmi2")))

struct wanted_avx2 {
	__m256i lf, colon, control, blank;
};

AVX2 static inline uint64_t join_avx2(const __m256i *x)
{
	return (uint32_t)_mm256_movemask_epi8(x[0]) | (uint64_t)(uint32_t)_mm256_movemask_epi8(x[1])
							      << 32;
}

AVX2 static inline void classify_avx2(const uint8_t *p, const void *k, struct masks *ret)
{
	const struct wanted_avx2 *w = k;
	__m256i lf[2], control[2], delimiter[2];

	for (unsigned i = 0; i < 2; i++) {
		__m256i x = _mm256_loadu_si256((const __m256i_u *)(p + 32 * i));

		lf[i] = _mm256_cmpeq_epi8(x, w->lf);
		control[i] = _mm256_cmpeq_epi8(_mm256_min_epu8(x, w->control), x);
		delimiter[i] = _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_min_epu8(x, w->blank), x),
					       _mm256_cmpeq_epi8(x, w->colon));
	}
	ret->lf = join_avx2(lf);
	ret->control = join_avx2(control);
	ret->delimiter = join_avx2(delimiter);
}

AVX2 static bool scan_head_avx2(const uint8_t *p, uint32_t n, struct scan_head *ret)
{
	struct wanted_avx2 w = {_mm256_set1_epi8('\n'), _mm256_set1_epi8(':'),
				_mm256_set1_epi8(' ' - 1), _mm256_set1_epi8(' ')};

	__asm__("" : "+x"(w.lf), "+x"(w.colon), "+x"(w.control), "+x"(w.blank));
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

static inline void classify_neon(const uint8_t *p, const void *k, struct masks *ret)
{
	uint8x16_t lf[4], control[4], delimiter[4];

	(void)k;
	for (unsigned i = 0; i < 4; i++) {
		uint8x16_t x = vld1q_u8(p + 16 * i);

		lf[i] = vceqq_u8(x, vdupq_n_u8('\n'));
		control[i] = vcltq_u8(x, vdupq_n_u8(' '));
		delimiter[i] = vorrq_u8(vcleq_u8(x, vdupq_n_u8(' ')), vceqq_u8(x, vdupq_n_u8(':')));
	}
	ret->lf = bits_neon(lf);
	ret->control = bits_neon(control);
	ret->delimiter = bits_neon(delimiter);
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
