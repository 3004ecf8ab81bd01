/* In the place of the page when it was not built (-DGEN_REPORT=OFF). */
#include "report/page.h"

struct gen_str gen_report_page_head(void)
{
    return (struct gen_str){NULL, 0};
}

struct gen_str gen_report_page_tail(void)
{
    return (struct gen_str){NULL, 0};
}
