/* Requests for blueprints: the calls in words (extractive_tool_phrase.c), framed in the style that
 * the program drew. */
#include "base/hash.h"
#include "llm/provider/extractive_tool_phrase.h"

#include <stdio.h>

#define N_OF(list) (sizeof(list) / sizeof((list)[0]))

struct composer {
    struct gen_extract *x;
    const struct gen_json *record, *blueprint;
    struct gen_str category, style, context;
    uint64_t draw;
    struct gen_extract_line order;  /* "get the shape of ..." */
    struct gen_extract_line text;   /* the instruction */
    struct gen_extract_line object; /* "the HDF5 file simulation.h5": what a chain works on */
};

static size_t draw(struct composer *c, size_t n)
{
    c->draw = gen_hash_mix(c->draw + UINT64_C(0x9E3779B97F4A7C15));
    return (size_t)(c->draw % n);
}

/* ---- frames ---- */

/* "%" stands for the order, "^" for the order with a capital. */
static const char *const terse[] = {"^.", "Just %.", "^, nothing more.", "^ for me.",
                                    "Only this: %."};
static const char *const polite[] = {
    "Please %.",           "Could you please %? Thank you.",      "Would you be so kind as to %?",
    "^, please.",          "I would be grateful if you could %.", "Please % for me. Many thanks.",
    "May I ask you to %?", "It would be very kind of you to %."};
static const char *const question[] = {"Can you %?",         "Could you % for me?",
                                       "Would you %?",       "Is it possible to %?",
                                       "Are you able to %?", "Can you % for me?"};
static const char *const situation[] = {"I am preparing a report.",
                                        "We are checking our data before the review.",
                                        "I have just taken this over from a colleague.",
                                        "My supervisor asked about this today.",
                                        "We are comparing two versions of our work.",
                                        "I am cleaning up before the weekend.",
                                        "This is for the meeting in an hour.",
                                        "I am new here and still finding my way.",
                                        "Something looked odd in yesterday's run.",
                                        "We are writing the documentation."};
static const char *const after_situation[] = {"Please %.", "^.", "Could you %?", "I need you to %.",
                                              "So please %."};
static const char *const goal[] = {
    "I want to %.",       "I need to %.",  "What I need is to %.",   "The aim is to %.",
    "I would like to %.", "We have to %.", "It would help me to %.", "Our goal is to %."};
static const char *const informal[] = {"hey, can u %?",          "hi, pls %",
                                       "quick one: % pls",       "yo, %, thx",
                                       "could ya % real quick?", "hello! gotta % asap",
                                       "so uhm, can you % plz",  "hi there, need u to %, thx!"};
static const char *const shorthand[] = {"%",           "todo: %",  "need: %",
                                        "^, no prose", "% (asap)", "^; values only"};

static void put_frame(struct gen_extract_line *l, const char *frame, struct gen_str order)
{
    for (const char *p = frame; *p; p++) {
        if (*p == '%')
            gen_extract_put(l, order);
        else if (*p == '^')
            gen_extract_put_upper(l, order);
        else
            gen_extract_put(l, (struct gen_str){p, 1});
    }
}

static const char *frame_of(struct composer *c)
{
    static const struct {
        const char *style;
        const char *const *frames;
        size_t n;
    } rows[] = {
        {"terse_command", terse, N_OF(terse)},
        {"polite_sentence", polite, N_OF(polite)},
        {"question", question, N_OF(question)},
        {"context_then_request", after_situation, N_OF(after_situation)},
        {"goal_only", goal, N_OF(goal)},
        {"informal_with_typos", informal, N_OF(informal)},
        {"expert_shorthand", shorthand, N_OF(shorthand)},
    };
    size_t row = draw(c, N_OF(rows));
    for (size_t i = 0; i < N_OF(rows); i++) {
        if (gen_str_is(c->style, rows[i].style))
            row = i;
    }
    return rows[row].frames[draw(c, rows[row].n)];
}

