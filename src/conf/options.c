#include "conf/option.h"

#define CMD(name)       (1U << GEN_CMD_##name)
#define ALL_COMMANDS    ((1U << GEN_N_COMMANDS) - 1U)
#define CORPUS_COMMANDS (CMD(GENERATE) | CMD(GENERATE_COT) | CMD(PIPELINE))
#define PAIR_COMMANDS   (CMD(ENRICH) | CMD(ENHANCE_COT) | CMD(CURATE))
/* Those that draw examples of tool use; those whose calls a server may carry out. */
#define DRAW_COMMANDS     (CMD(TOOL_GENERATE) | CMD(TOOL_PIPELINE))
#define SERVER_COMMANDS   (DRAW_COMMANDS | CMD(TOOL_EXECUTE))
#define TOOL_COMMANDS     (SERVER_COMMANDS | CMD(TOOL_CURATE))
#define RATE_COMMANDS     (CMD(CURATE) | CMD(PIPELINE) | CMD(TOOL_CURATE) | CMD(TOOL_PIPELINE))
#define MODEL_COMMANDS    (CORPUS_COMMANDS | PAIR_COMMANDS | CMD(COMPARE) | TOOL_COMMANDS)
#define COT_COMMANDS      (CMD(GENERATE_COT) | CMD(ENHANCE_COT))
#define EXPORT_COMMANDS   (CMD(EXPORT) | CMD(PIPELINE) | CMD(TOOL_PIPELINE))
#define CALL_COMMANDS     (CMD(EXPORT) | CMD(TOOL_PIPELINE)) /* rows may have calls of tools */
#define DEDUP_COMMANDS    (CMD(DEDUP) | RATE_COMMANDS)
#define ENDPOINT_COMMANDS (MODEL_COMMANDS | CMD(DOCTOR))
#define OUTPUT_COMMANDS   (MODEL_COMMANDS | CMD(EXPORT) | CMD(DEDUP) | CMD(REPORT))
/* Those that read chunks, some only with --corpus. */
#define SOURCE_COMMANDS (CORPUS_COMMANDS | PAIR_COMMANDS)
#define CHUNK_COMMANDS  (SOURCE_COMMANDS | CMD(COMPARE))
#define EXPORT_FORMATS                                                                             \
    KEYS("chatml", "chatml-portable", "openai", "prompt-completion", "alpaca", "sharegpt",         \
         "llamafactory", "hermes-text", "xlam", "functiongemma", "harmony", "gemini", "bedrock",   \
         "text", "jsonl")
#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define COUNT_MAX 1e12
/* Beyond 2^53 the bounds, which are doubles, are not exact. */
#define SEED_MAX 9007199254740991.0

/* Rows by what they are about; in --help their order is that of enum gen_option_id. */
const struct gen_option gen_options[GEN_N_OPTIONS] = {
#include "conf/options_export.inc"
#include "conf/options_files.inc"
#include "conf/options_model.inc"
#include "conf/options_run.inc"
#include "conf/options_tool.inc"
#include "conf/options_work.inc"
};
