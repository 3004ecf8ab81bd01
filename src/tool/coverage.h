/*
 * How often each tool, each of its parameters and each of their choices is used in a set of tool
 * records: what a set teaches of its tools. Memory: in proportion to the tools, and to the pairs of
 * tools that follow each other, which are at most some 800,000.
 */
#ifndef GEN_TOOL_COVERAGE_H
#define GEN_TOOL_COVERAGE_H

#include "dataset/trajectory.h"
#include "tool/toolset.h"

/* Calls per tool and per parameter over a set, for the coverage report. */
struct gen_tool_coverage;
GEN_MUST_USE int gen_tool_coverage_new(struct gen_tool_coverage **out,
                                       const struct gen_toolset *tools, struct gen_error *err);
void gen_tool_coverage_free(struct gen_tool_coverage *c);
GEN_MUST_USE int gen_tool_coverage_add(struct gen_tool_coverage *c, const struct gen_trajectory *t,
                                       struct gen_error *err);
/* Tools, optional parameters, enum values used and not used; pairs of tools in sequence; chain
 * lengths; normalised entropy over the tools. */
struct gen_jmut *gen_tool_coverage_json(const struct gen_tool_coverage *c, struct gen_jb *b);
struct gen_tool_coverage_sums {
    size_t n_tools, n_tools_used, n_tools_below; /* below the target of calls per tool */
    size_t n_params, n_params_used;
    size_t n_enum_values, n_enum_values_used;
    double entropy; /* 0 to 1 */
};
struct gen_tool_coverage_sums gen_tool_coverage_sums(const struct gen_tool_coverage *c,
                                                     uint64_t calls_wanted_per_tool);

#endif
