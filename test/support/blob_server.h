/* Runs test/support/fakeblob.mjs under node for tests: an object store and a web server that checks
 * signatures by itself. Only for tests; not for several threads. */
#ifndef BLOB_SERVER_H
#define BLOB_SERVER_H

#include <stdint.h>
#include <sys/types.h>

#define BLOB_KEY    "AKIDTESTTESTTEST"
#define BLOB_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define BLOB_TOKEN  "FwoGZXIvYXdzEXAMPLETOKEN//+=="

struct blob_server {
    pid_t pid; /* 0: not running */
    char url[64];
};

/* Starts it over the folders of `roots` ("name=folder", NULL-terminated, at most 6). The child ends
 * with the parent. Returns 0, or -1 with a message on standard error. */
int blob_server_start(struct blob_server *s, const char *const *roots);
void blob_server_stop(struct blob_server *s);

#endif
