// The lenient parser: what simdjson refuses and real servers and files contain. It takes bare NaN and Infinity,
// lone surrogates (kept as three bytes, WTF-8), invalid UTF-8 (kept as it came), a byte order mark, and numbers
// of any size. It refuses all else that JSON refuses, with line and column.
//
// No recursion: open containers are frames of a small stack, their finished children lie on a growing one and
// are moved to the arena when the container ends.
#include "common/json/tree.h"

#include "common/base/limits.h"
#include "common/base/utf8.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    size_t base; // first child on the stack of children
    bool object;
} frame_t;

typedef struct {
    mst_str_t text;
    size_t at;
    mst_arena_t *arena;
    mst_err_t *err;
    mst_json_member_t *children; // heap; array elements have no key
    size_t child_count, child_cap;
    uint32_t depth;
    frame_t frames[MST_JSON_DEPTH_MAX];
} parse_t;

static void
position(const parse_t *p, size_t *line, size_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < p->at && i < p->text.n; i++) {
        char c = p->text.p[i];
        if (c == '\n') {
            ++*line;
            *column = 1;
        } else {
            *column += ((unsigned char)c & 0xC0) != 0x80;
        }
    }
}

static mst_rc
fail(parse_t *p, mst_rc rc, const char *what)
{
    size_t line, column;
    position(p, &line, &column);
    return MST_ERR(p->err, rc, "line %zu column %zu: %s", line, column, what);
}

// "expected X, found Y"
static mst_rc
unexpected(parse_t *p, const char *expected)
{
    size_t line, column;
    position(p, &line, &column);
    if (p->at >= p->text.n)
        return MST_ERR(p->err, MST_PROTO, "line %zu column %zu: expected %s, found the end of the text", line, column,
                       expected);
    unsigned char c = (unsigned char)p->text.p[p->at];
    if (c > 0x20 && c < 0x7F)
        return MST_ERR(p->err, MST_PROTO, "line %zu column %zu: expected %s, found '%c'", line, column, expected, c);
    return MST_ERR(p->err, MST_PROTO, "line %zu column %zu: expected %s, found byte 0x%02x", line, column, expected, c);
}