/* What has been done before is always said: without it another call would come first. */
static void put_context(struct composer *c)
{
    static const char *const leads[] = {"", "As you know, ", "Note that ", "By now "};
    size_t lead = draw(c, N_OF(leads));
    if (c->context.n == 0)
        return;
    gen_extract_put_c(&c->text, leads[lead]);
    if (lead)
        gen_extract_put_lower(&c->text, c->context);
    else
        gen_extract_put_upper(&c->text, c->context);
    gen_extract_put_c(&c->text, gen_str_ends(c->context, GEN_STR(".")) ? " " : ". ");
}

/* What a chain works on, in front of what is wanted of it: "I have the HDF5 file simulation.h5
 * here." */
static void put_object(struct composer *c)
{
    static const char *const frames[] = {"This is about %.",       "I am looking at %.",
                                         "I am working with %.",   "My question is about %.",
                                         "We are working with %.", "Take %."};
    struct gen_str object = gen_extract_line_str(&c->object);
    if (object.n == 0)
        return;
    put_frame(&c->text, frames[draw(c, N_OF(frames))], object);
    gen_extract_put_c(&c->text, " ");
}

/* Another word for the verb that the order begins with. */
static void vary_verb(struct composer *c)
{
    static const char *const verbs[][4] = {
        {"get ", "find out ", "look up ", "retrieve "},
        {"list ", "enumerate ", "show ", "look up "},
        {"read ", "retrieve ", "fetch ", "show "},
        {"find ", "look for ", "search for ", "find "},
        {"compute ", "calculate ", "work out ", "compute "},
        {"return ", "get ", "retrieve ", "look up "},
        {"create ", "make ", "set up ", "create "},
        {"delete ", "remove ", "get rid of ", "delete "},
    };
    struct gen_str order = gen_extract_line_str(&c->order);
    size_t k = draw(c, 4);
    for (size_t i = 0; i < N_OF(verbs); i++) {
        struct gen_str verb = gen_str_from(verbs[i][0]);
        if (!gen_str_starts(order, verb))
            continue;
        gen_extract_line_clear(&c->text);
        gen_extract_put_c(&c->text, verbs[i][k]);
        gen_extract_put(&c->text, gen_str_sub(order, verb.n, order.n));
        c->order = c->text;
        return;
    }
}

static void compose(struct composer *c)
{
    vary_verb(c);
    gen_extract_line_clear(&c->text);
    put_context(c);
    put_object(c);
    if (c->object.n == 0 && gen_str_is(c->style, "context_then_request")) {
        gen_extract_put_c(&c->text, situation[draw(c, N_OF(situation))]);
        gen_extract_put_c(&c->text, " ");
    }
    put_frame(&c->text, frame_of(c), gen_extract_line_str(&c->order));
}

/* ---- several calls ---- */

/* The one argument in which `b` differs from `a`, or NULL: none, or several. */
static const struct gen_json *only_difference(const struct gen_json *a, const struct gen_json *b)
{
    struct gen_json_iter ia, ib;
    struct gen_str ka, kb;
    const struct gen_json *va, *vb;
    const struct gen_json *differs = NULL;
    if (gen_json_count(a) != gen_json_count(b))
        return NULL;
    gen_json_iter_init(&ia, a);
    gen_json_iter_init(&ib, b);
    while (gen_json_iter_next(&ia, &ka, &va) && gen_json_iter_next(&ib, &kb, &vb)) {
        if (!gen_str_eq(ka, kb))
            return NULL;
        if (gen_json_equal(va, vb))
            continue;
        if (differs || gen_json_type(va) == GEN_JSON_BOOL)
            return NULL;
        differs = vb;
    }
    return differs;
}

/* Whether some later call takes what call `step` (from 1) gives. */
static bool is_referred_to(const struct composer *c, int64_t step)
{
    struct gen_json_iter calls, args;
    struct gen_str key, pointer;
    const struct gen_json *call, *v;
    gen_json_iter_init(&calls, gen_json_get(c->blueprint, "calls"));
    while (gen_json_iter_next(&calls, &key, &call)) {
        gen_json_iter_init(&args, gen_json_get(call, "args"));
        while (gen_json_iter_next(&args, &key, &v)) {
            int64_t at = 0;
            if (gen_json_type(v) == GEN_JSON_OBJECT && gen_extract_reference(v, &at, &pointer) &&
                at == step)
                return true;
        }
    }
    return false;
}

