/*
 * Private to dataset/: what 32 bytes of a text are, as one bit each (bit 0 is the first byte). With
 * masks, a text is read without a guess at every end of a word, which is what reading byte by byte
 * mostly costs. All processors get the same bits; those with SSE2 get them at once.
 */
#ifndef GEN_DATASET_BYTE_MASK_H
#define GEN_DATASET_BYTE_MASK_H

#include "dataset/checks/words.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define GEN_MASK_BYTES 32U

/* Each reads GEN_MASK_BYTES bytes. */
static inline uint32_t gen_mask_alnum(const char *p); /* ASCII letters and digits */
static inline uint32_t gen_mask_digit(const char *p);
static inline uint32_t gen_mask_word(const char *p); /* ASCII letters, digits and _ */
static inline uint32_t gen_mask_high(const char *p); /* bytes that are not ASCII */
/* What prose is made of. */
struct gen_mask_prose {
    uint32_t lower, upper; /* ASCII letters */
    uint32_t gap;          /* ' ', '\n' and ',' */
};
static inline struct gen_mask_prose gen_mask_prose(const char *p);
/* Writes the bytes to `to` with white space as ' ' and ` as '; gives the blanks among them. */
static inline uint32_t gen_mask_copy_blank(char *to, const char *p);

#ifdef __SSE2__

/* Bytes from `low` on, `n` values (unsigned). */
static inline __m128i gen_mask_range(__m128i v, int low, int n)
{
    return _mm_cmplt_epi8(_mm_add_epi8(v, _mm_set1_epi8((char)(128 - low))),
                          _mm_set1_epi8((char)(n - 128)));
}

static inline __m128i gen_mask_load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline uint32_t gen_mask_alnum_16(const char *p)
{
    __m128i v = gen_mask_load(p);
    __m128i letters = gen_mask_range(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 26);
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(letters, gen_mask_range(v, '0', 10)));
}

static inline uint32_t gen_mask_alnum(const char *p)
{
    return gen_mask_alnum_16(p) | gen_mask_alnum_16(p + 16) << 16;
}

static inline uint32_t gen_mask_word(const char *p)
{
    __m128i mark = _mm_set1_epi8('_');
    uint32_t low = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(gen_mask_load(p), mark));
    uint32_t high = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(gen_mask_load(p + 16), mark));
    return gen_mask_alnum(p) | low | high << 16;
}

static inline uint32_t gen_mask_digit(const char *p)
{
    uint32_t low = (uint32_t)_mm_movemask_epi8(gen_mask_range(gen_mask_load(p), '0', 10));
    return low | (uint32_t)_mm_movemask_epi8(gen_mask_range(gen_mask_load(p + 16), '0', 10)) << 16;
}

static inline uint32_t gen_mask_high(const char *p)
{
    uint32_t low = (uint32_t)_mm_movemask_epi8(gen_mask_load(p));
    return low | (uint32_t)_mm_movemask_epi8(gen_mask_load(p + 16)) << 16;
}

static inline uint32_t gen_mask_copy_blank_16(char *to, const char *p)
{
    __m128i v = gen_mask_load(p);
    __m128i tick = _mm_cmpeq_epi8(v, _mm_set1_epi8('`'));
    __m128i control = gen_mask_range(v, '\t', 5);
    v = _mm_xor_si128(v, _mm_and_si128(tick, _mm_set1_epi8('`' ^ '\'')));
    v = _mm_or_si128(_mm_andnot_si128(control, v), _mm_and_si128(control, _mm_set1_epi8(' ')));
    _mm_storeu_si128((__m128i *)(void *)to, v);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')));
}

static inline uint32_t gen_mask_copy_blank(char *to, const char *p)
{
    return gen_mask_copy_blank_16(to, p) | gen_mask_copy_blank_16(to + 16, p + 16) << 16;
}

static inline struct gen_mask_prose gen_mask_prose_16(const char *p)
{
    __m128i v = gen_mask_load(p);
    __m128i blank =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\n')));
    return (struct gen_mask_prose){
        (uint32_t)_mm_movemask_epi8(gen_mask_range(v, 'a', 26)),
        (uint32_t)_mm_movemask_epi8(gen_mask_range(v, 'A', 26)),
        (uint32_t)_mm_movemask_epi8(_mm_or_si128(blank, _mm_cmpeq_epi8(v, _mm_set1_epi8(','))))};
}

static inline struct gen_mask_prose gen_mask_prose(const char *p)
{
    struct gen_mask_prose a = gen_mask_prose_16(p);
    struct gen_mask_prose b = gen_mask_prose_16(p + 16);
    return (struct gen_mask_prose){a.lower | b.lower << 16, a.upper | b.upper << 16,
                                   a.gap | b.gap << 16};
}

#else

static inline struct gen_mask_prose gen_mask_prose(const char *p)
{
    struct gen_mask_prose m = {0, 0, 0};
    for (unsigned i = 0; i < GEN_MASK_BYTES; i++) {
        m.lower |= (uint32_t)(p[i] >= 'a' && p[i] <= 'z') << i;
        m.upper |= (uint32_t)(p[i] >= 'A' && p[i] <= 'Z') << i;
        m.gap |= (uint32_t)(p[i] == ' ' || p[i] == '\n' || p[i] == ',') << i;
    }
    return m;
}

static inline uint32_t gen_mask_word(const char *p)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < GEN_MASK_BYTES; i++)
        mask |= (uint32_t)gen_ascii_is_word(p[i]) << i;
    return mask;
}

static inline uint32_t gen_mask_alnum(const char *p)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < GEN_MASK_BYTES; i++)
        mask |= (uint32_t)gen_ascii_is_alnum(p[i]) << i;
    return mask;
}

static inline uint32_t gen_mask_digit(const char *p)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < GEN_MASK_BYTES; i++)
        mask |= (uint32_t)(p[i] >= '0' && p[i] <= '9') << i;
    return mask;
}

static inline uint32_t gen_mask_high(const char *p)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < GEN_MASK_BYTES; i++)
        mask |= (uint32_t)((unsigned char)p[i] >= 0x80) << i;
    return mask;
}

static inline uint32_t gen_mask_copy_blank(char *to, const char *p)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < GEN_MASK_BYTES; i++) {
        bool blank = p[i] == ' ' || (p[i] >= '\t' && p[i] <= '\r');
        to[i] = (char)(blank ? ' ' : p[i] == '`' ? '\'' : p[i]);
        mask |= (uint32_t)blank << i;
    }
    return mask;
}

#endif

/* The number of bits; without the processor's own instruction gcc calls a function for it. */
static inline size_t gen_mask_count(uint32_t mask)
{
    mask -= mask >> 1 & 0x55555555U;
    mask = (mask & 0x33333333U) + (mask >> 2 & 0x33333333U);
    mask = (mask + (mask >> 4)) & 0x0F0F0F0FU;
    return mask * 0x01010101U >> 24;
}

#endif
