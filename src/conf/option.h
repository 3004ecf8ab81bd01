/*
 * The option table: one row an option, from which the command line parser, --help, the
 * configuration keys, shell completion and the man pages are made. Nothing else in the program
 * knows a flag's name. Precedence: command line, environment, configuration file, default. An
 * unknown flag, command or key is an error that names the nearest one.
 */
#ifndef GEN_CONF_OPTION_H
#define GEN_CONF_OPTION_H

#include "base/buf.h"
#include "base/secret.h"

#include <stdbool.h>

/* Commands, as bits of gen_option.commands. */
enum gen_command_id {
    GEN_CMD_LIST_PROVIDERS = 0,
    GEN_CMD_GENERATE,
    GEN_CMD_GENERATE_COT,
    GEN_CMD_ENRICH,
    GEN_CMD_ENHANCE_COT,
    GEN_CMD_CURATE,
    GEN_CMD_DEDUP,
    GEN_CMD_COMPARE,
    GEN_CMD_STATS,
    GEN_CMD_EXPORT,
    GEN_CMD_CHECK,
    GEN_CMD_PIPELINE,
    GEN_CMD_REPORT,
    GEN_CMD_TOOL_PARSE,
    GEN_CMD_TOOL_GENERATE,
    GEN_CMD_TOOL_EXECUTE,
    GEN_CMD_TOOL_CURATE,
    GEN_CMD_TOOL_PIPELINE,
    GEN_CMD_STATUS,
    GEN_CMD_BATCHES,
    GEN_CMD_DOCTOR,
    GEN_N_COMMANDS,
};