/* The first call of a chain that only opens what the others work on is no wish of its own. */
static bool take_object(struct composer *c, struct gen_str order, size_t n)
{
    static const char *const verbs[] = {"open ", "load ",   "select ",
                                        "use ",  "choose ", "activate "};
    if (n < 2 || !gen_str_is(c->category, "chain") || is_referred_to(c, 1))
        return false;
    for (size_t i = 0; i < N_OF(verbs); i++) {
        struct gen_str verb = gen_str_from(verbs[i]);
        struct gen_str rest =
            gen_str_starts(order, verb) ? gen_str_sub(order, verb.n, order.n) : GEN_STR("");
        size_t comma = gen_str_find(rest, GEN_STR(", with "), 0);
        if (gen_str_starts(rest, GEN_STR("the "))) {
            gen_extract_put(&c->object, gen_str_sub(rest, 0, comma));
            if (comma != SIZE_MAX) {
                gen_extract_put_c(&c->object, " (");
                gen_extract_put(&c->object, gen_str_sub(rest, comma + 7, rest.n));
                gen_extract_put_c(&c->object, ")");
            }
            return true;
        }
    }
    return false;
}

/* "get the shape of the dataset /a, and the same for /b"; "open x, list y and read z". */
static void put_orders(struct composer *c)
{
    struct gen_extract_line *one = &c->text;
    struct gen_json_iter it;
    struct gen_str key, previous_tool = GEN_STR("");
    const struct gen_json *call;
    const struct gen_json *previous = NULL;
    const struct gen_json *calls = gen_json_get(c->blueprint, "calls");
    size_t n = gen_json_count(calls);
    size_t i = 0;
    gen_extract_line_clear(&c->order);
    gen_extract_line_clear(&c->object);
    gen_json_iter_init(&it, calls);
    while (gen_json_iter_next(&it, &key, &call)) {
        struct gen_str tool = gen_json_get_str(call, "tool");
        const struct gen_json *args = gen_json_get(call, "args");
        const struct gen_json *differs =
            gen_str_eq(tool, previous_tool) ? only_difference(previous, args) : NULL;
        gen_extract_put_c(&c->order, i == 0 ? "" : i + 1 == n ? " and " : ", ");
        if (differs) {
            gen_extract_put_c(&c->order, "the same for ");
            gen_extract_put_value(&c->order, differs);
        } else {
            gen_extract_put_call(one, gen_extract_offered(c->record, tool), args,
                                 gen_json_get(c->blueprint, "withheld"));
            if (one->overflow)
                c->order.overflow = true;
            if (!previous && i == 0 && c->object.n == 0 &&
                take_object(c, gen_extract_line_str(one), n)) {
                n--;
                previous_tool = GEN_STR("");
                continue;
            }
            gen_extract_put(&c->order, gen_extract_line_str(one));
        }
        previous = args;
        previous_tool = tool;
        i++;
    }
}

static void put_row(struct gen_jb *b, struct gen_jmut *list, int64_t call, bool has_calls,
                    struct gen_str name, const struct gen_json *value)
{
    struct gen_jmut *row = gen_jb_object(b);
    struct gen_buf text = gen_buf_make(GEN_EXTRACT_LINE_BYTES);
    struct gen_str words;
    bool is_str = gen_json_as_str(value, &words);
    if (!is_str && gen_json_write(&text, value, GEN_JSON_COMPACT, NULL) == GEN_OK)
        words = gen_buf_str(&text);
    if (has_calls)
        gen_jb_put_int(b, row, "call", call);
    gen_jb_put_str(b, row, "parameter", name);
    gen_jb_put_str(b, row, "value", is_str || text.n ? words : GEN_STR(""));
    gen_jb_put_str(b, row, "words", is_str ? words : GEN_STR(""));
    gen_jb_append(b, list, row);
    gen_buf_release(&text);
}

