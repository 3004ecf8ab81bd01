/*
 * Writes a real language model of 1.2 MB that llama-server, and whatever else reads GGUF, loads in
 * a second: so that the program is tested against a real server without a download.
 *
 *     tiny_gguf MODEL.gguf TEXT...
 *
 * The model is a bigram table of the texts' bytes in the shape of a llama with one layer. The
 * vocabulary has the 256 bytes and four control tokens. Embeddings are one-hot, attention and
 * feed-forward are zero, so the residual stream is the one-hot vector of the last byte; RMS
 * normalization makes its one entry sqrt(n_embd), and output.weight[t][i] = log P(t | i) /
 * sqrt(n_embd) gives logits that are exactly log P. What it writes looks like words and means
 * nothing. Quotation marks and the end of the turn get a share in every row: so strings close
 * and answers end.
 *
 * File format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_BYTES      256U
#define TOKEN_BEGIN  256U /* <|im_start|> */
#define TOKEN_END    257U /* <|im_end|>, the end of a turn */
#define TOKEN_TEXT   258U /* <|endoftext|> */
#define TOKEN_PAD    259U
#define N_VOCAB      260U
#define N_EMBD       320U
#define N_EMBD_HEAD  64U /* one head, narrower than the embedding: attention costs little */
#define N_FF         64U
#define N_CONTEXT    131072U
#define ALIGNMENT    32U
#define N_DIMS_MAX   2U
#define GGUF_VERSION 3U

#define SHARE_QUOTE 0.03
#define SHARE_END   0.004
#define SHARE_NEVER 1e-9
#define SMOOTHING   0.05

enum gguf_type {
    GGUF_U32 = 4,
    GGUF_I32 = 5,
    GGUF_F32 = 6,
    GGUF_BOOL = 7,
    GGUF_STR = 8,
    GGUF_ARRAY
};
enum token_type { TOKEN_NORMAL = 1, TOKEN_CONTROL = 3 };

/* What a tensor is filled with. */
enum fill { FILL_ZERO, FILL_ONE, FILL_ONE_HOT, FILL_LOGITS };

struct tensor {
    const char *name;
    uint32_t n_dims;
    uint32_t dims[N_DIMS_MAX]; /* the one that changes fastest first */
    enum fill fill;
};

static const struct tensor tensors[] = {
    {"token_embd.weight", 2, {N_EMBD, N_VOCAB}, FILL_ONE_HOT},
    {"output_norm.weight", 1, {N_EMBD, 1}, FILL_ONE},
    {"output.weight", 2, {N_EMBD, N_VOCAB}, FILL_LOGITS},
    {"blk.0.attn_norm.weight", 1, {N_EMBD, 1}, FILL_ONE},
    {"blk.0.attn_q.weight", 2, {N_EMBD, N_EMBD_HEAD}, FILL_ZERO},
    {"blk.0.attn_k.weight", 2, {N_EMBD, N_EMBD_HEAD}, FILL_ZERO},
    {"blk.0.attn_v.weight", 2, {N_EMBD, N_EMBD_HEAD}, FILL_ZERO},
    {"blk.0.attn_output.weight", 2, {N_EMBD_HEAD, N_EMBD}, FILL_ZERO},
    {"blk.0.ffn_norm.weight", 1, {N_EMBD, 1}, FILL_ONE},
    {"blk.0.ffn_gate.weight", 2, {N_EMBD, N_FF}, FILL_ZERO},
    {"blk.0.ffn_up.weight", 2, {N_EMBD, N_FF}, FILL_ZERO},
    {"blk.0.ffn_down.weight", 2, {N_FF, N_EMBD}, FILL_ZERO},
};
#define N_TENSORS (sizeof(tensors) / sizeof(tensors[0]))

static const char chat_template[] =
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/* How often token t follows token i in the texts; later P(t | i). */
struct bigrams {
    double p[N_VOCAB][N_VOCAB];
};

/* ---- learning -------------------------------------------------------------------------------- */

static int read_text(struct bigrams *b, const char *path)
{
    FILE *f = fopen(path, "re");
    unsigned last = '\n';
    int byte = 0;
    if (!f) {
        (void)fprintf(stderr, "tiny_gguf: %s: %s\n", path, strerror(errno));
        return -1;
    }
    while ((byte = fgetc(f)) != EOF) {
        b->p[last][byte] += 1;
        last = (unsigned)byte;
    }
    int failed = ferror(f);
    (void)fclose(f);
    return failed ? -1 : 0;
}

/* Only printable ASCII is ever smoothed in: half of a UTF-8 sequence would break an answer. */
static bool is_printable(unsigned t)
{
    return (t >= ' ' && t <= '~') || t == '\n';
}

