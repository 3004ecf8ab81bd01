/*
 * Generator: fine-tuning data from documents and tools. A map of the program:
 *
 *   lance/       liblnc, reads the Lance format; stands alone
 *   src/base     errors, strings, buffers, arenas, hashing, UTF-8
 *   src/json     JSON, JSON Lines, YAML, repair, schemas          src/os      loop, files, terminal
 *   src/conf     options, configuration, help, prompts            src/net     HTTP
 *   src/ledger   every call and its answer, durable            src/ui    progress, the account
 *   src/llm      requests, results, providers                  src/corpus  chunks in
 *   src/dataset  records in and out, checks, export formats
 *   src/engine   the streaming map of items through model calls: scheduler, limiter, order
 *   src/step     what steps share                              src/qa    question-answer steps
 *   src/tool     definitions, blueprints, execution, the ladder, steps of tool use
 *   src/report   the page of a dataset                         src/cli   one file a command
 *
 * This file names the concrete drivers, and nothing below knows them.
 */
#include "cli/cli.h"

static const struct gen_provider *const providers[] = {
    &gen_provider_ollama, &gen_provider_openai, &gen_provider_anthropic,  &gen_provider_gemini,
    &gen_provider_claude, &gen_provider_vllm,   &gen_provider_extractive, NULL,
};

static const struct gen_export_format *const formats[] = {
    &gen_export_chatml,        &gen_export_chatml_portable,
    &gen_export_openai,        &gen_export_prompt_completion,
    &gen_export_alpaca,        &gen_export_sharegpt,
    &gen_export_llamafactory,  &gen_export_hermes_text,
    &gen_export_harmony,       &gen_export_gemini,
    &gen_export_bedrock,       &gen_export_text,
    &gen_export_jsonl,         &gen_export_xlam,
    &gen_export_functiongemma, NULL,
};

int main(int argc, char **argv)
{
    const struct gen_drivers drivers = {providers, gen_corpus_drivers, formats, &gen_ledger_sqlite};
    return gen_cli_main(&drivers, argc, argv);
}
