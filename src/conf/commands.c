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
    [GEN_CMD_GENERATE_COT] =
        {.id = GEN_CMD_GENERATE_COT,
         .name = "generate-cot",
         .argument = "LANCEDB_PATH",
         .help = "Generate questions with step-by-step reasoning and answers",
         .manual = "As generate, but each question needs at least two facts of its chunk, and the "
                   "record carries the numbered steps from them to the answer in reasoning. A "
                   "chunk that holds nothing to reason about gives nothing, and the account says "
                   "so.",
         .examples = LINES("generator generate-cot docs.lancedb -o cot.json --target-pairs 100",
                           "generator generate-cot docs.lancedb -o cot.json --max-chunks 10 "
                           "--topic HDF5")},
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
    [GEN_CMD_ENHANCE_COT] =
        {.id = GEN_CMD_ENHANCE_COT,
         .name = "enhance-cot",
         .argument = "INPUT",
         .help = "Add step-by-step reasoning to existing pairs",
         .manual = "Question, answer and every other field stay as they are; reasoning is added. "
                   "The model first reasons from the source and the question without seeing the "
                   "answer; only when it ends elsewhere is it shown the answer, and the record "
                   "says so (cot_mode: hinted). A pair whose answer the reasoning still "
                   "contradicts is a failure, not a record without reasoning. Records that have "
                   "reasoning go on as they are. A judge's words in reasoning move to "
                   "rating_reasoning.",
         .examples = LINES("generator enhance-cot qa.json -o cot.json --corpus docs.lancedb",
                           "generator enhance-cot qa.json -o cot.json --batch-size 1 "
                           "--reasoning model")},
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
    [GEN_CMD_DEDUP] =
        {.id = GEN_CMD_DEDUP,
         .name = "dedup",
         .argument = "INPUT",
         .help = "Remove exact and near duplicates, and rows known from benchmarks",
         .manual = "Needs no model. Texts are compared without case and sentence punctuation "
                   "(operators count: C++ is not C#), then by the Jaccard similarity of their "
                   "three-word sequences (candidates by MinHash). What is removed goes to "
                   "<stem>_removed.jsonl with the row it repeats, or the benchmark's row and the "
                   "words in common; rows that are no pairs go there too. With --keep best every "
                   "removed row repeats one that is rated no worse.",
         .examples = LINES("generator dedup qa.json -o unique.json",
                           "generator dedup qa.jsonl -o clean.jsonl --similarity 0.8 --keep best "
                           "--decontaminate gsm8k_test.jsonl")},
    [GEN_CMD_COMPARE] =
        {.id = GEN_CMD_COMPARE,
         .name = "compare",
         .argument = "DATASET...",
         .n_arguments_max = 64, /* side files among them are left out */
         .help = "Compare sets of pairs: metrics, a judged sample, a recommendation",
         .manual = "Metrics are computed here over all rows; a seeded sample of each set is judged "
                   "as curate does, blind to the set it comes from. The program decides, from the "
                   "judged means with their intervals, grounding, duplicates and size; the model "
                   "explains. -o is the report in JSON, the table goes to the terminal.",
         .examples = LINES("generator compare qa_v1.json qa_v2.json -o comparison.json",
                           "generator compare a.json b.json -o c.json --sample-size 0")},
    [GEN_CMD_STATS] =
        {.id = GEN_CMD_STATS,
         .name = "stats",
         .argument = "DATASET",
         .help = "Measure a dataset: lengths, duplicates, diversity, ratings, grounding",
         .manual = "Needs no model. Each figure that crosses a limit is marked, with what it "
                   "means.",
         .examples = LINES("generator stats curated.json", "generator stats qa.jsonl --json")},
    [GEN_CMD_EXPORT] =
        {.id = GEN_CMD_EXPORT,
         .name = "export",
         .argument = "INPUT",
         .help = "Convert pairs to a training format",
         .manual = "Needs no model. Every record is checked against what trainers accept for the "
                   "format; what does not fit is counted and named.",
         .examples = LINES(
             "generator export curated.json -o training.jsonl -f chatml",
             "generator export curated.json -o training.json -f alpaca",
             "generator export curated.json -o dataset --card --split train=0.95,validation=0.05",
             "generator export curated.json -o - -f sharegpt")},
    [GEN_CMD_CHECK] =
        {.id = GEN_CMD_CHECK,
         .name = "check",
         .argument = "FILE...",
         .n_arguments_max = 1024,
         .help = "Check a training file against the rules of those who read it",
         .manual = "Reads every row as the consumer would and names the row and the reason where "
                   "it would be refused, dropped or read as something else. FILE is JSON Lines, a "
                   "JSON array, - for standard input, or a folder: the .jsonl files of its data/, "
                   "or, without one, of the folder and all below it. Without --for all "
                   "consumers are asked and shown in a table; those who want another form are no "
                   "error then. Exits with 3 when something is wrong, with 2 when a file cannot be "
                   "read at all.",
         .examples =
             LINES("generator check training.jsonl --for trl", "generator check training.jsonl")},
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
    [GEN_CMD_REPORT] =
        {.id = GEN_CMD_REPORT,
         .name = "report",
         .argument = "DATASET",
         .help = "Write a page with plots and a searchable table of a dataset",
         .manual = "One HTML file that needs no network: ratings, criteria, retention by stage and "
                   "source, lengths, duplicates, tokens and cost over time, failures by class, and "
                   "every row with its source chunk. It reads the files beside the dataset "
                   "(<stem>_summary.json, <stem>_all_rated.json, <stem>_failures.jsonl, "
                   "<stem>_removed.jsonl) and the ledger, as far as they are there.",
         .examples = LINES("generator report curated.json -o report.html")},
    [GEN_CMD_TOOL_PARSE] =
        {.id = GEN_CMD_TOOL_PARSE,
         .name = "tool-parse",
         .argument = "TOOLS",
         .argument_is_optional = true,
         .help = "Read tool definitions of any shape, check them, show or convert them",
         .manual = "Reads generator's own form, OpenAI (chat and Responses), Anthropic, MCP's "
                   "tools/list, OpenAPI 3.0 and 3.1, Swagger 2 and BFCL, as JSON or YAML, or asks "
                   "an MCP server (--mcp, --mcp-url). Schemas are kept as they are; what no call "
                   "can be checked against is named. With -o the tools are written in the own "
                   "form.",
         .examples = LINES("generator tool-parse configs/hdf5_tools.json",
                           "generator tool-parse openapi.yaml -o tools.json",
                           "generator tool-parse --mcp 'mcp-server-filesystem /tmp' -o fs.json")},
    [GEN_CMD_TOOL_GENERATE] =
        {.id = GEN_CMD_TOOL_GENERATE,
         .name = "tool-generate",
         .argument = "TOOLS",
         .argument_is_optional = true,
         .help = "Generate requests and calls of tools from tool definitions",
         .manual =
             "The program draws what each example is about: which tools are called, with which "
             "values, which are shown beside them. A model writes the request and plans the "
             "calls; a plan that does not come to the calls that were drawn is left out, and "
             "every call is checked against its schema. TOOLS is any file that tool-parse reads; "
             "without it the tools are those of --mcp or --mcp-url.\n"
             "When the tools can be executed, values come from calls that really ran. The calls of "
             "the examples themselves are carried out by tool-execute, or all at once by "
             "tool-pipeline.",
         .examples =
             LINES("generator tool-generate configs/hdf5_tools.json -o examples.json",
                   "generator tool-generate configs/hdf5_tools.json -o simple.json --single-step",
                   "generator tool-generate configs/hdf5_tools.json -o complex.json --multi-step "
                   "--max-steps 4",
                   "generator tool-generate configs/hdf5_tools.json -o mixed.json "
                   "--mix single=.5,chain=.3,irrelevance=.2")},
    [GEN_CMD_TOOL_EXECUTE] =
        {.id = GEN_CMD_TOOL_EXECUTE,
         .name = "tool-execute",
         .argument = "INPUT",
         .help = "Carry out the calls of examples and write the answers from the results",
         .manual = "Each example gets a server of its own, so that none sees what another has "
                   "changed. A failed call is an observation like any other; whether it failed is "
                   "what the server says. The final answer is written from the observations. "
                   "Nothing is simulated unless --mode simulated asks for it, and then every "
                   "record says so.",
         .examples = LINES("generator tool-execute examples.json -o executed.json --tools "
                           "configs/hdf5_tools.json",
                           "generator tool-execute examples.json -o executed.json --tools "
                           "configs/hdf5_tools.json --agent --record calls.jsonl")},
    [GEN_CMD_TOOL_CURATE] =
        {.id = GEN_CMD_TOOL_CURATE,
         .name = "tool-curate",
         .argument = "INPUT",
         .help = "Check examples of tool use rung by rung, rate them, keep the good ones",
         .manual = "The verification ladder needs no model: parse, schema, references, provenance "
                   "of every argument, execution, dependence of the answer on the results. What "
                   "has not been executed is judged without the last two. Then a judge answers "
                   "questions about each example, and the rating is counted from its answers: tool "
                   "selection, parameter correctness, reasoning, use of the results, together "
                   "0-10.\n"
                   "Also written: <stem>_all_rated.json, <stem>_metrics.json (counts per rung, "
                   "coverage of tools and parameters) and <stem>_distribution.json.",
         .examples = LINES("generator tool-curate executed.json -o curated.json",
                           "generator tool-curate executed.json -o best.json --threshold 8 "
                           "--balance")},
    [GEN_CMD_TOOL_PIPELINE] =
        {.id = GEN_CMD_TOOL_PIPELINE,
         .name = "tool-pipeline",
         .argument = "TOOLS",
         .argument_is_optional = true,
         .help = "Generate, execute, curate and export examples of tool use in one run",
         .manual = "What tool-generate, tool-execute, tool-curate and export do, one example "
                   "behind the other at the same time. Without a server nothing is executed, and "
                   "the account says so. A run that was interrupted goes on where it was when the "
                   "same command is given again.",
         .examples =
             LINES("generator tool-pipeline configs/hdf5_tools.json -o training.jsonl",
                   "generator tool-pipeline configs/hdf5_tools.json -o draft.json --skip-curation",
                   "generator tool-pipeline configs/hdf5_tools.json -o complex.json --multi-step "
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