/* Only what stands in the request as it is has its words listed. */
static struct gen_jmut *values_of(const struct composer *c, struct gen_jb *b, bool has_calls)
{
    struct gen_jmut *list = gen_jb_array(b);
    struct gen_json_iter calls, args;
    struct gen_str key, name, text;
    const struct gen_json *call, *value;
    int64_t i = 0;
    gen_json_iter_init(&calls, gen_json_get(c->blueprint, "calls"));
    while (gen_json_iter_next(&calls, &key, &call) && ++i <= 10) {
        gen_json_iter_init(&args, gen_json_get(call, "args"));
        while (gen_json_iter_next(&args, &name, &value)) {
            if (gen_json_as_str(value, &text) && text.n &&
                gen_str_find(gen_extract_line_str(&c->text), text, 0) != SIZE_MAX)
                put_row(b, list, i, has_calls, name, value);
        }
    }
    return list;
}

/* ---- a missing value ---- */

/* "What is the path of the dataset?", from "Path of the dataset in the file, such as ...". */
static void put_question_back(struct composer *c, struct gen_extract_line *l)
{
    static const char *const leads[] = {"What is the ", "Could you tell me the ",
                                        "I still need one thing: what is the ",
                                        "Which value should I take for the "};
    const struct gen_json *call = gen_json_at(gen_json_get(c->blueprint, "calls"), 0);
    struct gen_str name = GEN_STR("");
    const struct gen_json *withheld = gen_json_get(c->blueprint, "withheld");
    const struct gen_json *function =
        gen_extract_offered(c->record, gen_json_get_str(call, "tool"));
    size_t lead = draw(c, N_OF(leads));
    /* "What is" asks for one thing. */
    bool is_list = gen_json_count(withheld) != 1;
    if (gen_json_as_str(gen_json_at(withheld, 0), &name))
        is_list =
            is_list ||
            gen_str_is(gen_json_get_str(gen_extract_parameter(function, name), "type"), "array");
    gen_extract_line_clear(l);
    gen_extract_put_c(l, leads[is_list ? 1 : lead]);
    for (size_t i = 0; i < gen_json_count(withheld); i++) {
        if (!gen_json_as_str(gen_json_at(withheld, i), &name))
            continue;
        const struct gen_json *parameter = gen_extract_parameter(function, name);
        struct gen_str words = gen_str_trim(gen_json_get_str(parameter, "description"));
        size_t n = 0;
        while (n < words.n && !strchr(",;.:(", words.p[n]))
            n++;
        words = gen_str_trim(gen_str_sub(words, 0, n));
        size_t such = gen_str_find(words, GEN_STR(" such as "), 0);
        words = gen_str_sub(words, 0, such);
        gen_extract_put_c(l, i ? " and the " : "");
        if (words.n && gen_extract_n_words(words) <= 10 &&
            !gen_str_starts(words, GEN_STR("Which")) && !gen_str_starts(words, GEN_STR("The ")))
            gen_extract_put_lower(l, words);
        else
            gen_extract_put_words(l, name);
    }
    gen_extract_put_c(l, "?");
}

static void put_reply(struct composer *c, struct gen_extract_line *l)
{
    static const char *const frames[] = {
        "%",         "It is %.",  "Take %.",        "%, please.",
        "Sorry: %.", "I mean %.", "Use %, please.", "That would be %."};
    const char *frame = frames[draw(c, N_OF(frames))];
    const struct gen_json *call = gen_json_at(gen_json_get(c->blueprint, "calls"), 0);
    const struct gen_json *withheld = gen_json_get(c->blueprint, "withheld");
    struct gen_extract_line values;
    struct gen_json_iter it;
    struct gen_str name, wanted;
    const struct gen_json *v;
    size_t n = 0;
    gen_extract_line_clear(&values);
    for (size_t i = 0; i < gen_json_count(withheld); i++) {
        gen_json_iter_init(&it, gen_json_get(call, "args"));
        while (gen_json_as_str(gen_json_at(withheld, i), &wanted) &&
               gen_json_iter_next(&it, &name, &v)) {
            if (!gen_str_eq(name, wanted))
                continue;
            gen_extract_put_c(&values, n++ ? " and " : "");
            gen_extract_put_value(&values, v);
        }
    }
    gen_extract_line_clear(l);
    put_frame(l, frame, gen_extract_line_str(&values));
}