static void normalize_row(double *row)
{
    const double rest = 1 - SHARE_QUOTE - SHARE_END;
    double sum = 0;
    for (unsigned t = 0; t < N_BYTES; t++) {
        if (is_printable(t))
            row[t] += SMOOTHING;
        else
            row[t] = 0;
        sum += row[t];
    }
    for (unsigned t = 0; t < N_VOCAB; t++) {
        double p = t < N_BYTES ? row[t] / sum * rest : 0;
        p += t == '"' ? SHARE_QUOTE : 0;
        p += t == TOKEN_END ? SHARE_END : 0;
        row[t] = p > SHARE_NEVER ? p : SHARE_NEVER;
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

/* GGUF is little-endian whatever the machine. Errors stay in the stream until it is closed. */
static void put_u32(FILE *f, uint32_t v)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        (void)fputc((int)(v >> shift & 0xFFU), f);
}

static void put_u64(FILE *f, uint64_t v)
{
    put_u32(f, (uint32_t)(v & UINT32_MAX));
    put_u32(f, (uint32_t)(v >> 32));
}

static void put_f32(FILE *f, float v)
{
    uint32_t bits = 0;
    memcpy(&bits, &v, sizeof(bits));
    put_u32(f, bits);
}

static void put_str(FILE *f, const char *text)
{
    put_u64(f, strlen(text));
    (void)fputs(text, f);
}

static void put_key(FILE *f, const char *key, enum gguf_type type)
{
    put_str(f, key);
    put_u32(f, type);
}

static void put_array_key(FILE *f, const char *key, enum gguf_type type, uint64_t n)
{
    put_key(f, key, GGUF_ARRAY);
    put_u32(f, type);
    put_u64(f, n);
}

/* GPT-2 writes each byte of its vocabulary as a visible character: itself where it is one, and the
 * characters from U+0100 on for the others, in order. Code as in encoder.py of openai/gpt-2. */
static void put_byte_token(FILE *f, unsigned byte, unsigned *n_hidden)
{
    bool is_visible = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    unsigned code = is_visible ? byte : N_BYTES + (*n_hidden)++;
    char text[3] = {(char)code, '\0', '\0'};
    if (code >= 0x80) {
        text[0] = (char)(0xC0U | code >> 6);
        text[1] = (char)(0x80U | (code & 0x3FU));
    }
    put_str(f, text);
}

static unsigned put_vocabulary(FILE *f)
{
    static const char *const controls[] = {"<|im_start|>", "<|im_end|>", "<|endoftext|>",
                                           "<|pad|>"};
    unsigned n_hidden = 0;
    put_array_key(f, "tokenizer.ggml.tokens", GGUF_STR, N_VOCAB);
    for (unsigned t = 0; t < N_BYTES; t++)
        put_byte_token(f, t, &n_hidden);
    for (unsigned t = N_BYTES; t < N_VOCAB; t++)
        put_str(f, controls[t - N_BYTES]);
    put_array_key(f, "tokenizer.ggml.token_type", GGUF_I32, N_VOCAB);
    for (unsigned t = 0; t < N_VOCAB; t++)
        put_u32(f, t < N_BYTES ? TOKEN_NORMAL : TOKEN_CONTROL);
    put_array_key(f, "tokenizer.ggml.merges", GGUF_STR, 0);
    return 3;
}

/* Returns how many keys it wrote. */
static unsigned put_keys(FILE *f)
{
    static const struct {
        const char *key, *text;
    } texts[] = {{"general.architecture", "llama"},
                 {"general.name", "tiny-bigram"},
                 {"tokenizer.ggml.model", "gpt2"},
                 {"tokenizer.ggml.pre", "gpt-2"},
                 {"tokenizer.chat_template", chat_template}};
    static const struct {
        const char *key;
        uint32_t value;
    } numbers[] = {{"general.alignment", ALIGNMENT},
                   {"llama.vocab_size", N_VOCAB},
                   {"llama.context_length", N_CONTEXT},
                   {"llama.embedding_length", N_EMBD},
                   {"llama.block_count", 1},
                   {"llama.feed_forward_length", N_FF},
                   {"llama.attention.head_count", 1},
                   {"llama.attention.head_count_kv", 1},
                   {"llama.attention.key_length", N_EMBD_HEAD},
                   {"llama.attention.value_length", N_EMBD_HEAD},
                   {"llama.rope.dimension_count", N_EMBD_HEAD},
                   {"tokenizer.ggml.bos_token_id", TOKEN_TEXT},
                   {"tokenizer.ggml.eos_token_id", TOKEN_END},
                   {"tokenizer.ggml.padding_token_id", TOKEN_PAD}};
    const unsigned n_texts = sizeof(texts) / sizeof(texts[0]);
    const unsigned n_numbers = sizeof(numbers) / sizeof(numbers[0]);
    for (unsigned i = 0; i < n_texts; i++) {
        put_key(f, texts[i].key, GGUF_STR);
        put_str(f, texts[i].text);
    }
    for (unsigned i = 0; i < n_numbers; i++) {
        put_key(f, numbers[i].key, GGUF_U32);
        put_u32(f, numbers[i].value);
    }
    put_key(f, "llama.attention.layer_norm_rms_epsilon", GGUF_F32);
    put_f32(f, 1e-9F);
    put_key(f, "llama.rope.freq_base", GGUF_F32);
    put_f32(f, 10000.0F);
    put_key(f, "tokenizer.ggml.add_bos_token", GGUF_BOOL);
    (void)fputc(0, f);
    return n_texts + n_numbers + 3 + put_vocabulary(f);
}

static void put_padding(FILE *f, uint64_t at)
{
    for (; at % ALIGNMENT != 0; at++)
        (void)fputc(0, f);
}

static uint64_t tensor_bytes(const struct tensor *t)
{
    return (uint64_t)t->dims[0] * t->dims[1] * sizeof(float);
}

static void put_tensor_infos(FILE *f)
{
    uint64_t at = 0;
    for (size_t i = 0; i < N_TENSORS; i++) {
        const struct tensor *t = &tensors[i];
        put_str(f, t->name);
        put_u32(f, t->n_dims);
        for (uint32_t d = 0; d < t->n_dims; d++)
            put_u64(f, t->dims[d]);
        put_u32(f, 0); /* GGML_TYPE_F32 */
        put_u64(f, at);
        at += (tensor_bytes(t) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}

static float value_at(const struct tensor *t, const struct bigrams *b, uint32_t row,
                      uint32_t column)
{
    switch (t->fill) {
    case FILL_ONE:
        return 1.0F;
    case FILL_ONE_HOT:
        return row == column ? 1.0F : 0.0F;
    case FILL_LOGITS:
        return column < N_VOCAB ? (float)(log(b->p[column][row]) / sqrt((double)N_EMBD)) : 0.0F;
    case FILL_ZERO:
    default:
        return 0.0F;
    }
}

static void put_tensor(FILE *f, const struct tensor *t, const struct bigrams *b)
{
    for (uint32_t row = 0; row < t->dims[1]; row++) {
        for (uint32_t column = 0; column < t->dims[0]; column++)
            put_f32(f, value_at(t, b, row, column));
    }
    put_padding(f, tensor_bytes(t));
}

/* The number of keys stands before the keys: they are written to memory first. */
static int put_head(FILE *f, uint64_t *n_bytes)
{
    char *keys = NULL;
    size_t n = 0;
    FILE *memory = open_memstream(&keys, &n);
    if (!memory)
        return -1;
    unsigned n_keys = put_keys(memory);
    put_tensor_infos(memory);
    int rc = fclose(memory);
    (void)fputs("GGUF", f);
    put_u32(f, GGUF_VERSION);
    put_u64(f, N_TENSORS);
    put_u64(f, n_keys);
    if (rc == 0 && fwrite(keys, 1, n, f) != n)
        rc = -1;
    *n_bytes = 24 + (uint64_t)n;
    free(keys);
    return rc;
}

static int write_model(const char *path, const struct bigrams *b)
{
    uint64_t n = 0;
    FILE *f = fopen(path, "we");
    if (!f)
        return -1;
    int rc = put_head(f, &n);
    put_padding(f, n);
    for (size_t i = 0; i < N_TENSORS; i++)
        put_tensor(f, &tensors[i], b);
    if (ferror(f))
        rc = -1;
    return fclose(f) == 0 ? rc : -1;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fprintf(stderr, "usage: tiny_gguf MODEL.gguf TEXT...\n");
        return 2;
    }
    struct bigrams *b = calloc(1, sizeof(*b));
    int rc = b ? 0 : -1;
    for (int i = 2; rc == 0 && i < argc; i++)
        rc = read_text(b, argv[i]);
    for (unsigned i = 0; rc == 0 && i < N_VOCAB; i++)
        normalize_row(b->p[i]);
    if (rc == 0 && write_model(argv[1], b) != 0) {
        (void)fprintf(stderr, "tiny_gguf: cannot write %s: %s\n", argv[1], strerror(errno));
        rc = -1;
    }
    free(b);
    return rc == 0 ? 0 : 1;
}
