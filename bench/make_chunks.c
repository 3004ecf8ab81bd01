/*
 * make_chunks: a corpus of N chunks for the benchmarks, as JSON Lines on standard output. The text
 * is prose with numbers and identifiers, about 1,500 bytes a chunk; no two chunks are equal, and
 * the same N always gives the same bytes.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CHUNK_BYTES 1500U
#define N_MAX       UINT64_C(100000000)

/* splitmix64 */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static const char *const parts[] = {"journal",   "segment", "replica",   "checkpoint",
                                    "compactor", "index",   "scheduler", "lease",
                                    "snapshot",  "cursor",  "allocator", "manifest"};
static const char *const verbs[] = {"keeps",   "rejects", "rewrites", "releases",
                                    "returns", "delays",  "verifies", "publishes"};
static const char *const reasons[] = {
    "the writer has confirmed the previous one", "an older reader may still hold a reference",
    "the operator has set a lower limit",        "the checksum of the header does not match",
    "the disk reports less free space",          "two leaders were elected at the same time"};

static const char *pick(uint64_t *state, const char *const *words, size_t n)
{
    return words[next(state) % n];
}

#define PICK(words) pick(state, words, sizeof(words) / sizeof((words)[0]))

/* One sentence; each form has a number or a name that is its own. */
static int sentence(char *out, size_t size, uint64_t *state, uint64_t chunk, unsigned i)
{
    unsigned value = (unsigned)(next(state) % 9000 + 16);
    const char *part = PICK(parts);
    switch (next(state) % 5) {
    case 0:
        return snprintf(out, size, "The %s %s up to %u entries before %s. ", part, PICK(verbs),
                        value, PICK(reasons));
    case 1:
        return snprintf(out, size, "Set %s_limit_%" PRIu64 " to %u to make the %s wait while %s. ",
                        part, chunk % 1000, value, PICK(parts), PICK(reasons));
    case 2:
        return snprintf(out, size,
                        "When %s, the %s calls %s_%s_%u() and logs event E%" PRIu64 "-%u. ",
                        PICK(reasons), part, PICK(parts), PICK(verbs), value, chunk, i);
    case 3:
        return snprintf(out, size, "A %s of %u KiB is split into %u parts because %s. ", part,
                        value * 4, value % 31 + 2, PICK(reasons));
    default:
        return snprintf(out, size, "In version 2.%u the %s %s the %s after %u ms. ", value % 40,
                        part, PICK(verbs), PICK(parts), value);
    }
}

static bool write_chunk(uint64_t chunk)
{
    uint64_t seed = chunk * UINT64_C(0xD1B54A32D192ED03) + 1;
    uint64_t *state = &seed;
    char text[CHUNK_BYTES + 512];
    size_t n = 0;
    for (unsigned i = 0; n < CHUNK_BYTES; i++) {
        int added = sentence(text + n, sizeof(text) - n, state, chunk, i);
        if (added <= 0 || (size_t)added >= sizeof(text) - n) {
            return false;
        }
        n += (size_t)added;
    }
    return printf("{\"id\":\"chunk-%07" PRIu64 "\",\"source\":\"manual-%" PRIu64
                  ".md\",\"title\":\"%s %" PRIu64 "\",\"content\":\"%.*s\"}\n",
                  chunk, chunk / 50, PICK(parts), chunk, (int)(n - 1), text) > 0;
}

static bool read_count(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || value > N_MAX) {
            return false;
        }
        value = value * 10 + (uint64_t)(*p - '0');
    }
    *out = value;
    return *text != '\0' && value <= N_MAX;
}

int main(int argc, char **argv)
{
    uint64_t n = 0;
    if (argc != 2 || !read_count(argv[1], &n)) {
        (void)fprintf(stderr, "usage: make_chunks N >chunks.jsonl\n");
        return 2;
    }
    for (uint64_t i = 0; i < n; i++) {
        if (!write_chunk(i)) {
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
