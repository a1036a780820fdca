// Host names: RFC 1123, with A-labels ("xn--...") that must mean something, and IDNA 2008's U-labels.
#include "common/schema/format.h"

#include "common/base/utf8.h"
#include "common/schema/idna.h"

#define NAME_MAX_OCTETS 253
#define LABELS_MAX      127

typedef struct {
    bool idn, rtl, ltr_broken;
    size_t octets;
} host_t;

static bool
is_ldh(char c)
{
    char low = (char)(c | 0x20);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static void
note_direction(host_t *h, const uint32_t *cps, size_t n)
{
    h->rtl = h->rtl || mst_idna_has_rtl(cps, n);
    h->ltr_broken = h->ltr_broken || !mst_idna_bidi_ok(cps, n);
}

// Behind "xn--", in any case.
static bool
is_a_label(host_t *h, mst_str_t text)
{
    char low[MST_LABEL_MAX], again[MST_LABEL_MAX];
    uint32_t cps[MST_LABEL_MAX];
    for (size_t i = 0; i < text.n; i++)
        low[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] | 0x20) : text.p[i];
    size_t n = mst_punycode_decode(mst_str(low, text.n), cps);
    bool ascii = true;
    for (size_t i = 0; i < n; i++)
        ascii = ascii && cps[i] < 0x80;
    if (n == 0 || ascii || !mst_idna_label_ok(cps, n))
        return false;
    size_t back = mst_punycode_encode(cps, n, again);
    if (back != text.n || memcmp(low, again, back) != 0)
        return false;
    note_direction(h, cps, n);
    return true;
}

static bool
is_ascii_label(host_t *h, mst_str_t label)
{
    if (label.n == 0 || label.n > MST_LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    uint32_t cps[MST_LABEL_MAX];
    for (size_t i = 0; i < label.n; i++) {
        if (!is_ldh(label.p[i]))
            return false;
        cps[i] = (uint32_t)label.p[i];
    }
    bool reserved = label.n >= 4 && label.p[2] == '-' && label.p[3] == '-';
    if (reserved && (label.p[0] | 0x20) == 'x' && (label.p[1] | 0x20) == 'n')
        return is_a_label(h, mst_str(label.p + 4, label.n - 4));
    note_direction(h, cps, label.n);
    return !reserved || !h->idn;
}

static bool
is_label(host_t *h, mst_str_t label)
{
    uint32_t cps[MST_LABEL_MAX];
    size_t n = 0;
    bool ascii = true;
    h->octets += label.n;
    for (size_t i = 0; i < label.n && ascii; i++)
        ascii = (label.p[i] & 0x80) == 0;
    if (ascii)
        return is_ascii_label(h, label);
    if (!h->idn || !mst_utf8_valid(label))
        return false;
    for (mst_str_t rest = label; rest.n > 0;) {
        if (n == MST_LABEL_MAX)
            return false;
        size_t bytes = mst_utf8_next(rest, &cps[n++]);
        rest = mst_str(rest.p + bytes, rest.n - bytes);
    }
    char wire[MST_LABEL_MAX];
    size_t octets = mst_punycode_encode(cps, n, wire);
    if (octets == 0 || octets + 4 > MST_LABEL_MAX || !mst_idna_label_ok(cps, n))
        return false;
    h->octets += octets + 4 - label.n;
    note_direction(h, cps, n);
    return true;
}

// Bytes of a separator at the front of s: "." and, for IDN, the three that RFC 3490 takes for it.
static size_t
separator(mst_str_t s, bool idn)
{
    if (s.p[0] == '.')
        return 1;
    bool wide = idn && (mst_str_starts(s, MST_STR("\xE3\x80\x82")) || mst_str_starts(s, MST_STR("\xEF\xBC\x8E")) ||
                        mst_str_starts(s, MST_STR("\xEF\xBD\xA1")));
    return wide ? 3 : 0;
}

static bool
is_host(mst_str_t s, bool idn)
{
    host_t h = {.idn = idn};
    size_t from = 0, labels = 0;
    if (s.n > 4 * NAME_MAX_OCTETS)
        return false;
    for (size_t i = 0; i <= s.n;) {
        size_t n = i < s.n ? separator(mst_str(s.p + i, s.n - i), idn) : 1;
        if (n == 0) {
            i++;
            continue;
        }
        if (++labels > LABELS_MAX || !is_label(&h, mst_str(s.p + from, i - from)))
            return false;
        i += n;
        from = i;
    }
    return h.octets + labels - 1 <= NAME_MAX_OCTETS && !(h.rtl && h.ltr_broken);
}

bool
mst_format_hostname(mst_str_t s)
{
    return is_host(s, false);
}

bool
mst_format_idn_hostname(mst_str_t s)
{
    return is_host(s, true);
}
