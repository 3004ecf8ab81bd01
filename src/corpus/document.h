/*
 * A text document as lines with a structure: which line is a heading, a table row, part of a code
 * fence, an item of a list; to which heading it belongs; and how good a place the border before it
 * is for a cut. Markdown (CommonMark's block rules as far as they matter for cutting, and GitHub's
 * tables), reStructuredText (section titles), plain text and source code.
 *
 * Blank lines are not stored. The text is borrowed and must be clean (gen_text_load): valid UTF-8,
 * '\n' as the only line end, no byte order mark.
 */
#ifndef GEN_CORPUS_DOCUMENT_H
#define GEN_CORPUS_DOCUMENT_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

#define GEN_DOC_LINES_MAX 20000000U
#define GEN_DOC_NONE      UINT32_MAX
#define GEN_HEADING_MAX   6

enum gen_doc_kind { GEN_DOC_MARKDOWN = 0, GEN_DOC_RST, GEN_DOC_TEXT, GEN_DOC_CODE };

/* How good a place for a cut: the smaller, the better. */
enum gen_break {
    GEN_BREAK_HEADING = 0,
    GEN_BREAK_BLOCK,    /* between paragraphs, lists, tables, fences, definitions */
    GEN_BREAK_ITEM,     /* between items of a list, rows of a table, blank lines inside a block */
    GEN_BREAK_LINE,     /* between lines where lines mean something */
    GEN_BREAK_SENTENCE, /* between sentences of a long paragraph */
    GEN_BREAK_WRAP,     /* where a long sentence is wrapped */
    GEN_BREAK_WORD,
    GEN_BREAK_NEVER,
};

enum gen_line_kind { GEN_LINE_TEXT = 0, GEN_LINE_HEADING, GEN_LINE_FENCE, GEN_LINE_TABLE };

struct gen_doc_line {
    uint32_t start; /* bytes of the document, without the line's end */
    uint32_t end;
    uint32_t node;  /* innermost heading; of a heading itself: its own */
    uint32_t frame; /* index, or GEN_DOC_NONE */
    uint8_t kind;   /* enum gen_line_kind */
    uint8_t cut;    /* enum gen_break: of a cut before this line */
    bool blank_before;
    bool starts_heading; /* first line of a heading */
};

/* A heading. Node 0 is the root: what stands before the first heading. A parent's index is smaller
 * than its children's. */
struct gen_doc_node {
    uint32_t parent;
    uint32_t start; /* bytes of its text */
    uint32_t end;
    uint8_t level;
};

/* A code fence or a table: what has to be opened again when it is cut. */
struct gen_doc_frame {
    uint32_t first_line;
    uint32_t last_line;
    uint32_t indent; /* bytes of the first line before the fence marks */
    uint32_t n_marks;
    char mark;     /* '`' or '~'; 0 for a table */
    bool unclosed; /* a fence that ends with the document or its block quote */
};

struct gen_doc {
    struct gen_str text;
    enum gen_doc_kind kind;
    struct gen_doc_line *lines;
    size_t n_lines, lines_capacity;
    struct gen_doc_node *nodes;
    size_t n_nodes, nodes_capacity;
    struct gen_doc_frame *frames;
    size_t n_frames, frames_capacity;
    struct gen_buf title; /* front matter's, else the first heading of level 1; empty if none */
};

/* Reads the structure. GEN_ENOMEM; GEN_ELIMIT over GEN_DOC_LINES_MAX lines or 2 GB. */
GEN_MUST_USE int gen_doc_init(struct gen_doc *d, struct gen_str text, enum gen_doc_kind kind,
                              struct gen_error *err);
void gen_doc_release(struct gen_doc *d);

/* Appends the heading path of `node`, "A > B", without markup. */
GEN_MUST_USE int gen_doc_path(const struct gen_doc *d, uint32_t node, struct gen_buf *out,
                              struct gen_error *err);
uint32_t gen_doc_common_node(const struct gen_doc *d, uint32_t a, uint32_t b);

/*
 * Makes a file's bytes a text: drops a byte order mark and NUL bytes, replaces malformed UTF-8 by
 * U+FFFD (`*n_replaced` counts the bytes), makes every line end '\n'. In place.
 */
GEN_MUST_USE int gen_text_load(struct gen_buf *text, size_t *n_replaced, struct gen_error *err);

/* -- for the readers of one kind of document -- */

struct gen_doc_reader {
    struct gen_doc *doc;
    uint32_t node; /* innermost heading so far */
    bool blank;    /* a blank line precedes */
    bool in_list;
    size_t list_indent; /* columns before the outermost item's mark */
    bool in_table;
    uint32_t fence;    /* the frame that is open, or GEN_DOC_NONE */
    bool fence_quoted; /* it stands in a block quote */
    struct {
        char mark;
        bool overlined;
    } rst_styles[GEN_HEADING_MAX];
    size_t n_rst_styles;
};

GEN_MUST_USE int gen_doc_add_line(struct gen_doc_reader *r, struct gen_str line,
                                  enum gen_line_kind kind, enum gen_break cut,
                                  struct gen_error *err);
GEN_MUST_USE int gen_doc_add_frame(struct gen_doc *d, struct gen_doc_frame frame,
                                   struct gen_error *err);
/* Makes lines [first, n_lines) a heading with the text of `text_line`. */
GEN_MUST_USE int gen_doc_make_heading(struct gen_doc_reader *r, size_t first, struct gen_str text,
                                      uint8_t level, struct gen_error *err);
/* The last line, or NULL at the start. */
struct gen_doc_line *gen_doc_last_line(const struct gen_doc *d);
/* True when the last line is a paragraph of one line, to which an underline may belong. */
bool gen_doc_underlinable(const struct gen_doc_reader *r);
struct gen_str gen_doc_line_text(const struct gen_doc *d, const struct gen_doc_line *line);
/* Columns of white space at the start; a tab stands for four. */
size_t gen_indent_columns(struct gen_str line);
/* Bytes of a list item's mark with the white space before and behind it, 0 when there is none.
 * `*number`: of an ordered item, else -1. */
size_t gen_list_mark(struct gen_str line, int *number);

/* Take one line that is not blank (blank ones are noted by the caller). */
GEN_MUST_USE int gen_markdown_line(struct gen_doc_reader *r, struct gen_str line,
                                   struct gen_error *err);
GEN_MUST_USE int gen_rst_line(struct gen_doc_reader *r, struct gen_str line, struct gen_error *err);
/* A line of a paragraph or a list: what Markdown, reStructuredText and plain text have in common.
 */
GEN_MUST_USE int gen_plain_line(struct gen_doc_reader *r, struct gen_str line,
                                struct gen_error *err);

/* Bytes of YAML front matter at the start of a Markdown text (0 when there is none), its title. */
GEN_MUST_USE int gen_front_matter(struct gen_str text, size_t *n_bytes, struct gen_buf *title,
                                  struct gen_error *err);

#endif