static void write_missing(struct composer *c, struct gen_jb *b, struct gen_jmut *root)
{
    struct gen_jmut *names = gen_jb_array(b);
    const struct gen_json *withheld = gen_json_get(c->blueprint, "withheld");
    for (size_t i = 0; i < gen_json_count(withheld); i++)
        gen_jb_append(b, names, gen_jb_copy(b, gen_json_at(withheld, i)));
    put_orders(c);
    compose(c);
    gen_jb_put(b, root, "withheld", names);
    gen_jb_put_str(b, root, "instruction", gen_extract_line_str(&c->text));
    gen_jb_put(b, root, "values", values_of(c, b, false));
    put_question_back(c, &c->x->line);
    gen_jb_put_str(b, root, "question_back", gen_extract_line_str(&c->x->line));
    put_reply(c, &c->x->line2);
    gen_jb_put_str(b, root, "user_reply", gen_extract_line_str(&c->x->line2));
}

/* ---- nothing fits ---- */

static const char *const cities[] = {"Oslo",  "Lima",   "Nairobi", "Hanoi", "Porto", "Quebec",
                                     "Perth", "Warsaw", "Kyoto",   "Turin", "Accra", "Bergen"};
static const char *const days[] = {"tomorrow",    "tonight",      "on Friday",
                                   "next Monday", "this weekend", "in the morning"};

struct exchange {
    const char *order, *reply;
};

/* "$" stands for a city, "#" for a day. */
static const struct exchange live[] = {
    {"tell me how warm it is in $ right now", "I cannot look up the present weather."},
    {"find out whether the trains to $ run #", "I have no access to live timetables."},
    {"tell me the price of a flight to $ #", "I cannot look up flight prices."},
    {"check how heavy the traffic around $ is", "I cannot see live traffic."},
};
static const struct exchange elsewhere[] = {
    {"book a table for two in $ #", "I cannot make reservations."},
    {"translate my speech for the visitors from $ and send it out #",
     "Translating and sending out texts is not possible with the tools at hand."},
    {"write a birthday card to my aunt in $ and post it #", "I cannot write and post cards."},
    {"order flowers for a friend in $, to arrive #", "I cannot place orders."},
};
static const struct exchange physical[] = {
    {"water the plants in the office in $ #", "I cannot do anything by hand in an office."},
    {"carry the boxes for $ down to the car #", "I cannot carry things; somebody has to do it."},
    {"pick me up from the station in $ #", "I cannot drive or pick anybody up."},
    {"switch the lamp in our hall in $ off #", "I have no hold on lamps in a building."},
};
static const struct exchange changes[] = {
    {"delete everything in there that was not used since last year",
     "Nothing can be deleted with the tools at hand; they only read."},
    {"rename all entries so that they begin with the number of the project",
     "Names cannot be changed with the tools at hand."},
    {"undo the changes that were made #", "Changes cannot be undone with the tools at hand."},
    {"put a password on it before it goes to the office in $",
     "Nothing can be protected by a password with the tools at hand."},
    {"merge the two newest ones into one and remove the old ones",
     "Nothing can be merged or removed with the tools at hand."},
    {"move all of it to the archive in $ #", "Nothing can be moved with the tools at hand."},
};
static const struct exchange objects[] = {
    {"do the same for the scanned letter that came from $",
     "A scanned letter cannot be read with the tools at hand."},
    {"find out the same for the photographs that were taken in $",
     "Photographs cannot be looked at with the tools at hand."},
    {"sum up the voice messages that the people in $ left",
     "Voice messages cannot be heard with the tools at hand."},
    {"look through the slides of the talk in $ and list the numbers",
     "Slides cannot be opened with the tools at hand."},
    {"tell me what was said in the video of the meeting in $",
     "Videos cannot be watched with the tools at hand."},
    {"copy the numbers off the poster in the hall in $",
     "A poster cannot be read with the tools at hand."},
};
static const struct exchange knowledge[] = {
    {"How many legs does a spider have?", "A spider has eight legs."},
    {"Which planet is the largest of our solar system?", "Jupiter is the largest planet."},
    {"Who wrote Hamlet?", "Hamlet was written by William Shakespeare."},
    {"What is the capital of Norway?", "The capital of Norway is Oslo."},
    {"At what temperature does water boil at sea level?",
     "At sea level water boils at 100 degrees Celsius."},
    {"How many minutes does a day have?", "A day has 1,440 minutes."},
    {"What gas do plants take in to grow?", "Plants take in carbon dioxide."},
    {"Which ocean lies between Europe and America?", "The Atlantic Ocean lies between them."},
    {"How many sides does a hexagon have?", "A hexagon has six sides."},
    {"What is the plural of mouse, the animal?", "The plural is mice."},
    {"Which metal is liquid at room temperature?", "Mercury is liquid at room temperature."},
    {"In which season do leaves fall in Europe?", "Leaves fall in autumn."},
};
static const struct exchange chat[] = {
    {"Good morning! How are you today?", "Good morning! All is well, thank you."},
    {"Thanks, that was great work yesterday.", "Thank you, that is kind of you."},
    {"What a long week this has been.", "That sounds tiring. I hope the weekend is a calm one."},
    {"I finally passed my driving test!", "Congratulations, that is wonderful news!"},
    {"Do you like rainy days?", "I have no days of my own, but rain has a nice sound."},
    {"My cat is asleep on the keyboard again.", "Cats do know where it is warm."},
    {"Nice to meet you, I am new in the team.", "Welcome to the team, nice to meet you too!"},
    {"See you next week, I am off now.", "Enjoy your time off, and see you then."},
};

