/* The terminal behind a descriptor. */
#ifndef GEN_OS_TERM_H
#define GEN_OS_TERM_H

#include <stdbool.h>
#include <stddef.h>

/* A terminal that understands cursor movement (TERM is set and not "dumb"). */
bool gen_term_is_live(int fd);
/* Columns; 80 when unknown. Rows; 24 when unknown. */
size_t gen_term_columns(int fd);
size_t gen_term_rows(int fd);

#endif