enum gen_option_id {
    GEN_OPT_CONFIG = 0,  /* --config PATH */
    GEN_OPT_OUTPUT,      /* -o, --output PATH */
    GEN_OPT_PROVIDER,    /* --provider NAME; llm.provider; default ollama */
    GEN_OPT_MODEL,       /* --model NAME; llm.model, llm.<provider>.model */
    GEN_OPT_BASE_URL,    /* --base-url URL; llm.base_url, llm.<provider>.base_url */
    GEN_OPT_WORKERS,     /* --workers N|auto: ceiling of requests in flight */
    GEN_OPT_LEDGER,      /* --ledger PATH; default <stem>.ledger beside the output */
    GEN_OPT_FRESH,       /* --fresh: ignore answers the ledger holds */
    GEN_OPT_DRY_RUN,     /* --dry-run */
    GEN_OPT_MAX_COST,    /* --max-cost USD */
    GEN_OPT_SEED,        /* --seed N */
    GEN_OPT_QUIET,       /* -q, --quiet */
    GEN_OPT_VERBOSE,     /* -v, --verbose */
    GEN_OPT_PROGRESS,    /* --progress auto|plain|none */
    GEN_OPT_LOG_JSON,    /* --log-json */
    GEN_OPT_TIMEOUT,     /* --timeout SECONDS per request; llm.timeout; default 600 */
    GEN_OPT_TEMPERATURE, /* --temperature; llm.temperature; unset by default: each step has its own
                          */
    GEN_OPT_MAX_TOKENS,  /* --max-tokens; llm.max_tokens; unset: computed per step */
    GEN_OPT_NUM_CTX,     /* --num-ctx; llm.ollama.num_ctx: Ollama's context window; default 16384 */
    GEN_OPT_API_KEY,     /* config only: llm.api_key, llm.<provider>.api_key (${VAR}); else the
                            provider's own variable */
    GEN_OPT_TABLE,       /* --table NAME, repeatable; default text_chunks */
    GEN_OPT_LANCE_VERSION, /* --lance-version N|TAG of the LanceDB tables; default the newest */
    GEN_OPT_ID_COLUMN,     /* --id-column */
    GEN_OPT_CONTENT_COLUMN,
    GEN_OPT_SOURCE_COLUMN,
    GEN_OPT_CHUNK_SIZE,    /* --chunk-size CHARS; default 1500 */
    GEN_OPT_CHUNK_OVERLAP, /* --chunk-overlap CHARS; default 0 */
    GEN_OPT_MIN_CHUNK, /* --min-chunk-chars: shorter chunks are skipped; generation.min_chunk_chars;
                          default 200 */
    GEN_OPT_N_PAIRS,   /* --n-pairs N; generation.n_pairs_per_chunk */
    GEN_OPT_TARGET_PAIRS, /* --target-pairs N */
    GEN_OPT_MAX_CHUNKS,   /* --max-chunks N */
    GEN_OPT_TOPIC,        /* --topic TEXT; curate.topic_filter */
    GEN_OPT_BATCH_SIZE,   /* --batch-size N; generate 50 (compatibility: the engine streams), enrich
                             and curate 5 */
    GEN_OPT_NO_PRESERVE_ORIGINAL, /* --no-preserve-original; enrich.preserve_original */
    GEN_OPT_THRESHOLD,            /* --threshold 0..10; curate.threshold; default 7.0 */
    GEN_OPT_CORPUS,               /* --corpus PATH (enrich, curate): where the source chunks are */
    GEN_OPT_FORMAT,               /* -f, --format chatml|alpaca|sharegpt|jsonl|... */
    GEN_OPT_SYSTEM_PROMPT,        /* --system-prompt TEXT: the words of the system message */
    GEN_OPT_SYSTEM,               /* --system TEXT|none|fold: the same, or what is done with it */
    GEN_OPT_REASONING,            /* --reasoning: where it goes (export), who writes it (cot) */
    GEN_OPT_SPLIT,                /* --split train=0.95,validation=0.05 */
    GEN_OPT_SPLIT_BY,             /* --split-by source|row */
    GEN_OPT_SHUFFLE,              /* --shuffle SEED */
    GEN_OPT_SHARDS,               /* --shards N files per split */
    GEN_OPT_CARD,                 /* --card: dataset card and dataset_info.json */
    GEN_OPT_LICENSE,              /* --license ID, of the card */
    GEN_OPT_FOR,                  /* --for CONSUMER (check) */
    GEN_OPT_DEDUP,                /* --dedup (curate, pipeline) */
    GEN_OPT_DEDUP_BY,             /* --by question|answer|pair (dedup) */
    GEN_OPT_SIMILARITY,           /* --similarity 0..1: Jaccard from which two are duplicates */
    GEN_OPT_KEEP,                 /* --keep first|best (dedup) */
    GEN_OPT_DECONTAMINATE,        /* --decontaminate FILE, repeatable */
    GEN_OPT_MIN_GROUNDING,        /* --min-grounding 0..1: share of literals found in the source */
    GEN_OPT_SKIP_QUESTION,        /* --skip-question PATTERN, repeatable */
    GEN_OPT_SKIP_SOURCE,          /* --skip-source PATTERN, repeatable */
    GEN_OPT_SAMPLE_SIZE,          /* --sample-size N (compare) */
    GEN_OPT_SKIP_ENRICHMENT,
    GEN_OPT_RETRY_FAILED, /* --retry-failed: ask again for the items whose failure the ledger
                             remembers */
    GEN_OPT_PROMPTS,      /* --prompts DIR; prompts_dir: replaces prompt files by the user's own */
    GEN_OPT_STREAM,       /* --stream auto|on|off; llm.stream */
    GEN_OPT_REASONING_EFFORT,   /* --reasoning-effort LEVEL; llm.reasoning_effort */
    GEN_OPT_API_VERSION,        /* --api-version VERSION; llm.*.api_version */
    GEN_OPT_MAX_TOKENS_TOTAL,   /* --max-tokens-total N, in and out together */
    GEN_OPT_MAX_REQUESTS,       /* --max-requests N */
    GEN_OPT_MAX_RPM,            /* --max-rpm N: requests a minute */
    GEN_OPT_MAX_TPM,            /* --max-tpm N: tokens a minute, in and out together */
    GEN_OPT_BATCH,              /* --batch: half-price batches */
    GEN_OPT_BATCH_FILE,         /* --batch-file DIR: batch lines for an offline engine */
    GEN_OPT_BATCH_POLL,         /* --batch-poll SECONDS */
    GEN_OPT_CANCEL,             /* --cancel ID|all (batches) */
    GEN_OPT_JSON,               /* --json (status, doctor) */
    GEN_OPT_LEARN_ERRORS,       /* --learn-errors: failed calls count for the loss too */
    GEN_OPT_MAX_CALLS_PER_TURN, /* --max-calls-per-turn N (export) */
    GEN_OPT_SINGLE_STEP,        /* --single-step */
    GEN_OPT_MULTI_STEP,         /* --multi-step */
    GEN_OPT_MAX_STEPS,          /* --max-steps N; default 5 */
    GEN_OPT_MIX,                /* --mix single=.4,chain=.3 */
    GEN_OPT_CHAIN_FIRST,        /* --chain-first */
    GEN_OPT_DISTRACTORS,        /* --distractors N */
    GEN_OPT_LANGUAGE,           /* --language NAME, of requests */
    GEN_OPT_CALLS_PER_TOOL,     /* --calls-per-tool N: coverage wanted */
    GEN_OPT_BALANCE,            /* --balance */
    GEN_OPT_SKIP_CURATION,      /* --skip-curation (tool-pipeline) */
    GEN_OPT_MODE,               /* --mode real|simulated|replay|none */
    GEN_OPT_AGENT,              /* --agent */
    GEN_OPT_TOOLS,              /* --tools FILE (tool-execute, tool-curate) */
    GEN_OPT_MCP,                /* --mcp 'COMMAND ARGS' */
    GEN_OPT_MCP_URL,            /* --mcp-url URL */
    GEN_OPT_API_URL,            /* --api-url URL */
    GEN_OPT_TOOL_HEADER,        /* --tool-header 'Name: value', repeatable */
    GEN_OPT_TOOL_ENV,           /* --tool-env NAME[=VALUE], repeatable */
    GEN_OPT_ALLOW,              /* --allow TOOL, repeatable */
    GEN_OPT_ERROR_PATTERN,      /* --error-pattern PATTERN */
    GEN_OPT_RECORD,             /* --record FILE */
    GEN_OPT_REPLAY,             /* --replay FILE */
    GEN_OPT_TOOL_WORKERS,       /* --tool-workers N */
    GEN_OPT_TOOL_TIMEOUT,       /* --tool-timeout SECONDS */
    GEN_OPT_MAX_OBSERVATION,    /* --max-observation-bytes N */
    GEN_OPT_KEEP_SERVER,        /* --keep-server */
    GEN_N_OPTIONS,
};

