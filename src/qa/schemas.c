#include "qa/common.h"

/* Field order is generation order: material first, then the text, then decisions. */

#define KEY(name)          "\"" name "\""
#define STRING(name)       KEY(name) ":{\"type\":\"string\"}"
#define BOOLEAN(name)      KEY(name) ":{\"type\":\"boolean\"}"
#define CHOICE(values)     "{\"type\":\"string\",\"enum\":[" values "]}"
#define LIST(n_max, items) "{\"type\":\"array\",\"maxItems\":" n_max ",\"items\":" items "}"
#define OBJECT(required, properties)                                                               \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[" required                  \
    "],\"properties\":{" properties "}}"

/* The layout shows the nesting. */
/* clang-format off */

const char gen_qa_schema_text_pairs[] = OBJECT(
    KEY("usable") "," KEY("pairs"),
    KEY("usable") ":" CHOICE(
        KEY("yes") "," KEY("boilerplate") "," KEY("index_or_links") "," KEY("too_thin") ","
        KEY("garbled") "," KEY("needs_other_text")) ","
    KEY("pairs") ":" LIST("24", OBJECT(
        KEY("kind") "," KEY("evidence") "," KEY("question") "," KEY("answer"),
        KEY("kind") ":" CHOICE(
            KEY("fact") "," KEY("definition") "," KEY("how_to") "," KEY("why") ","
            KEY("condition_or_limit") "," KEY("comparison") "," KEY("consequence") ","
            KEY("example") "," KEY("troubleshooting") "," KEY("overview")) ","
        STRING("evidence") "," STRING("question") "," STRING("answer"))));

const char gen_qa_schema_code_pairs[] = OBJECT(
    KEY("usable") "," KEY("pairs"),
    KEY("usable") ":" CHOICE(
        KEY("yes") "," KEY("only_imports_or_licence") "," KEY("generated_or_data") ","
        KEY("too_thin") "," KEY("garbled") "," KEY("needs_other_file")) ","
    KEY("pairs") ":" LIST("24", OBJECT(
        KEY("kind") "," KEY("symbol") "," KEY("evidence") "," KEY("question") "," KEY("answer"),
        KEY("kind") ":" CHOICE(
            KEY("purpose") "," KEY("usage") "," KEY("parameters") "," KEY("return_value") ","
            KEY("error_behaviour") "," KEY("edge_case") "," KEY("data_flow") ","
            KEY("design_reason") "," KEY("performance") "," KEY("modification")) ","
        STRING("symbol") "," STRING("evidence") "," STRING("question") "," STRING("answer"))));

#define STRINGS(name, n_max) KEY(name) ":" LIST(n_max, "{\"type\":\"string\"}")
#define COT_PAIRS(usable)                                                                          \
    OBJECT(KEY("usable") "," KEY("pairs"),                                                         \
           KEY("usable") ":" CHOICE(usable) ","                                                    \
           KEY("pairs") ":" LIST("24", OBJECT(                                                     \
               KEY("pattern") "," KEY("evidence") "," KEY("question") "," KEY("steps") ","         \
               KEY("answer"),                                                                      \
               KEY("pattern") ":" CHOICE(                                                          \
                   KEY("cause_effect") "," KEY("compare") "," KEY("procedure_choice") ","          \
                   KEY("constraint_check") "," KEY("calculation") "," KEY("diagnosis") ","         \
                   KEY("trade_off") "," KEY("trace_code")) ","                                     \
               STRINGS("evidence", "6") "," STRING("question") "," STRINGS("steps", "12") ","      \
               STRING("answer"))))

const char gen_qa_schema_cot_pairs[] = COT_PAIRS(
    KEY("yes") "," KEY("no_reasoning_possible") "," KEY("boilerplate") "," KEY("too_thin") ","
    KEY("garbled"));

const char gen_qa_schema_code_cot_pairs[] = COT_PAIRS(
    KEY("yes") "," KEY("no_reasoning_possible") "," KEY("only_imports_or_licence") ","
    KEY("generated_or_data") "," KEY("too_thin") "," KEY("garbled") "," KEY("needs_other_file"));

const char gen_qa_schema_enhancement[] = OBJECT(
    KEY("items"),
    KEY("items") ":" LIST("64", OBJECT(
        KEY("id") "," KEY("needed_facts") "," KEY("skeleton") "," KEY("steps") ","
        KEY("conclusion") "," KEY("answer_check"),
        STRING("id") "," STRINGS("needed_facts", "8") ","
        KEY("skeleton") ":" LIST("12", CHOICE(
            KEY("define_terms") "," KEY("recall_fact") "," KEY("apply_rule") ","
            KEY("compare_options") "," KEY("check_condition") "," KEY("compute") ","
            KEY("trace_execution") "," KEY("rule_out") "," KEY("conclude"))) ","
        STRINGS("steps", "12") "," STRING("conclusion") ","
        KEY("answer_check") ":" CHOICE(
            KEY("not_shown") "," KEY("agrees") "," KEY("contradicts")))));

const char gen_qa_schema_conclusion[] = OBJECT(
    KEY("conclusion"),
    STRING("conclusion"));

const char gen_qa_schema_enrichment[] = OBJECT(
    KEY("items"),
    KEY("items") ":" LIST("64", OBJECT(
        KEY("id") "," KEY("unsupported") "," KEY("missing") "," KEY("enriched_answer") ","
        KEY("changes"),
        STRING("id") ","
        KEY("unsupported") ":" LIST("8", "{\"type\":\"string\"}") ","
        KEY("missing") ":" LIST("8", "{\"type\":\"string\"}") ","
        STRING("enriched_answer") ","
        KEY("changes") ":" LIST("10", CHOICE(
            KEY("none") "," KEY("removed_unsupported") "," KEY("corrected_fact") ","
            KEY("added_fact_from_source") "," KEY("added_condition") "," KEY("clearer_order") ","
            KEY("shorter") "," KEY("plain_words") "," KEY("format") "," KEY("grammar"))))));

#define CRITERIA(AS)                                                                               \
    AS("c1_stands_alone") "," AS("c2_single_clear_question") "," AS("c3_answer_direct_readable")   \
    "," AS("a1_no_contradiction") "," AS("a2_every_claim_supported")                               \
    "," AS("a3_complete_for_question") "," AS("u1_someone_would_ask") "," AS("u2_worth_learning")  \
    "," AS("d1_more_than_one_phrase") "," AS("d2_combines_or_explains") "," AS("topic_relevant")

const char gen_qa_schema_rating[] = OBJECT(
    KEY("verdicts"),
    KEY("verdicts") ":" LIST("64", OBJECT(
        KEY("id") "," KEY("echo") "," KEY("evidence") "," KEY("weakest_point") "," CRITERIA(KEY),
        STRING("id") "," STRING("echo") "," STRING("evidence") "," STRING("weakest_point") ","
        CRITERIA(BOOLEAN))));

/* clang-format on */
