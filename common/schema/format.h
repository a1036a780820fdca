// The formats of JSON Schema as assertions. Pure; linear in the text but for `regex`, which is so too. For files of
// this folder only. Thread: any.
#ifndef MST_SCHEMA_FORMAT_H
#define MST_SCHEMA_FORMAT_H

#include "common/base/str.h"

typedef bool (*mst_format_fn)(mst_str_t text);

mst_format_fn mst_format_find(mst_str_t name); // NULL when it is not known

// format_time.c: RFC 3339
bool mst_format_date_time(mst_str_t s);
bool mst_format_date(mst_str_t s);
bool mst_format_time(mst_str_t s);
bool mst_format_duration(mst_str_t s);
// format_net.c: RFC 5321 and 6531, 1123, 2673, 4291
bool mst_format_email(mst_str_t s);
bool mst_format_idn_email(mst_str_t s);
bool mst_format_ipv4(mst_str_t s);
bool mst_format_ipv6(mst_str_t s);
// format_host.c: RFC 1123, 5890 to 5893
bool mst_format_hostname(mst_str_t s);
bool mst_format_idn_hostname(mst_str_t s);
// format_uri.c: RFC 3986, 3987, 6570
bool mst_format_uri(mst_str_t s);
bool mst_format_uri_reference(mst_str_t s);
bool mst_format_iri(mst_str_t s);
bool mst_format_iri_reference(mst_str_t s);
bool mst_format_uri_template(mst_str_t s);
// format.c: RFC 6901 and its draft of relative pointers, RFC 4122
bool mst_format_json_pointer(mst_str_t s);
bool mst_format_relative_json_pointer(mst_str_t s);
bool mst_format_uuid(mst_str_t s);
// RFC 4648 with padding, no line ends; for contentEncoding.
bool mst_format_base64(mst_str_t s);

#endif
