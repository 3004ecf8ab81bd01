/* The words that the rules of the extractive provider know. Each list is sorted: it is searched by
 * halving. */
#include "llm/provider/extractive_int.h"

#include <stdlib.h>

#define WORD_MAX 40

static const char *const verbs[] = {
    "abort",       "accept",    "access",      "achieve",     "act",        "add",
    "adopt",       "advance",   "affect",      "agree",       "align",      "allocate",
    "allow",       "alter",     "amortise",    "analyse",     "answer",     "append",
    "apply",       "arrange",   "ask",         "assign",      "assume",     "attach",
    "attain",      "avoid",     "await",       "balance",     "become",     "begin",
    "behave",      "belong",    "benefit",     "bind",        "block",      "break",
    "bring",       "broadcast", "buffer",      "build",       "bypass",     "cache",
    "calculate",   "call",      "cancel",      "carry",       "cast",       "catch",
    "cause",       "change",    "charge",      "check",       "choose",     "claim",
    "clamp",       "clean",     "clear",       "close",       "coincide",   "collect",
    "combine",     "come",      "commit",      "compare",     "compete",    "compile",
    "complete",    "compress",  "compute",     "concatenate", "concern",    "conclude",
    "configure",   "confirm",   "conflict",    "connect",     "consist",    "construct",
    "consume",     "contain",   "continue",    "contribute",  "control",    "convert",
    "copy",        "correct",   "correspond",  "cost",        "count",      "cover",
    "crash",       "create",    "cross",       "cut",         "damage",     "deal",
    "decide",      "declare",   "decode",      "decompress",  "decrease",   "define",
    "delay",       "delete",    "deliver",     "demand",      "demote",     "depend",
    "deploy",      "derive",    "describe",    "deserve",     "design",     "destroy",
    "detect",      "determine", "deviate",     "differ",      "direct",     "disable",
    "disappear",   "discard",   "display",     "distinguish", "distribute", "divide",
    "document",    "dominate",  "drive",       "drop",        "dump",       "duplicate",
    "ease",        "eliminate", "emit",        "enable",      "encode",     "encourage",
    "end",         "enforce",   "ensure",      "enter",       "equal",      "erase",
    "establish",   "estimate",  "evaluate",    "evict",       "examine",    "exceed",
    "exchange",    "exclude",   "execute",     "exempt",      "exhaust",    "exist",
    "exit",        "expand",    "expect",      "expire",      "explain",    "exploit",
    "export",      "expose",    "express",     "extend",      "extract",    "fail",
    "fall",        "favour",    "fetch",       "fill",        "filter",     "find",
    "finish",      "fit",       "fix",         "flip",        "flush",      "follow",
    "force",       "forget",    "fork",        "form",        "format",     "forward",
    "free",        "gain",      "gather",      "generate",    "get",        "give",
    "go",          "govern",    "group",       "grow",        "guarantee",  "guard",
    "handle",      "hang",      "happen",      "have",        "help",       "hide",
    "hinder",      "hold",      "identify",    "ignore",      "implement",  "imply",
    "import",      "improve",   "include",     "increase",    "indicate",   "infer",
    "influence",   "inform",    "inherit",     "initialise",  "initialize", "insert",
    "inspect",     "install",   "instantiate", "integrate",   "intend",     "interact",
    "intercept",   "interpret", "introduce",   "invalidate",  "invoke",     "involve",
    "issue",       "iterate",   "join",        "jump",        "justify",    "keep",
    "know",        "label",     "lack",        "last",        "lead",       "leak",
    "learn",       "leave",     "let",         "lie",         "limit",      "link",
    "list",        "live",      "load",        "locate",      "lock",       "log",
    "look",        "lose",      "lower",       "maintain",    "make",       "manage",
    "map",         "mark",      "match",       "matter",      "mean",       "measure",
    "merge",       "migrate",   "minimise",    "minimize",    "mirror",     "miss",
    "modify",      "monitor",   "mount",       "move",        "name",       "need",
    "negotiate",   "normalise", "note",        "notice",      "notify",     "obey",
    "observe",     "obtain",    "occupy",      "occur",       "offer",      "omit",
    "open",        "operate",   "optimise",    "optimize",    "order",      "organise",
    "outweigh",    "overlap",   "override",    "overwrite",   "own",        "pack",
    "pad",         "parse",     "partition",   "pass",        "pause",      "pay",
    "perform",     "permit",    "persist",     "pick",        "place",      "play",
    "plot",        "point",     "poll",        "populate",    "possess",    "postpone",
    "prefer",      "prepare",   "present",     "preserve",    "press",      "prevent",
    "print",       "probe",     "proceed",     "process",     "produce",    "profile",
    "profit",      "prohibit",  "promise",     "promote",     "propagate",  "protect",
    "prove",       "provide",   "publish",     "pull",        "push",       "put",
    "query",       "queue",     "raise",       "rank",        "reach",      "react",
    "read",        "rebuild",   "receive",     "recommend",   "record",     "recover",
    "recreate",    "redirect",  "reduce",      "refer",       "reflect",    "refresh",
    "refuse",      "register",  "regroup",     "reject",      "relate",     "release",
    "rely",        "remain",    "remember",    "remove",      "rename",     "repack",
    "repeat",      "replace",   "reply",       "report",      "represent",  "reproduce",
    "request",     "require",   "rescue",      "reserve",     "reset",      "resize",
    "resolve",     "respect",   "respond",     "rest",        "restart",    "restore",
    "restrict",    "result",    "resume",      "retain",      "retrieve",   "return",
    "reuse",       "reveal",    "reverse",     "revert",      "rewrite",    "rise",
    "rotate",      "round",     "route",       "run",         "sacrifice",  "salvage",
    "satisfy",     "save",      "say",         "scale",       "scan",       "schedule",
    "scrub",       "search",    "see",         "seek",        "select",     "send",
    "separate",    "serialise", "serialize",   "serve",       "set",        "share",
    "ship",        "shorten",   "show",        "shrink",      "shuffle",    "shut",
    "signal",      "simplify",  "simulate",    "size",        "skip",       "slow",
    "solve",       "sort",      "span",        "spawn",       "specify",    "speed",
    "spell",       "spend",     "split",       "spread",      "stage",      "stall",
    "stand",       "start",     "state",       "stay",        "steal",      "stop",
    "store",       "stream",    "strip",       "stripe",      "submit",     "subtract",
    "succeed",     "suffice",   "suggest",     "suit",        "summarise",  "supply",
    "support",     "suppress",  "survive",     "suspend",     "switch",     "synchronise",
    "synchronize", "take",      "talk",        "target",      "teach",      "tell",
    "terminate",   "test",      "tie",         "tolerate",    "touch",      "trace",
    "track",       "transfer",  "transform",   "translate",   "transmit",   "transport",
    "traverse",    "treat",     "trigger",     "truncate",    "trust",      "try",
    "tune",        "turn",      "uncover",     "understand",  "undo",       "unify",
    "unlock",      "unpack",    "update",      "upgrade",     "use",        "utilise",
    "validate",    "vary",      "verify",      "view",        "violate",    "visit",
    "wait",        "walk",      "want",        "warn",        "waste",      "weigh",
    "wipe",        "work",      "wrap",        "write",       "yield",
};

