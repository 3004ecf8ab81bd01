#include "conf/option.h"

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

const struct gen_command_info gen_commands[GEN_N_COMMANDS] = {
    [GEN_CMD_LIST_PROVIDERS] =
        {.id = GEN_CMD_LIST_PROVIDERS,
         .name = "list-providers",
         .help = "List the providers, what each needs, and which are ready",
         .manual = "Shows every provider with how to set it up, whether its key or program is "
                   "there, and which one the configuration chooses.",
         .examples = LINES("generator list-providers")},
    [GEN_CMD_GENERATE] =
        {.id = GEN_CMD_GENERATE,
         .name = "generate",
         .argument = "LANCEDB_PATH",
         .help = "Generate question-answer pairs from document chunks",
         .manual =
             "Reads chunks from a LanceDB database, a JSON Lines file, or a file or folder of "
             "Markdown and text, and asks a model for questions that each chunk answers, with the "
             "answers (instruction backtranslation, arXiv:2308.06259).\n"
             "The output is an array of objects with question, answer, chunk_id and source.",
         .examples = LINES("generator generate docs.lancedb -o qa.json --target-pairs 300",
                           "generator generate docs.lancedb -o qa.json --table text_chunks "
                           "--table code_chunks",
                           "generator generate docs.lancedb -o trial.json --max-chunks 10 "
                           "--provider extractive")},
    [GEN_CMD_ENRICH] =
        {.id = GEN_CMD_ENRICH,
         .name = "enrich",
         .argument = "INPUT",
         .help = "Rewrite answers so that they are clearer, without adding facts",
         .manual = "Reads pairs, asks a model to rewrite each answer for clarity and structure "
                   "(response rewriting, arXiv:2408.04614), and adds enrichment_changes and "
                   "original_answer. With --corpus the model sees the source of the pair.",
         .examples = LINES("generator enrich qa.json -o enriched.json --corpus docs.lancedb",
                           "generator enrich qa.json -o enriched.json --batch-size 10 "
                           "--provider ollama")},
    [GEN_CMD_CURATE] =
        {.id = GEN_CMD_CURATE,
         .name = "curate",
         .argument = "INPUT",
         .help = "Rate pairs with a judge and keep the good ones",
         .manual = "A judge answers questions about each pair; the ratings are counted from its "
                   "answers: clarity (0-3), accuracy (0-3), usefulness (0-2), difficulty (0-2), "
                   "together 0-10. Pairs at or over --threshold are kept.\n"
                   "Also written: <stem>_all_rated.json, <stem>_metrics.json and "
                   "<stem>_distribution.json.",
         .examples = LINES("generator curate enriched.json -o curated.json --threshold 8",
                           "generator curate qa.json -o hdf5.json --corpus docs.lancedb "
                           "--topic HDF5")},
    [GEN_CMD_EXPORT] =
        {.id = GEN_CMD_EXPORT,
         .name = "export",
         .argument = "INPUT",
         .help = "Convert pairs to a training format",
         .manual = "Needs no model. Every record is checked against what trainers accept for the "
                   "format; what does not fit is counted and named.",
         .examples = LINES("generator export curated.json -o training.jsonl -f chatml",
                           "generator export curated.json -o training.json -f alpaca",
                           "generator export curated.json -o - -f sharegpt")},
    [GEN_CMD_PIPELINE] =
        {.id = GEN_CMD_PIPELINE,
         .name = "pipeline",
         .argument = "LANCEDB_PATH",
         .help = "Generate, enrich, curate and export in one run",
         .manual = "Chunks flow through all four steps at the same time, so that the endpoint is "
                   "never idle between them. A run that was interrupted goes on where it was when "
                   "the same command is given again.",
         .examples = LINES("generator pipeline docs.lancedb -o training.jsonl",
                           "generator pipeline docs.lancedb -o trial.jsonl --max-chunks 10 "
                           "--skip-enrichment",
                           "generator pipeline docs.lancedb -o training.json -f alpaca "
                           "--threshold 8")},
    [GEN_CMD_STATUS] =
        {.id = GEN_CMD_STATUS,
         .name = "status",
         .argument = "LEDGER",
         .help = "Show the runs of a ledger: calls by class, tokens, cost",
         .manual = "Reads a ledger, also while a run is writing to it, and shows each run with "
                   "what it asked, what it found already paid for, what failed and what it cost.",
         .examples =
             LINES("generator status training.ledger", "generator status training.ledger --json")},
    [GEN_CMD_BATCHES] =
        {.id = GEN_CMD_BATCHES,
         .name = "batches",
         .argument = "LEDGER",
         .help = "List the batches of a ledger, or cancel them",
         .manual = "Shows the batches that runs with --batch have submitted, asks the provider how "
                   "far they are, and cancels them when told to. What a canceled batch has already "
                   "answered is still collected by the next run.",
         .examples =
             LINES("generator batches qa.ledger", "generator batches qa.ledger --cancel all")},
    [GEN_CMD_DOCTOR] =
        {.id = GEN_CMD_DOCTOR,
         .name = "doctor",
         .help = "Check configuration, prompts, ledger, corpus, endpoint, key and model",
         .manual = "One line for each thing that a run needs: what was found, and what to do when "
                   "it is not right. It sends at most a few small requests to the endpoint. Exits "
                   "with 0 when a run can start, with 5 when the endpoint cannot be used, with 2 "
                   "for anything else.",
         .examples = LINES("generator doctor", "generator doctor --provider openai --model gpt-4o "
                                               "--corpus docs.lancedb")},
};