enum gen_option_type {
    GEN_TYPE_FLAG = 1,
    GEN_TYPE_INT,
    GEN_TYPE_REAL,
    GEN_TYPE_TEXT,
    GEN_TYPE_PATH,
    GEN_TYPE_CHOICE,
    GEN_TYPE_LIST,    /* repeatable text */
    GEN_TYPE_WORKERS, /* an integer or "auto" (read as 0) */
    GEN_TYPE_SECRET,  /* never on the command line, never printed */
};

/* What one option says differently in some commands. NULL members: as in the row itself. */
struct gen_option_case {
    uint32_t commands; /* 0 ends a list of cases */
    const char *default_text;
    const char *const *config_keys;
    const char *const *choices;
    const char *help;
};

/* The headings under which --help and the man pages list options, in this order. */
enum gen_option_group {
    GEN_GROUP_FILES = 0, /* input and output */
    GEN_GROUP_WORK,      /* what the command makes */
    GEN_GROUP_TOOLS,     /* who carries out the calls of tools */
    GEN_GROUP_MODEL,     /* the model and its endpoint */
    GEN_GROUP_RUN,       /* how the run is carried out */
    GEN_GROUP_MESSAGES,  /* what it says meanwhile */
    GEN_N_GROUPS,
};

struct gen_option {
    enum gen_option_id id;
    const char *name; /* without dashes; NULL: configuration only */
    char short_name;  /* 0: none */
    const char *env;  /* "GENERATOR_PROVIDER"; NULL: none */
    enum gen_option_type type;
    double min, max;                /* numbers: bounds; texts: `min` is the least length in bytes */
    const char *const *choices;     /* NULL-terminated, GEN_TYPE_CHOICE only */
    const char *default_text;       /* as it would be typed; NULL: unset */
    const char *unit;               /* "N", "PATH", "USD": shown behind the flag */
    const char *const *config_keys; /* NULL-terminated ("llm.model"); "llm.*.model" is below the
                                       chosen provider's name; "!key" says the opposite of the
                                       flag */
    uint32_t commands;              /* 1u << GEN_CMD_... */
    uint32_t required;              /* commands in which it must be set, as above */
    bool is_sensitive;              /* the value may hold a key: not in what is kept of the command
                                       line */
    enum gen_option_group group;
    const struct gen_option_case *cases; /* what differs per command; NULL: nothing */
    const char *help;                    /* one line */
    const char *manual;                  /* a paragraph for the man page; NULL: help is enough */
};

struct gen_command_info {
    enum gen_command_id id;
    const char *name;
    const char *argument; /* "LANCEDB_PATH"; NULL: takes none */
    bool argument_is_optional;
    size_t n_arguments_max;      /* 0: as many as one */
    const char *help;            /* one line */
    const char *manual;          /* paragraphs */
    const char *const *examples; /* NULL-terminated command lines */
};

extern const struct gen_option gen_options[GEN_N_OPTIONS];
extern const struct gen_command_info gen_commands[GEN_N_COMMANDS];

/* Default, choices, configuration keys and help of an option in one command (-1: the row's own). */
const char *gen_option_default(const struct gen_option *o, int command);
const char *const *gen_option_choices(const struct gen_option *o, int command); /* or NULL */
const char *const *gen_option_keys(const struct gen_option *o, int command);
const char *gen_option_help(const struct gen_option *o, int command);
/* Heading of a group: "Files", "Model", ... */
const char *gen_option_group_name(enum gen_option_group group);

#endif