static const char *const nouns[] = {
    "access",   "benefit",   "block",   "buffer", "cache",   "call",     "change",   "charge",
    "check",    "copy",      "cost",    "count",  "cut",     "decrease", "demand",   "design",
    "display",  "document",  "drive",   "drop",   "dump",    "end",      "exchange", "exit",
    "fall",     "filter",    "form",    "format", "gain",    "group",    "guard",    "hold",
    "increase", "influence", "issue",   "label",  "last",    "lead",     "limit",    "link",
    "list",     "load",      "lock",    "log",    "look",    "map",      "mark",     "match",
    "name",     "need",      "note",    "notice", "offer",   "open",     "order",    "own",
    "pass",     "place",     "play",    "point",  "poll",    "press",    "process",  "profile",
    "promise",  "pull",      "push",    "query",  "queue",   "read",     "record",   "release",
    "reply",    "report",    "request", "rest",   "restart", "result",   "return",   "reuse",
    "rise",     "round",     "route",   "run",    "scale",   "scan",     "search",   "set",
    "share",    "ship",      "signal",  "span",   "split",   "spread",   "stage",    "stand",
    "start",    "state",     "stop",    "store",  "stream",  "strip",    "stripe",   "supply",
    "support",  "switch",    "target",  "test",   "tie",     "touch",    "trace",    "track",
    "transfer", "transport", "trust",   "try",    "turn",    "update",   "upgrade",  "use",
    "view",     "visit",     "wait",    "walk",   "want",    "waste",    "work",     "wrap",
    "write",    "yield",
};

