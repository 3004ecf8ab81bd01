#include "codec_int.h"

/* Row q of a chunk holds `lanes` neighbouring values; rows come in this order of groups of eight.
 */
static const uint8_t row_order[8] = {0, 4, 2, 6, 1, 5, 3, 7};

/* NOLINTBEGIN(bugprone-macro-parentheses): WORD is a type. */
/* One function per word size, so that the inner loop over lanes has constant bounds and vectorises.
 */
#define DEFINE_UNPACK(T, WORD)                                                                     \
    static void unpack_##T(uint32_t width, const uint8_t *packed, WORD *out)                       \
    {                                                                                              \
        enum { LANES = 1024 / (T) };                                                               \
        const WORD mask = (WORD)(width == (T) ? (WORD) ~(WORD)0 : (WORD)(((WORD)1 << width) - 1)); \
        for (uint32_t q = 0; q < (T); q++) {                                                       \
            const uint32_t bit = q * width;                                                        \
            const uint32_t shift = bit % (T);                                                      \
            const uint8_t *low = packed + (size_t)(bit / (T)) * LANES * sizeof(WORD);              \
            WORD *dst = out + (size_t)row_order[q / 8] * 16 + (size_t)(q % 8) * 128;               \
            if (shift + width <= (T)) {                                                            \
                for (uint32_t l = 0; l < LANES; l++) {                                             \
                    WORD word;                                                                     \
                    memcpy(&word, low + l * sizeof word, sizeof word);                             \
                    dst[l] = (WORD)((WORD)(word >> shift) & mask);                                 \
                }                                                                                  \
            } else {                                                                               \
                const uint8_t *high = low + LANES * sizeof(WORD);                                  \
                for (uint32_t l = 0; l < LANES; l++) {                                             \
                    WORD word;                                                                     \
                    WORD next;                                                                     \
                    memcpy(&word, low + l * sizeof word, sizeof word);                             \
                    memcpy(&next, high + l * sizeof next, sizeof next);                            \
                    dst[l] = (WORD)((WORD)((WORD)(word >> shift) | (WORD)(next << ((T)-shift))) &  \
                                    mask);                                                         \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_UNPACK(8, uint8_t)
DEFINE_UNPACK(16, uint16_t)
DEFINE_UNPACK(32, uint32_t)
DEFINE_UNPACK(64, uint64_t)
/* NOLINTEND(bugprone-macro-parentheses) */

void lnc_unpack(uint32_t word_bits, uint32_t width, const uint8_t *packed, void *out)
{
    if (width == 0) {
        memset(out, 0, (size_t)LNC_PACK_VALUES * (word_bits / 8));
        return;
    }
    switch (word_bits) {
    case 8:
        unpack_8(width, packed, out);
        break;
    case 16:
        unpack_16(width, packed, out);
        break;
    case 32:
        unpack_32(width, packed, out);
        break;
    default:
        unpack_64(width, packed, out);
        break;
    }
}
