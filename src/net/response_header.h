/* Which response headers outlive a transfer. Pure. Internal to net/. */
#ifndef GEN_NET_RESPONSE_HEADER_H
#define GEN_NET_RESPONSE_HEADER_H

#include "net/http.h"

/* True when the header line ("Name: value\r\n") is one that is kept; `*value` is then a view into
 * it. Cheap for the others: it is called for every header line of every answer. */
bool gen_response_header(struct gen_str line, enum gen_header *which, struct gen_str *value);

/* True for the content types whose bodies come in events: text/event-stream and
 * application/x-ndjson, in any case and with any parameters behind. */
bool gen_content_type_is_stream(struct gen_str value);

#endif
