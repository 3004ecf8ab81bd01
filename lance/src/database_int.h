/*
 * database_int.h - the inside of an open database, and the catalogue of its namespaces.
 */
#ifndef LNC_DATABASE_INT_H
#define LNC_DATABASE_INT_H

#include "dataset_int.h"

/* The folder of the catalogue, itself a table. */
#define LNC_CATALOGUE "__manifest"

struct lnc_entry {
    char *name;
    char *folder; /* below the database */
};

struct lnc_database {
    struct lnc_memory *memory;
    struct lnc_store file_store;
    const struct lnc_store *store;
    struct lnc_options options;
    char *tag; /* owned, as the options point to them */
    char *branch;
    char *path;
    struct lnc_buf entries; /* struct lnc_entry each */
    size_t n_tables;
    char catalogue_problem[400]; /* why there may be more tables than are listed,
                                    or "" */
};

int lnc_database_add(const struct lnc_ctx *cx, struct lnc_database *db, const char *name,
                     const char *folder);

/* Adds the tables of the child namespaces. A catalogue that cannot be understood is no reason not
 * to open the database: it is noted. */
int lnc_catalogue_read(const struct lnc_ctx *cx, struct lnc_database *db);

#endif
