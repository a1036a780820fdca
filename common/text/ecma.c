#include "common/text/ecma.h"

#include "common/base/utf8.h"
#include "common/text/ecma_property.h"

// What is written instead of what, where ECMA-262 and PCRE2 read the same text differently:
//
//   .               all but four line ends                        [^\n\r\x{2028}\x{2029}]
//   \d \w \s        ASCII, and ECMA-262's white space             their members
//   [] and [^]      nothing, and anything                          (?!) and (?s:.)
//   [ in a class    itself (PCRE2: may begin a POSIX class)        \[
//   (?<n>..) \k<n>  any name, of any length                        a group and its number
//   \uXXXX, \u{X}   a code point; two escapes for a pair           \x{...}
//   \p{Letter}      long names of properties                       \p{L}
//   $               the very end                                   by PCRE2_DOLLAR_ENDONLY
//
// \b means ASCII in both as long as PCRE2_UCP is off.

#define DEPTH_MAX 250 // PCRE2's own limit
#define NAMES_MAX 100
#define CP_MAX    0x10FFFFu

typedef enum { GROUP, LOOK_AHEAD, LOOK_BEHIND } group_kind_t;

typedef enum { ATOM_CP, ATOM_SET } atom_kind_t;

typedef struct {
    mst_str_t in;
    size_t at;
    bool strict;
    mst_buf_t *out;  // NULL: only checked
    const char *why; // set once: what is wrong
    mst_rc rc;
    uint32_t groups; // capturing groups of the whole pattern
    mst_str_t names[NAMES_MAX];
    uint32_t name_group[NAMES_MAX];
    size_t name_count;
    size_t depth;
    uint8_t kind[DEPTH_MAX];
} ecma_t;

static void
fail(ecma_t *e, mst_rc rc, const char *why)
{
    if (e->why == NULL) {
        e->why = why;
        e->rc = rc;
    }
}

static void
refuse(ecma_t *e, const char *why)
{
    fail(e, MST_INVAL, why);
}

static int
peek(const ecma_t *e, size_t ahead)
{
    return e->in.n - e->at > ahead ? (unsigned char)e->in.p[e->at + ahead] : -1;
}

static void
emit(ecma_t *e, mst_str_t s)
{
    if (e->out != NULL && mst_buf_add_str(e->out, s) != MST_OK)
        fail(e, MST_LIMIT, "it is too long");
}

static void
emit_cp(ecma_t *e, uint32_t cp)
{
    if (e->out == NULL)
        return;
    if (cp >= 0xD800 && cp < 0xE000)
        fail(e, MST_UNSUPPORTED, "a lone surrogate is in no UTF-8 text");
    else if (mst_buf_addf(e->out, "\\x{%x}", cp) != MST_OK)
        fail(e, MST_LIMIT, "it is too long");
}

static void
copy(ecma_t *e, size_t n)
{
    emit(e, mst_str(e->in.p + e->at, n));
    e->at += n;
}