static void put_filled(struct composer *c, struct gen_extract_line *l, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '$')
            gen_extract_put_c(l, cities[draw(c, N_OF(cities))]);
        else if (*p == '#')
            gen_extract_put_c(l, days[draw(c, N_OF(days))]);
        else
            gen_extract_put(l, (struct gen_str){p, 1});
    }
}

static const struct exchange *exchange_of(struct composer *c, struct gen_str gap, bool *is_whole)
{
    static const struct {
        const char *gap;
        const struct exchange *rows;
        size_t n;
        bool is_whole; /* a sentence, not an order */
    } kinds[] = {
        {"near_miss_action", changes, N_OF(changes), false},
        {"near_miss_object", objects, N_OF(objects), false},
        {"write_but_read_only", changes, N_OF(changes), false},
        {"needs_live_data", live, N_OF(live), false},
        {"other_domain", elsewhere, N_OF(elsewhere), false},
        {"physical_world", physical, N_OF(physical), false},
        {"no_tool_needed_general_knowledge", knowledge, N_OF(knowledge), true},
        {"small_talk", chat, N_OF(chat), true},
    };
    size_t kind = 4;
    for (size_t i = 0; i < N_OF(kinds); i++) {
        if (gen_str_is(gap, kinds[i].gap))
            kind = i;
    }
    *is_whole = kinds[kind].is_whole;
    return &kinds[kind].rows[draw(c, kinds[kind].n)];
}

/* The request is for a tool that is not offered. */
static void write_missing_tool(struct composer *c, const struct gen_json *missing, struct gen_jb *b,
                               struct gen_jmut *root)
{
    gen_extract_put_call(&c->order, missing, gen_json_get(missing, "args"), NULL);
    compose(c);
    gen_extract_line_clear(&c->x->line);
    static const char *const replies[] = {"With the tools at hand it is not possible to %.",
                                          "I cannot %: none of the tools at hand does that.",
                                          "There is no tool here to %, so I cannot do it.",
                                          "That is not possible here: no tool is there to %."};
    put_frame(&c->x->line, replies[draw(c, N_OF(replies))], gen_extract_line_str(&c->order));
    gen_jb_put_cstr(b, root, "what_is_missing", "no offered tool has this action");
    gen_jb_put_str(b, root, "instruction", gen_extract_line_str(&c->text));
    gen_jb_put_str(b, root, "reply", gen_extract_line_str(&c->x->line));
}

