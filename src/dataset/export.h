/*
 * Export formats: one row of training data from one record. A format is a small table; the list is
 * handed down from main. To add one: a file in dataset/export/, its row in main.c and in the
 * choices of --format, its cases in test/data/export/.
 *
 * No row has a null but those that a call's arguments or a lossless record hold, every content is a
 * string, and there are no columns but the format's: each of the three makes one reader or another
 * refuse or misread it (formats.md §0, §1.3).
 */
#ifndef GEN_DATASET_EXPORT_H
#define GEN_DATASET_EXPORT_H

#include "dataset/example.h"
#include "json/text.h"

#define GEN_DEFAULT_SYSTEM_PROMPT "You are a helpful assistant that provides accurate information."

/* Where a chain of thought stands in a row. */
enum gen_reasoning {
    GEN_REASONING_AUTO = 0, /* the format's own place */
    GEN_REASONING_FIELD,    /* reasoning_content of the message (reasoning of a jsonl row) */
    GEN_REASONING_THINKING, /* thinking of the message */
    GEN_REASONING_INLINE,   /* <think>\n...\n</think>\n\n in front of the answer */
    GEN_REASONING_DROP,
};
/* "field"; GEN_REASONING_AUTO for what is none of the names. */
const char *gen_reasoning_name(enum gen_reasoning r);
enum gen_reasoning gen_reasoning_from(const char *name);

struct gen_export_options {
    /* NULL: a conversation's own one, else GEN_DEFAULT_SYSTEM_PROMPT; "": none. */
    const char *system_prompt;
    bool folds_system; /* in front of the first user turn, for templates without a system role */
    enum gen_reasoning reasoning;
    size_t calls_max;   /* of one turn, others are split in sequence; 0: no limit */
    bool learns_errors; /* else failed calls that are put right are masked, where a format can */
};

/* How LLaMA-Factory reads the rows, for dataset_info.json. */
enum gen_llamafactory {
    GEN_LLAMAFACTORY_NONE = 0,
    GEN_LLAMAFACTORY_ALPACA,   /* instruction, input, output */
    GEN_LLAMAFACTORY_SHAREGPT, /* conversations of from and value */
    GEN_LLAMAFACTORY_MESSAGES, /* messages of role and content */
    GEN_LLAMAFACTORY_TEXT,     /* text */
};

/* How a row says that nothing is to be learned from a turn: an assistant's failed calls that later
 * ones put right. */
enum gen_masking {
    GEN_MASKING_NONE = 0, /* it cannot; they are learned like the rest */
    GEN_MASKING_WEIGHT,   /* "weight": 0 of the message, which OpenAI and Together read */
    GEN_MASKING_TRAIN,    /* "train": false of the message; Axolotl reads it when its dataset has
                           * message_field_training: train, TRL and LLaMA-Factory do not */
    GEN_MASKING_FORM,     /* its readers learn the last turn alone */
};

/* What is asked for, decided for one example: what the formats work from. */
struct gen_export_dress {
    struct gen_str system;        /* for the system's own place; empty: none */
    struct gen_str folded;        /* for the front of the first user turn; empty: nothing */
    enum gen_reasoning reasoning; /* never GEN_REASONING_AUTO */
    enum gen_masking masking;     /* of failed calls that are put right */
    bool folds, is_sequential;
};

struct gen_export_format {
    const char *name;
    const char *summary; /* one line: the row's shape and who reads it */
    /* Whose rules each row must pass (dataset/consumer.h), without those whose rules are among
     * another's in the list. */
    const char *const *consumers;
    unsigned reasonings;          /* the places it has: 1U << GEN_REASONING_FIELD | ... */
    enum gen_reasoning reasoning; /* its own place */
    enum gen_llamafactory llamafactory;
    size_t n_turns_max;        /* 0: any number */
    size_t calls_max;          /* of one turn; 0: any number */
    const char *without_tools; /* it has no place for tools: a clause that says what has; or NULL */
    bool needs_tools;          /* it holds requests to tools and nothing else */
    enum gen_masking masking;  /* how a turn that is not learned from is told */
    bool has_system;           /* a place for it */
    bool omits_default_system; /* its system member is for one that somebody named */
    bool is_lines_only;        /* its readers take JSON Lines and no array */
    bool has_dataset_info;     /* dataset_info.json goes with every file of it */
    bool has_own_members;      /* of the record, besides those of the format */
    /* Refuses examples that the row cannot hold; NULL: it can hold all. */
    void (*fits)(const struct gen_example *e, struct gen_refusal *refusal);
    /* Writes the members of the row's object. */
    void (*row)(const struct gen_example *e, const struct gen_export_dress *dress,
                struct gen_jt *t);
};

extern const struct gen_export_format gen_export_chatml;
/* Tools and arguments as JSON strings, for datasets before 4.7 and Parquet. */
extern const struct gen_export_format gen_export_chatml_portable;
extern const struct gen_export_format gen_export_openai;
extern const struct gen_export_format gen_export_prompt_completion;
extern const struct gen_export_format gen_export_alpaca;
extern const struct gen_export_format gen_export_sharegpt;
extern const struct gen_export_format gen_export_llamafactory; /* sharegpt + dataset_info.json */
extern const struct gen_export_format gen_export_hermes_text;
extern const struct gen_export_format gen_export_harmony;
extern const struct gen_export_format gen_export_xlam; /* APIGen's: one request, its calls */
extern const struct gen_export_format gen_export_functiongemma;
extern const struct gen_export_format gen_export_gemini;
extern const struct gen_export_format gen_export_bedrock;
extern const struct gen_export_format gen_export_text;
extern const struct gen_export_format gen_export_jsonl;

/* NULL when there is none of that name in the NULL-terminated list. */
const struct gen_export_format *gen_export_find(const struct gen_export_format *const *list,
                                                const char *name);

/* Whether the format has a place for what is asked. GEN_EUSAGE names those that it has. */
GEN_MUST_USE int gen_export_check_options(const struct gen_export_format *format,
                                          const struct gen_export_options *options,
                                          struct gen_error *err);
/* The place that is used: never GEN_REASONING_AUTO. */
enum gen_reasoning gen_export_reasoning(const struct gen_export_format *format,
                                        const struct gen_export_options *options);

/* Appends the JSON text of the example's row. refusal->rule says why the format cannot hold it, and
 * then nothing is appended: "too_many_turns", "tools_not_supported", "parallel_calls", "no_tools",
 * "not_single_turn", "text_beside_call". Turns with more calls than the format or the options take
 * are split in `e`. */
GEN_MUST_USE int gen_export_row(const struct gen_export_format *format, struct gen_example *e,
                                const struct gen_export_options *options, struct gen_buf *out,
                                struct gen_refusal *refusal, struct gen_error *err);

#endif