static void
skip_blanks(parse_t *p)
{
    while (p->at < p->text.n) {
        char c = p->text.p[p->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            break;
        p->at++;
    }
}

static int
peek(const parse_t *p)
{
    return p->at < p->text.n ? (unsigned char)p->text.p[p->at] : -1;
}

static bool
take_word(parse_t *p, const char *word)
{
    if (!mst_str_starts(mst_str(p->text.p + p->at, p->text.n - p->at), mst_str_c(word)))
        return false;
    p->at += strlen(word);
    return true;
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Four hex digits at p->at, or -1.
static int32_t
take_hex4(parse_t *p)
{
    if (p->text.n - p->at < 4)
        return -1;
    int32_t v = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_value(p->text.p[p->at + i]);
        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    p->at += 4;
    return v;
}

// Behind "\u": one code point, two escapes when they are a surrogate pair. Writes up to 4 bytes.
static mst_rc
take_unicode(parse_t *p, char *to, size_t *n)
{
    int32_t cp = take_hex4(p);
    if (cp < 0)
        return fail(p, MST_PROTO, "expected four hexadecimal digits behind \\u");
    size_t after = p->at;
    if (cp >= 0xD800 && cp < 0xDC00 && take_word(p, "\\u")) {
        int32_t low = take_hex4(p);
        if (low >= 0xDC00 && low < 0xE000)
            cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
        else
            p->at = after; // it stays alone; what follows is read for itself
    }
    *n += mst_utf8_put((uint32_t)cp, to + *n);
    return MST_OK;
}

static mst_rc
take_escape(parse_t *p, char *to, size_t *n)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = peek(p);
    if (c == 'u') {
        p->at++;
        return take_unicode(p, to, n);
    }
    const char *name = c > 0 ? strchr(names, c) : NULL;
    if (name == NULL)
        return unexpected(p, "one of \"\\/bfnrtu behind a backslash");
    p->at++;
    to[(*n)++] = values[name - names];
    return MST_OK;
}

// Bytes of the string's text up to its closing quote; up to the end of the text when there is none.
static size_t
string_extent(const parse_t *p)
{
    size_t i = p->at;
    while (i < p->text.n && p->text.p[i] != '"')
        i += p->text.p[i] == '\\' ? 2 : 1;
    return (i < p->text.n ? i : p->text.n) - p->at;
}

// Copies what stands for itself.
static size_t
take_plain(parse_t *p, char *to)
{
    const char *from = p->text.p + p->at;
    size_t n = 0, left = p->text.n - p->at;
    while (n < left && (unsigned char)from[n] >= 0x20 && from[n] != '"' && from[n] != '\\')
        n++;
    memcpy(to, from, n);
    p->at += n;
    return n;
}

// A string whose opening quote is at p->at. What is decoded is never longer than its text.
static mst_rc
take_string(parse_t *p, mst_str_t *out)
{
    p->at++;
    size_t extent = string_extent(p), n = 0;
    char *to = mst_arena_alloc_raw(p->arena, extent + 1);
    if (to == NULL)
        return mst_json_arena_full(p->text.n, p->err);
    for (;;) {
        n += take_plain(p, to + n);
        int c = peek(p);
        if (c == '"')
            break;
        if (c < 0)
            return fail(p, MST_PROTO, "the string is not closed, expected '\"'");
        if (c < 0x20)
            return unexpected(p, "no control character in a string (write it as \\u00XX)");
        p->at++; // the backslash
        mst_rc rc = take_escape(p, to, &n);
        if (rc != MST_OK)
            return rc;
    }
    p->at++;
    to[n] = '\0';
    *out = mst_str(to, n);
    return MST_OK;
}

static size_t
take_digits(parse_t *p)
{
    size_t from = p->at;
    while (peek(p) >= '0' && peek(p) <= '9')
        p->at++;
    return p->at - from;
}

// NaN and infinity as Python and C spell them; the sign is taken already.
static bool
take_nonfinite(parse_t *p, bool negative, mst_json_t *out)
{
    double v;
    if (take_word(p, "NaN") || take_word(p, "nan"))
        v = (double)NAN;
    else if (take_word(p, "Infinity") || take_word(p, "inf"))
        v = (double)INFINITY;
    else
        return false;
    out->type = MST_JSON_DOUBLE;
    out->u.d = negative ? -v : v;
    return true;
}

static mst_rc
take_number(parse_t *p, mst_json_t *out)
{
    size_t from = p->at;
    bool negative = peek(p) == '-';
    p->at += negative;
    if (take_nonfinite(p, negative, out))
        return MST_OK;
    bool zero = peek(p) == '0', integer = true;
    size_t digits = take_digits(p);
    if (digits == 0)
        return unexpected(p, negative ? "a digit behind '-'" : "a value");
    if (zero && digits > 1)
        return fail(p, MST_PROTO, "a number must not begin with zero");
    if (peek(p) == '.') {
        integer = false;
        p->at++;
        if (take_digits(p) == 0)
            return unexpected(p, "a digit behind '.'");
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        integer = false;
        p->at++;
        p->at += peek(p) == '+' || peek(p) == '-';
        if (take_digits(p) == 0)
            return unexpected(p, "a digit in the exponent");
    }
    mst_str_t text = mst_str(p->text.p + from, p->at - from);
    out->type = MST_JSON_INT;
    if (integer && mst_str_to_i64(text, &out->u.i))
        return MST_OK;
    out->type = MST_JSON_DOUBLE;
    if (!mst_str_to_f64(text, true, &out->u.d))
        return fail(p, MST_PROTO, "the number cannot be read");
    return MST_OK;
}

static mst_rc
take_scalar(parse_t *p, mst_json_t *out)
{
    *out = (mst_json_t){.type = MST_JSON_NULL};
    if (peek(p) == '"') {
        out->type = MST_JSON_STR;
        return take_string(p, &out->u.s);
    }
    if (take_word(p, "null"))
        return MST_OK;
    if (take_word(p, "true") || take_word(p, "false")) {
        out->type = MST_JSON_BOOL;
        out->u.b = p->text.p[p->at - 2] == 'u';
        return MST_OK;
    }
    return take_number(p, out);
}

static mst_rc
push_child(parse_t *p, const mst_json_t *value)
{
    if (p->child_count == p->child_cap) {
        // what lies here will need the arena: what cannot fit there need not be kept here
        if (p->child_count > mst_arena_left(p->arena) / sizeof *value)
            return mst_json_arena_full(p->text.n, p->err);
        size_t cap = p->child_cap > 0 ? p->child_cap * 2 : 32;
        mst_json_member_t *grown = realloc(p->children, cap * sizeof *grown);
        if (grown == NULL)
            return MST_ERR(p->err, MST_NOMEM, "out of memory while reading JSON");
        p->children = grown;
        p->child_cap = cap;
    }
    p->children[p->child_count++].value = *value;
    return MST_OK;
}

// Moves the children of the innermost container to the arena and makes *out that container.
static mst_rc
close_container(parse_t *p, mst_json_t *out)
{
    frame_t *f = &p->frames[--p->depth];
    mst_json_member_t *from = p->children != NULL ? p->children + f->base : NULL;
    uint32_t count = (uint32_t)(p->child_count - f->base);
    p->child_count = f->base;
    p->at++;
    if (f->object && mst_json_dedupe(from, &count) != MST_OK)
        return MST_ERR(p->err, MST_NOMEM, "out of memory while reading JSON");
    size_t bytes = count * (f->object ? sizeof(mst_json_member_t) : sizeof(mst_json_t));
    void *memory = mst_arena_alloc_raw(p->arena, bytes);
    if (memory == NULL)
        return mst_json_arena_full(p->text.n, p->err);
    *out = (mst_json_t){.type = f->object ? MST_JSON_OBJ : MST_JSON_ARR, .count = count};
    if (f->object) {
        if (count > 0)
            memcpy(memory, from, bytes);
        out->u.members = memory;
        return MST_OK;
    }
    mst_json_t *items = memory;
    for (uint32_t i = 0; i < count; i++)
        items[i] = from[i].value;
    out->u.items = items;
    return MST_OK;
}

// "key" : and the blanks behind it. The key waits on the stack of children, at the place of its member.
static mst_rc
take_key(parse_t *p)
{
    skip_blanks(p);
    if (peek(p) != '"')
        return unexpected(p, "a key in double quotes");
    mst_str_t key;
    mst_rc rc = take_string(p, &key);
    if (rc != MST_OK)
        return rc;
    skip_blanks(p);
    if (peek(p) != ':')
        return unexpected(p, "':' behind a key");
    p->at++;
    const mst_json_t none = {.type = MST_JSON_NULL};
    rc = push_child(p, &none);
    if (rc == MST_OK)
        p->children[p->child_count - 1].key = key;
    return rc;
}

// At '{' or '['. *out is set and *complete true when it is empty.
static mst_rc
open_container(parse_t *p, mst_json_t *out, bool *complete)
{
    if (p->depth == MST_JSON_DEPTH_MAX)
        return fail(p, MST_LIMIT, "nested more than 64 deep");
    bool object = peek(p) == '{';
    p->frames[p->depth++] = (frame_t){.base = p->child_count, .object = object};
    p->at++;
    skip_blanks(p);
    *complete = peek(p) == (object ? '}' : ']');
    if (*complete)
        return close_container(p, out);
    return object ? take_key(p) : MST_OK;
}

// Puts a finished value where it belongs.
static mst_rc
deliver(parse_t *p, const mst_json_t *value)
{
    if (!p->frames[p->depth - 1].object)
        return push_child(p, value);
    p->children[p->child_count - 1].value = *value;
    return MST_OK;
}

// Behind a finished value: ends every container that ends here. *value is then the outermost finished one; with
// depth left, a comma was taken and the next value follows.
static mst_rc
finish(parse_t *p, mst_json_t *value)
{
    while (p->depth > 0) {
        mst_rc rc = deliver(p, value);
        if (rc != MST_OK)
            return rc;
        bool object = p->frames[p->depth - 1].object;
        skip_blanks(p);
        if (peek(p) == ',') {
            p->at++;
            return object ? take_key(p) : MST_OK;
        }
        if (peek(p) != (object ? '}' : ']'))
            return unexpected(p, object ? "',' or '}' in an object" : "',' or ']' in an array");
        rc = close_container(p, value);
        if (rc != MST_OK)
            return rc;
    }
    return MST_OK;
}

static mst_rc
parse_root(parse_t *p, mst_json_t *value)
{
    take_word(p, "\xEF\xBB\xBF");
    do {
        skip_blanks(p);
        bool complete = true;
        int c = peek(p);
        mst_rc rc = c == '{' || c == '[' ? open_container(p, value, &complete) : take_scalar(p, value);
        if (rc == MST_OK && complete)
            rc = finish(p, value);
        if (rc != MST_OK)
            return rc;
    } while (p->depth > 0);
    skip_blanks(p);
    return p->at == p->text.n ? MST_OK : unexpected(p, "nothing behind the value");
}

mst_rc
mst_json_parse_lenient(mst_str_t text, mst_arena_t *arena, const mst_json_t **out, mst_err_t *err)
{
    *out = NULL;
    if (text.n > MST_JSON_BYTES_MAX)
        return MST_ERR(err, MST_LIMIT, "JSON text of %zu bytes is over the limit of %lu bytes", text.n,
                       MST_JSON_BYTES_MAX);
    parse_t p;
    p.text = text.n > 0 ? text : MST_STR("");
    p.at = 0;
    p.arena = arena;
    p.err = err;
    p.children = NULL;
    p.child_count = p.child_cap = 0;
    p.depth = 0;
    mst_json_t value;
    mst_rc rc = parse_root(&p, &value);
    free(p.children);
    if (rc != MST_OK)
        return rc;
    mst_json_t *root = mst_arena_alloc_raw(arena, sizeof *root);
    if (root == NULL)
        return mst_json_arena_full(text.n, err);
    *root = value;
    *out = root;
    return MST_OK;
}
