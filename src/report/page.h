/* The page without its data, made by web/build.mjs at build time: what comes before the data, and
 * what comes behind. Both are empty in a program that was built without it. */
#ifndef GEN_REPORT_PAGE_H
#define GEN_REPORT_PAGE_H

#include "base/str.h"

struct gen_str gen_report_page_head(void);
struct gen_str gen_report_page_tail(void);

#endif
