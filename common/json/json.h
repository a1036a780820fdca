// JSON: a read-only tree in an arena, a streaming writer, and the canonical form that hashes are taken of.
//
// Reading: simdjson first; when it refuses (bare NaN and Infinity, lone surrogates, invalid UTF-8, a BOM,
// 1e400, integers of 2^64 and more) one lenient parser of our own builds the same tree and says so.
// Duplicate keys: the last wins. Trailing commas, comments, single quotes, leading zeros and anything
// behind the value are refused by both. Caps: MST_JSON_BYTES_MAX, MST_JSON_DEPTH_MAX, the arena.
// Thread: a parser belongs to one thread; a tree is read-only and lives as long as its arena.
#ifndef MST_JSON_JSON_H
#define MST_JSON_JSON_H

#include "common/base/buf.h"
#include "common/base/mem.h"

typedef enum {
    MST_JSON_NULL = 0,
    MST_JSON_BOOL,
    MST_JSON_INT,    // integer literal that fits int64_t
    MST_JSON_DOUBLE, // anything else numeric; may be NaN or infinite when lenient
    MST_JSON_STR,
    MST_JSON_ARR,
    MST_JSON_OBJ,
} mst_json_type_t;

typedef struct mst_json mst_json_t;
typedef struct mst_json_member mst_json_member_t;

struct mst_json {
    mst_json_type_t type;
    uint32_t count; // elements or members
    union {
        bool b;
        int64_t i;
        double d;
        mst_str_t s;                      // decoded; WTF-8 for a lone surrogate, bad bytes kept as they came
        const mst_json_t *items;          // count elements, contiguous
        const mst_json_member_t *members; // count members, in the order of the text
    } u;
};

struct mst_json_member {
    mst_str_t key;
    mst_json_t value;
};

typedef struct mst_json_parser mst_json_parser_t;

mst_json_parser_t *mst_json_parser_new(void);
void mst_json_parser_free(mst_json_parser_t **p);
// Reads one whole value. The tree and its strings are copies in arena; text may go. *out_lenient (NULL
// allowed) says that the lenient parser had to read it.
// MST_PROTO with "line L column C: ...", MST_LIMIT over a cap.
MST_NODISCARD mst_rc mst_json_parse(mst_json_parser_t *p, mst_str_t text, mst_arena_t *arena,
                                    const mst_json_t **out, bool *out_lenient, mst_err_t *err);
// The lenient parser alone (fuzzed on its own).
MST_NODISCARD mst_rc mst_json_parse_lenient(mst_str_t text, mst_arena_t *arena, const mst_json_t **out,
                                            mst_err_t *err);

// Is the text one value by RFC 8259, at any size and nesting? python: by Python's json.loads on a str, which also takes
// NaN, Infinity and -Infinity and does not look at the encoding.
bool mst_json_valid(mst_str_t text, bool python);

// Looking. Every function takes NULL and a value of another type, and answers NULL, false or the default.
const mst_json_t *mst_json_get(const mst_json_t *obj, const char *key);
const mst_json_t *mst_json_get_str(const mst_json_t *obj, mst_str_t key);
const mst_json_t *mst_json_at(const mst_json_t *arr, size_t index);
// Dotted path: "a.b.0.c"; a number indexes an array. A key that itself holds the whole rest wins.
const mst_json_t *mst_json_path(const mst_json_t *root, mst_str_t path);
bool mst_json_is(const mst_json_t *v, mst_json_type_t type);
bool mst_json_str(const mst_json_t *v, mst_str_t *out);
bool mst_json_i64(const mst_json_t *v, int64_t *out);  // also a double without a fraction
bool mst_json_f64(const mst_json_t *v, double *out);   // int or double; also "NaN", "Infinity", "-Infinity" strings
bool mst_json_bool(const mst_json_t *v, bool *out);

// Writing: valid JSON whatever comes in; invalid UTF-8 becomes U+FFFD, non-finite numbers become the
// strings "NaN", "Infinity", "-Infinity". Commas are put by the writer. Errors: out->failed.
typedef struct {
    mst_buf_t *out;
    uint64_t need_comma; // bit per depth
    uint32_t depth;      // <= MST_JSON_DEPTH_MAX (64)
    bool after_key;
} mst_jw_t;

void mst_jw_init(mst_jw_t *w, mst_buf_t *out);
void mst_jw_obj(mst_jw_t *w);
void mst_jw_obj_end(mst_jw_t *w);
void mst_jw_arr(mst_jw_t *w);
void mst_jw_arr_end(mst_jw_t *w);
void mst_jw_key(mst_jw_t *w, const char *key); // any text; escaped
void mst_jw_key_str(mst_jw_t *w, mst_str_t key);
void mst_jw_str(mst_jw_t *w, mst_str_t s);
void mst_jw_i64(mst_jw_t *w, int64_t v);
void mst_jw_u64(mst_jw_t *w, uint64_t v);
void mst_jw_f64(mst_jw_t *w, double v); // shortest text that reads back as v; always with "." or "e"
void mst_jw_bool(mst_jw_t *w, bool v);
void mst_jw_null(mst_jw_t *w);
void mst_jw_raw(mst_jw_t *w, mst_str_t json); // trusted text, one value
void mst_jw_value(mst_jw_t *w, const mst_json_t *v);
// Like mst_jw_value with members in bytewise order of their keys: the same value gives the same bytes.
void mst_jw_canonical(mst_jw_t *w, const mst_json_t *v);

#endif
