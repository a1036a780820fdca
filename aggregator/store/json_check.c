// A checker of JSON text without a tree. What it accepts is put raw into a larger document, and SQLite's json_each
// stops at the first broken one: so it is strict, and it leaves out what RFC 8259 leaves out.
#include "aggregator/store/scores.h"

#include "common/base/utf8.h"

#define DEPTH_MAX 32

typedef struct {
    const unsigned char *p, *end;
    uint32_t objects; // bit per depth: an object (set) or an array
    int depth;
} check_t;

static void
blanks(check_t *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t' || *c->p == '\r'))
        c->p++;
}

static bool
take(check_t *c, unsigned char b)
{
    if (c->p >= c->end || *c->p != b)
        return false;
    c->p++;
    return true;
}

static bool
escape(check_t *c)
{
    if (c->p >= c->end)
        return false;
    unsigned char b = *c->p++;
    if (b != 'u')
        return b != 0 && strchr("\"\\/bfnrt", b) != NULL;
    for (int i = 0; i < 4; i++, c->p++)
        if (c->p >= c->end || *c->p == 0 || !strchr("0123456789abcdefABCDEF", *c->p))
            return false;
    return true;
}

static bool
string(check_t *c)
{
    if (!take(c, '"'))
        return false;
    while (c->p < c->end && *c->p != '"') {
        if (*c->p < 0x20)
            return false;
        if (*c->p++ == '\\' && !escape(c))
            return false;
    }
    return take(c, '"');
}

static bool
digits(check_t *c)
{
    const unsigned char *from = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
        c->p++;
    return c->p > from;
}

static bool
number(check_t *c)
{
    take(c, '-');
    if (!take(c, '0') && !digits(c))
        return false;
    if (take(c, '.') && !digits(c))
        return false;
    if (take(c, 'e') || take(c, 'E')) {
        if (!take(c, '+'))
            take(c, '-');
        return digits(c);
    }
    return true;
}

static bool
word(check_t *c, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, w, n) != 0)
        return false;
    c->p += n;
    return true;
}

static bool
scalar(check_t *c)
{
    if (c->p >= c->end)
        return false;
    switch (*c->p) {
    case '"':
        return string(c);
    case 't':
        return word(c, "true");
    case 'f':
        return word(c, "false");
    case 'n':
        return word(c, "null");
    default:
        return number(c);
    }
}

static bool
in_object(const check_t *c)
{
    return (c->objects >> (c->depth - 1) & 1) != 0;
}

static bool
key(check_t *c)
{
    blanks(c);
    bool ok = string(c);
    blanks(c);
    ok = ok && take(c, ':');
    blanks(c);
    return ok;
}

static bool
open_level(check_t *c)
{
    bool object = *c->p++ == '{';
    if (c->depth == DEPTH_MAX)
        return false;
    uint32_t bit = 1U << c->depth++;
    c->objects = object ? c->objects | bit : c->objects & ~bit;
    return true;
}

// After a value: closes levels as long as they end here. *more: another value follows.
static bool
after_value(check_t *c, bool *more)
{
    *more = false;
    while (c->depth > 0) {
        blanks(c);
        if (take(c, ',')) {
            *more = true;
            blanks(c);
            return !in_object(c) || key(c);
        }
        if (!take(c, in_object(c) ? '}' : ']'))
            return false;
        c->depth--;
    }
    return true;
}

bool
mst_json_is_object_text(mst_str_t s)
{
    check_t c = {.p = (const unsigned char *)s.p, .end = (const unsigned char *)s.p + s.n};
    if (s.n < 2 || *c.p != '{' || !mst_utf8_valid(s))
        return false;
    bool more = true;
    while (more) {
        blanks(&c);
        bool opens = c.p < c.end && (*c.p == '{' || *c.p == '[');
        if (!opens) {
            if (!scalar(&c) || !after_value(&c, &more))
                return false;
            continue;
        }
        if (!open_level(&c))
            return false;
        blanks(&c);
        if (take(&c, in_object(&c) ? '}' : ']')) {
            c.depth--;
            if (!after_value(&c, &more))
                return false;
        } else if (in_object(&c) && !key(&c)) {
            return false;
        }
    }
    blanks(&c);
    return c.p == c.end;
}