static void write_irrelevance(struct composer *c, struct gen_jb *b, struct gen_jmut *root)
{
    struct gen_str near_tool = gen_json_get_str(c->blueprint, "near_tool");
    const struct gen_json *missing = gen_json_get(c->blueprint, "missing");
    gen_jb_put_str(b, root, "near_tool", near_tool.n ? near_tool : GEN_STR("none"));
    if (gen_json_type(missing) == GEN_JSON_OBJECT) {
        write_missing_tool(c, missing, b, root);
        return;
    }
    bool is_whole = false;
    const struct exchange *e = exchange_of(c, gen_json_get_str(c->blueprint, "gap"), &is_whole);
    gen_extract_line_clear(&c->order);
    put_filled(c, &c->order, e->order);
    if (is_whole) {
        static const char *const opens[] = {"%",
                                            "Hi! %",
                                            "Hello. %",
                                            "By the way: %",
                                            "One thing: %",
                                            "Quick one: %",
                                            "Hey there. %",
                                            "Tell me: %"};
        gen_extract_line_clear(&c->text);
        put_frame(&c->text, opens[draw(c, N_OF(opens))], gen_extract_line_str(&c->order));
    } else {
        compose(c);
    }
    gen_jb_put_cstr(b, root, "what_is_missing", "no offered tool is for this");
    gen_jb_put_str(b, root, "instruction", gen_extract_line_str(&c->text));
    gen_jb_put_cstr(b, root, "reply", e->reply);
}

/* ---- all ---- */

static void write_request(struct composer *c, struct gen_jb *b, struct gen_jmut *root)
{
    bool is_chain = gen_str_is(c->category, "chain");
    bool has_calls = is_chain || gen_str_is(c->category, "parallel");
    put_orders(c);
    compose(c);
    gen_jb_put_cstr(b, root, has_calls ? "goal" : "situation", "a person at work with these tools");
    if (has_calls) {
        gen_jb_put_cstr(b, root, "usable", "yes");
        gen_jb_put(b, root, "hidden", gen_jb_array(b));
    }
    gen_jb_put_str(b, root, "instruction", gen_extract_line_str(&c->text));
    gen_jb_put(b, root, "values", values_of(c, b, has_calls));
}

int gen_extract_tool_request(struct gen_extract *x, struct gen_jb *b, struct gen_jmut *root,
                             struct gen_error *err)
{
    struct gen_json_doc *doc = NULL;
    int rc = gen_json_parse(&doc, x->in->record, err);
    struct composer *c = rc ? NULL : gen_arena_alloc(&x->arena, sizeof(*c));
    if (rc == GEN_OK && !c)
        rc = gen_nomem(err, "a request");
    if (rc == GEN_OK) {
        const struct gen_json *metadata = gen_json_get(gen_json_root(doc), "metadata");
        c->x = x;
        gen_extract_line_clear(&c->object);
        gen_extract_line_clear(&c->order);
        c->record = gen_json_root(doc);
        c->blueprint = gen_json_get(metadata, "blueprint");
        c->category = gen_json_get_str(metadata, "category");
        c->style = gen_json_get_str(metadata, "style");
        c->context = gen_str_trim(gen_json_get_str(c->blueprint, "context"));
        c->draw = gen_hash_mix(x->in->seed ^ gen_hash64(gen_json_get_str(c->record, "id"), 0));
        if (gen_str_is(c->category, "irrelevance"))
            write_irrelevance(c, b, root);
        else if (gen_str_is(c->category, "missing-param"))
            write_missing(c, b, root);
        else
            write_request(c, b, root);
    }
    gen_json_doc_free(doc);
    return rc;
}