static const char *const participles[] = {
    "begun",   "bound",  "broken",     "brought", "built",       "called", "cast",   "caught",
    "chosen",  "cut",    "done",       "drawn",   "driven",      "fallen", "felt",   "found",
    "given",   "gone",   "grown",      "held",    "hidden",      "kept",   "known",  "laid",
    "lost",    "made",   "meant",      "met",     "overwritten", "paid",   "put",    "read",
    "rebuilt", "reset",  "rewritten",  "risen",   "run",         "said",   "seen",   "sent",
    "set",     "shared", "shown",      "shrunk",  "spent",       "split",  "spread", "taken",
    "thrown",  "told",   "understood", "won",     "written",
};

static const char *const determiners[] = {
    "a",    "all",  "an", "any", "each",    "every", "few", "her",   "his",  "its",
    "many", "most", "no", "our", "several", "some",  "the", "their", "your",
};

static const char *const prepositions[] = {
    "about",  "above",   "across",  "after",   "against", "along",  "among",   "around",
    "as",     "at",      "before",  "below",   "beneath", "beside", "between", "beyond",
    "by",     "despite", "down",    "during",  "except",  "for",    "from",    "in",
    "inside", "instead", "into",    "like",    "near",    "of",     "off",     "on",
    "onto",   "out",     "outside", "over",    "per",     "since",  "through", "throughout",
    "till",   "to",      "toward",  "towards", "under",   "unlike", "until",   "up",
    "upon",   "via",     "with",    "within",  "without",
};

static const char *const adverbs[] = {
    "actually",   "additionally", "afterwards",  "all",           "almost",     "alone",
    "already",    "also",         "always",      "automatically", "both",       "commonly",
    "currently",  "directly",     "effectively", "even",          "explicitly", "first",
    "frequently", "generally",    "hardly",      "hence",         "implicitly", "instead",
    "internally", "itself",       "just",        "largely",       "mainly",     "merely",
    "mostly",     "nearly",       "never",       "normally",      "not",        "now",
    "officially", "often",        "only",        "otherwise",     "rarely",     "roughly",
    "seldom",     "silently",     "simply",      "sometimes",     "soon",       "still",
    "themselves", "then",         "therefore",   "thus",          "together",   "too",
    "typically",  "usually",
};

static const char *const anaphors[] = {
    "above",   "aforementioned", "below",  "else",     "former",    "he",
    "her",     "here",           "him",    "his",      "instead",   "it",
    "its",     "itself",         "latter", "likewise", "otherwise", "same",
    "she",     "such",           "their",  "theirs",   "them",      "themselves",
    "thereby", "therein",        "these",  "they",     "this",      "those",
};

static const char *const adjectives[] = {
    "able",       "bad",       "best",       "better",     "big",         "cheap",    "clear",
    "collective", "common",    "contiguous", "correct",    "different",   "easy",     "enough",
    "essential",  "expensive", "external",   "false",      "fast",        "few",      "final",
    "flat",       "free",      "full",       "general",    "good",        "great",    "half",
    "hard",       "high",      "important",  "impossible", "independent", "internal", "large",
    "last",       "late",      "little",     "local",      "long",        "low",      "main",
    "many",       "more",      "most",       "necessary",  "new",         "next",     "old",
    "only",       "open",      "other",      "own",        "parallel",    "plain",    "possible",
    "present",    "random",    "ready",      "real",       "right",       "safe",     "same",
    "separate",   "serial",    "several",    "short",      "simple",      "single",   "slow",
    "small",      "smaller",   "special",    "sufficient", "suitable",    "sure",     "third",
    "total",      "true",      "typical",    "undefined",  "unique",      "useful",   "valid",
    "whole",      "wide",      "worth",      "wrong",      "young",
};

static const struct irregular {
    const char *past, *base;
} irregulars[] = {
    {"became", "become"}, {"began", "begin"},  {"brought", "bring"}, {"built", "build"},
    {"came", "come"},     {"chose", "choose"}, {"fell", "fall"},     {"found", "find"},
    {"gave", "give"},     {"got", "get"},      {"grew", "grow"},     {"held", "hold"},
    {"kept", "keep"},     {"knew", "know"},    {"led", "lead"},      {"left", "leave"},
    {"lost", "lose"},     {"made", "make"},    {"meant", "mean"},    {"paid", "pay"},
    {"ran", "run"},       {"rose", "rise"},    {"said", "say"},      {"saw", "see"},
    {"sent", "send"},     {"showed", "show"},  {"shrank", "shrink"}, {"sought", "seek"},
    {"spent", "spend"},   {"stood", "stand"},  {"told", "tell"},     {"took", "take"},
    {"went", "go"},       {"wrote", "write"},
};