static bool
is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int
hex_value(int c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// `digits` hexadecimal digits `ahead`, or -1.
static int32_t
hex(const ecma_t *e, size_t ahead, size_t digits)
{
    int32_t v = 0;
    for (size_t i = 0; i < digits; i++) {
        int d = hex_value(peek(e, ahead + i));
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

// Behind "\u{": up to "}".
static uint32_t
take_braced(ecma_t *e)
{
    uint32_t cp = 0;
    size_t from = e->at;
    for (int d; (d = hex_value(peek(e, 0))) >= 0; e->at++) {
        cp = cp * 16 + (uint32_t)d;
        if (cp > CP_MAX) {
            refuse(e, "a code point over U+10FFFF");
            return 0;
        }
    }
    if (e->at == from || peek(e, 0) != '}')
        refuse(e, "\\u{ wants hexadecimal digits and a closing brace");
    e->at++;
    return cp;
}

// At the "u" of an escape.
static uint32_t
take_unicode(ecma_t *e)
{
    e->at++;
    if (peek(e, 0) == '{') {
        e->at++;
        return take_braced(e);
    }
    int32_t cp = hex(e, 0, 4);
    if (cp < 0) {
        refuse(e, "\\u wants four hexadecimal digits");
        return 0;
    }
    e->at += 4;
    if (cp >= 0xD800 && cp < 0xDC00 && peek(e, 0) == '\\' && peek(e, 1) == 'u') {
        int32_t low = hex(e, 2, 4);
        if (low >= 0xDC00 && low < 0xE000) {
            e->at += 6;
            cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return (uint32_t)cp;
}

// An escape that stands for itself.
static uint32_t
take_identity(ecma_t *e, bool in_class)
{
    int c = peek(e, 0);
    bool syntax = c > 0 && strchr("^$\\.*+?()[]{}|/", c) != NULL;
    if (c < 0)
        refuse(e, "a backslash at the end");
    else if (is_letter(c) || is_digit(c))
        refuse(e, "an escape that ECMA-262 does not know");
    else if (e->strict && !syntax && !(in_class && c == '-'))
        refuse(e, "an escaped character that needs no escape");
    if (e->why != NULL)
        return 0;
    uint32_t cp;
    e->at += mst_utf8_next(mst_str(e->in.p + e->at, e->in.n - e->at), &cp);
    return cp;
}

// Behind a backslash: an escape that stands for one code point.
static uint32_t
take_cp_escape(ecma_t *e, bool in_class)
{
    static const char names[] = "tnrfv", values[] = "\t\n\r\f\v";
    int c = peek(e, 0);
    const char *name = c > 0 ? strchr(names, c) : NULL;
    if (name != NULL) {
        e->at++;
        return (uint32_t)values[name - names];
    }
    if (c == 'u')
        return take_unicode(e);
    if (c == 'x' && hex(e, 1, 2) >= 0) {
        int32_t cp = hex(e, 1, 2);
        e->at += 3;
        return (uint32_t)cp;
    }
    if (c == 'c' && is_letter(peek(e, 1))) {
        e->at += 2;
        return (uint32_t)(e->in.p[e->at - 1] & 0x1F);
    }
    if (c == '0' && !is_digit(peek(e, 1))) {
        e->at++;
        return 0;
    }
    return take_identity(e, in_class);
}

// At "p" or "P" of an escape; the translation is written.
static void
take_property(ecma_t *e)
{
    bool negated = peek(e, 0) == 'P';
    size_t end = e->at + 2;
    if (peek(e, 1) != '{') {
        refuse(e, "\\p wants a name in braces");
        return;
    }
    while (end < e->in.n && e->in.p[end] != '}')
        end++;
    mst_str_t name = mst_str(e->in.p + e->at + 2, end - e->at - 2), value;
    bool flip;
    const char *head = mst_ecma_property(name, &value, &flip);
    if (end == e->in.n || head == NULL) {
        refuse(e, "\\p wants a name of a property in braces");
        return;
    }
    e->at = end + 1;
    emit(e, negated != flip ? MST_STR("\\P{") : MST_STR("\\p{"));
    emit(e, mst_str_c(head));
    emit(e, value);
    emit(e, MST_STR("}"));
}

// The members of \d, \w and \s in a class, and those of \D, \W and \S. PCRE2's own \D and \W, without PCRE2_UCP, do not
// match what is not ASCII when compiled to machine code with PCRE2_MATCH_INVALID_UTF (PCRE2 10.42).
static const struct {
    char letter;
    const char *inside, *outside;
} sets[] = {
    {'d', "0-9", "\\x00-\\x2f\\x3a-\\x{10ffff}"},
    {'w', "0-9A-Z_a-z", "\\x00-\\x2f\\x3a-\\x40\\x5b-\\x5e\\x60\\x7b-\\x{10ffff}"},
    {'s', "\\x09-\\x0d\\x20\\xa0\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}",
     "\\x00-\\x08\\x0e-\\x1f\\x21-\\x9f\\xa1-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}"
     "\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"},
};

// Behind a backslash: d D w W s S p P. False when it is none of them.
static bool
take_set(ecma_t *e, bool in_class)
{
    int c = peek(e, 0);
    if (c == 'p' || c == 'P') {
        take_property(e);
        return true;
    }
    if (c <= 0 || strchr("dDwWsS", c) == NULL)
        return false;
    e->at++;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        bool negated = c == (sets[i].letter ^ 0x20);
        if (c != sets[i].letter && !negated)
            continue;
        if (!in_class)
            emit(e, negated ? MST_STR("[^") : MST_STR("["));
        emit(e, mst_str_c(negated && in_class ? sets[i].outside : sets[i].inside));
        if (!in_class)
            emit(e, MST_STR("]"));
    }
    return true;
}

// One atom of a class. A set writes itself; a code point is left to the caller, since it may begin a range.
static atom_kind_t
take_class_atom(ecma_t *e, uint32_t *cp)
{
    *cp = 0;
    if (peek(e, 0) != '\\') {
        e->at += mst_utf8_next(mst_str(e->in.p + e->at, e->in.n - e->at), cp);
        return ATOM_CP;
    }
    e->at++;
    if (take_set(e, true))
        return ATOM_SET;
    if (peek(e, 0) == 'b') {
        e->at++;
        *cp = 8;
    } else {
        *cp = take_cp_escape(e, true);
    }
    return ATOM_CP;
}

static void
take_class_range(ecma_t *e)
{
    uint32_t low, high;
    atom_kind_t first = take_class_atom(e, &low);
    bool range = peek(e, 0) == '-' && peek(e, 1) >= 0 && peek(e, 1) != ']';
    if (first == ATOM_CP)
        emit_cp(e, low);
    if (!range || e->why != NULL)
        return;
    e->at++;
    bool set_follows = peek(e, 0) == '\\' && peek(e, 1) > 0 && strchr("dDwWsSpP", peek(e, 1)) != NULL;
    if (first == ATOM_SET || set_follows) {
        if (e->strict)
            refuse(e, "a range in a class that begins or ends with a set");
        emit(e, MST_STR("\\-")); // the hyphen stands for itself; the set is the next atom
        return;
    }
    (void)take_class_atom(e, &high);
    if (low > high)
        refuse(e, "a range in a class that is out of order");
    emit(e, MST_STR("-"));
    emit_cp(e, high);
}

static void
take_class(ecma_t *e)
{
    e->at++;
    bool negated = peek(e, 0) == '^';
    e->at += negated;
    if (peek(e, 0) == ']') {
        e->at++;
        emit(e, negated ? MST_STR("(?s:.)") : MST_STR("(?!)"));
        return;
    }
    emit(e, negated ? MST_STR("[^") : MST_STR("["));
    while (e->why == NULL && peek(e, 0) >= 0 && peek(e, 0) != ']')
        take_class_range(e);
    if (peek(e, 0) != ']')
        refuse(e, "a class that is not closed");
    e->at++;
    emit(e, MST_STR("]"));
}

// Bytes of a name that ends with '>', beginning `ahead`; 0 when there is none.
static size_t
name_bytes(const ecma_t *e, size_t ahead)
{
    size_t n = 0;
    for (;; n++) {
        int c = peek(e, ahead + n);
        if (c == '>')
            return n;
        if (!(is_letter(c) || c == '$' || c == '_' || c >= 0x80 || (n > 0 && is_digit(c))))
            return 0;
    }
}

static uint32_t
group_named(const ecma_t *e, mst_str_t name)
{
    for (size_t i = 0; i < e->name_count; i++) {
        if (mst_str_eq(e->names[i], name))
            return e->name_group[i];
    }
    return 0;
}

static void
emit_reference(ecma_t *e, uint32_t group)
{
    if (e->out != NULL && mst_buf_addf(e->out, "\\g{%u}", group) != MST_OK)
        fail(e, MST_LIMIT, "it is too long");
}

// At "k" or a digit from 1 to 9 of an escape.
static void
take_reference(ecma_t *e)
{
    uint32_t group = 0;
    if (peek(e, 0) == 'k') {
        size_t n = peek(e, 1) == '<' ? name_bytes(e, 2) : 0;
        group = n > 0 ? group_named(e, mst_str(e->in.p + e->at + 2, n)) : 0;
        e->at += n + 3;
    } else {
        for (; is_digit(peek(e, 0)); e->at++)
            group = group > e->groups ? group : group * 10 + (uint32_t)(peek(e, 0) - '0');
    }
    if (group == 0 || group > e->groups)
        refuse(e, "a back reference to no group");
    else
        emit_reference(e, group);
}

// At a backslash. False when a quantifier may not follow.
static bool
take_escape(ecma_t *e)
{
    e->at++;
    int c = peek(e, 0);
    if (c == 'b' || c == 'B') {
        emit(e, c == 'b' ? MST_STR("\\b") : MST_STR("\\B"));
        e->at++;
        return false;
    }
    if (c == 'k' || (c >= '1' && c <= '9'))
        take_reference(e);
    else if (!take_set(e, false))
        emit_cp(e, take_cp_escape(e, false));
    return true;
}

static void
push(ecma_t *e, group_kind_t kind)
{
    if (e->depth == DEPTH_MAX)
        fail(e, MST_LIMIT, "groups nested more than 250 deep");
    else
        e->kind[e->depth++] = (uint8_t)kind;
}

// At "(?" with flags behind it: "(?i:", "(?-s:", "(?im-s:", and, not strictly, "(?i)".
static bool
take_flags(ecma_t *e)
{
    size_t n = 2;
    while (peek(e, n) > 0 && strchr("ims-", peek(e, n)) != NULL)
        n++;
    int end = peek(e, n);
    if (n == 2 || (end != ':' && (end != ')' || e->strict)))
        return false;
    if (end == ':')
        push(e, GROUP);
    copy(e, n + 1);
    return true;
}

static void
open_group(ecma_t *e)
{
    if (peek(e, 1) == '*') {
        refuse(e, "nothing to repeat");
        return;
    }
    if (peek(e, 1) != '?') {
        push(e, GROUP);
        copy(e, 1);
        return;
    }
    int a = peek(e, 2), b = peek(e, 3);
    if (a == ':' || a == '=' || a == '!') {
        push(e, a == ':' ? GROUP : LOOK_AHEAD);
        copy(e, 3);
    } else if (a == '<' && (b == '=' || b == '!')) {
        push(e, LOOK_BEHIND);
        copy(e, 4);
    } else if (a == '<' && name_bytes(e, 3) > 0) {
        push(e, GROUP);
        e->at += 4 + name_bytes(e, 3);
        emit(e, MST_STR("("));
    } else if (!take_flags(e)) {
        refuse(e, "a kind of group that ECMA-262 does not know");
    }
}

// At ")". False when a quantifier may not follow.
static bool
close_group(ecma_t *e)
{
    if (e->depth == 0) {
        refuse(e, "a closing parenthesis without an opening one");
        return false;
    }
    copy(e, 1);
    uint8_t kind = e->kind[--e->depth];
    return kind == GROUP || (kind == LOOK_AHEAD && !e->strict);
}

static uint64_t
take_count(const ecma_t *e, size_t *ahead)
{
    uint64_t v = 0;
    for (; is_digit(peek(e, *ahead)); ++*ahead) {
        if (v < 1000000000000u)
            v = v * 10 + (uint64_t)(peek(e, *ahead) - '0');
    }
    return v;
}

// Bytes of "{n}", "{n,}" or "{n,m}" at the place, 0 when it is none of them.
static size_t
braces(ecma_t *e)
{
    size_t n = 1;
    if (peek(e, 0) != '{' || !is_digit(peek(e, 1)))
        return 0;
    uint64_t low = take_count(e, &n), high = UINT64_MAX;
    if (peek(e, n) == ',') {
        n++;
        if (is_digit(peek(e, n)))
            high = take_count(e, &n);
    }
    if (peek(e, n) != '}')
        return 0;
    if (low > high)
        refuse(e, "a repeat whose numbers are out of order");
    return n + 1;
}

static size_t
quantifier(ecma_t *e)
{
    int c = peek(e, 0);
    return c == '*' || c == '+' || c == '?' ? 1 : braces(e);
}

// One character that is neither of an escape nor of a class or group.
static bool
take_plain(ecma_t *e)
{
    int c = peek(e, 0);
    bool lone = c == '{' || c == '}' || c == ']';
    if (quantifier(e) > 0)
        refuse(e, "nothing to repeat");
    else if (lone && e->strict)
        refuse(e, "a lone bracket or brace");
    else if (lone)
        emit(e, MST_STR("\\"));
    if (e->why != NULL)
        return false;
    if (c == '.') {
        emit(e, MST_STR("[^\\n\\r\\x{2028}\\x{2029}]"));
        e->at++;
        return true;
    }
    uint32_t cp;
    copy(e, mst_utf8_next(mst_str(e->in.p + e->at, e->in.n - e->at), &cp));
    return c != '^' && c != '$' && c != '|';
}

static void
term(ecma_t *e)
{
    bool repeatable;
    switch (peek(e, 0)) {
    case '\\':
        repeatable = take_escape(e);
        break;
    case '[':
        take_class(e);
        repeatable = true;
        break;
    case '(':
        open_group(e);
        return;
    case ')':
        repeatable = close_group(e);
        break;
    default:
        repeatable = take_plain(e);
        break;
    }
    size_t n = e->why == NULL && repeatable ? quantifier(e) : 0;
    if (n > 0) {
        copy(e, n);
        if (peek(e, 0) == '?')
            copy(e, 1);
    }
}

// Counts capturing groups and notes their names, which references before them may use.
static void
count_groups(ecma_t *e)
{
    bool in_class = false;
    for (; e->at < e->in.n; e->at++) {
        int c = peek(e, 0);
        if (c == '\\')
            e->at++;
        else if (c == '[' || c == ']')
            in_class = c == '[';
        if (c != '(' || in_class)
            continue;
        size_t n = peek(e, 1) == '?' && peek(e, 2) == '<' ? name_bytes(e, 3) : 0;
        e->groups += n > 0 || peek(e, 1) != '?';
        if (n == 0)
            continue;
        mst_str_t name = mst_str(e->in.p + e->at + 3, n);
        if (e->name_count == NAMES_MAX)
            fail(e, MST_LIMIT, "more than 100 named groups");
        else if (group_named(e, name) != 0)
            refuse(e, "two groups of one name");
        if (e->why != NULL)
            return;
        e->names[e->name_count] = name;
        e->name_group[e->name_count++] = e->groups;
    }
    e->at = 0;
}

static void
run(ecma_t *e)
{
    count_groups(e);
    while (e->why == NULL && e->at < e->in.n)
        term(e);
    if (e->why == NULL && e->depth > 0)
        refuse(e, "a group that is not closed");
}

mst_rc
mst_ecma_translate(mst_str_t pattern, mst_buf_t *out, mst_err_t *err)
{
    ecma_t e;
    memset(&e, 0, sizeof e);
    e.in = pattern;
    e.out = out;
    run(&e);
    if (e.why == NULL)
        return MST_OK;
    mst_str_t shown = mst_str_cut(pattern, 80);
    return MST_ERR(err, e.rc, "could not compile pattern \"%.*s\": %s, at offset %zu", MST_FMT(shown), e.why,
                   e.at < pattern.n ? e.at : pattern.n);
}

bool
mst_ecma_valid(mst_str_t pattern)
{
    ecma_t e;
    memset(&e, 0, sizeof e);
    e.in = pattern;
    e.strict = true;
    run(&e);
    return e.why == NULL;
}
