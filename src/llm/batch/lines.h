/* Lines of the OpenAI batch format, which files for offline engines share. Private to llm/. */
#ifndef GEN_LLM_BATCH_LINES_H
#define GEN_LLM_BATCH_LINES_H

#include "llm/batch.h"

/* False when the line names no request. */
bool gen_batch_line_openai(const struct gen_json *line, struct gen_batch_line *out);

#endif