/* Lower-case copy in `out`; false for what is longer than any word of the lists. */
static bool fold(struct gen_str word, char out[WORD_MAX])
{
    if (word.n == 0 || word.n >= WORD_MAX)
        return false;
    for (size_t i = 0; i < word.n; i++) {
        char c = word.p[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    out[word.n] = '\0';
    return true;
}

static int compare(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

static const char *find(const char *word, const char *const *list, size_t n)
{
    const char *const *hit = bsearch(word, list, n, sizeof(*list), compare);
    return hit ? *hit : NULL;
}

#define FIND(word, list) find((word), (list), sizeof(list) / sizeof((list)[0]))

bool gen_extract_word_is(struct gen_str word, enum gen_extract_word_class c)
{
    char w[WORD_MAX];
    if (!fold(word, w))
        return false;
    switch (c) {
    case GEN_EXTRACT_DETERMINER:
        return FIND(w, determiners);
    case GEN_EXTRACT_PREPOSITION:
        return FIND(w, prepositions);
    case GEN_EXTRACT_ADVERB:
        return FIND(w, adverbs);
    case GEN_EXTRACT_ANAPHOR:
        return FIND(w, anaphors);
    case GEN_EXTRACT_ADJECTIVE:
        return FIND(w, adjectives);
    case GEN_EXTRACT_NOUN_OR_VERB:
        return FIND(w, nouns);
    case GEN_EXTRACT_PARTICIPLE:
        return FIND(w, participles) || gen_extract_verb(word).form == GEN_EXTRACT_VERB_ED;
    }
    return false;
}

static const char *stem(const char *w, size_t n, size_t cut, const char *add)
{
    char base[WORD_MAX + 4];
    if (n <= cut + 1)
        return NULL;
    memcpy(base, w, n - cut);
    size_t added = strlen(add);
    memcpy(base + n - cut, add, added + 1);
    return FIND(base, verbs);
}

static bool ends(const char *w, size_t n, const char *suffix)
{
    size_t m = strlen(suffix);
    return n > m && memcmp(w + n - m, suffix, m) == 0;
}

/* "stopped" and "stopping": the consonant was doubled. */
static const char *undouble(const char *w, size_t n, size_t cut)
{
    return n > cut + 2 && w[n - cut - 1] == w[n - cut - 2] ? stem(w, n, cut + 1, "") : NULL;
}

static const char *stem_s(const char *w, size_t n)
{
    const char *base = stem(w, n, 1, "");
    if (!base && ends(w, n, "es"))
        base = stem(w, n, 2, "");
    if (!base && ends(w, n, "ies"))
        base = stem(w, n, 3, "y");
    return base;
}

static const char *stem_suffix(const char *w, size_t n, size_t cut)
{
    const char *base = stem(w, n, cut, "e");
    if (!base)
        base = stem(w, n, cut, "");
    if (!base)
        base = undouble(w, n, cut);
    if (!base && w[n - cut - 1] == 'i')
        base = stem(w, n, cut + 1, "y");
    return base;
}

struct gen_extract_verb gen_extract_verb(struct gen_str word)
{
    struct gen_extract_verb v = {GEN_EXTRACT_VERB_NONE, NULL};
    char w[WORD_MAX];
    if (!fold(word, w))
        return v;
    size_t n = word.n;
    if ((v.base = FIND(w, verbs)) != NULL) {
        v.form = GEN_EXTRACT_VERB_BASE;
    } else if (ends(w, n, "s") && (v.base = stem_s(w, n)) != NULL) {
        v.form = GEN_EXTRACT_VERB_S;
    } else if (ends(w, n, "ed") && (v.base = stem_suffix(w, n, 2)) != NULL) {
        v.form = GEN_EXTRACT_VERB_ED;
    } else if (ends(w, n, "ing") && (v.base = stem_suffix(w, n, 3)) != NULL) {
        v.form = GEN_EXTRACT_VERB_ING;
    } else {
        const struct irregular *hit =
            bsearch(w, irregulars, sizeof(irregulars) / sizeof(irregulars[0]),
                    sizeof(irregulars[0]), compare);
        if (hit)
            v = (struct gen_extract_verb){GEN_EXTRACT_VERB_ED, hit->base};
    }
    return v;
}

void gen_extract_sort(size_t *indices, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k > 0 && indices[k] < indices[k - 1]; k--) {
            size_t swap = indices[k];
            indices[k] = indices[k - 1];
            indices[k - 1] = swap;
        }
    }
}
