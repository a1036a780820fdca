// The only C++ file: see simd.h. simdjson wants some readable bytes behind the text, so the text is copied into a
// buffer of ours; all memory grows in powers of two, and what one huge document took is given back.
#include "common/json/simd.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

static constexpr size_t first_bytes = 4096;
static constexpr size_t kept_bytes = 1024 * 1024;

struct mst_simd {
    simdjson::dom::parser parser;
    simdjson::dom::document doc;
    char *text = nullptr; // padded copy
    size_t cap = 0;

    ~mst_simd()
    {
        std::free(text);
    }
};

static bool
make_room(mst_simd_t *s, size_t n)
{
    if (s->text != nullptr && n <= s->cap)
        return true;
    size_t cap = first_bytes;
    while (cap < n)
        cap *= 2;
    std::free(s->text);
    s->cap = 0;
    s->text = static_cast<char *>(std::malloc(cap + simdjson::SIMDJSON_PADDING));
    if (s->text == nullptr || s->parser.allocate(cap) != simdjson::SUCCESS || s->doc.allocate(cap) != simdjson::SUCCESS)
        return false;
    s->cap = cap;
    return true;
}

extern "C" mst_simd_t *
mst_simd_new(void)
{
    return new (std::nothrow) mst_simd();
}

extern "C" void
mst_simd_free(mst_simd_t *s)
{
    delete s;
}

// Memory that one huge document took is given back at the next parse of a small one.
static void
shrink(mst_simd_t *s)
{
    s->parser = simdjson::dom::parser();
    s->doc = simdjson::dom::document();
    std::free(s->text);
    s->text = nullptr;
    s->cap = 0;
}

extern "C" int
mst_simd_parse(mst_simd_t *s, const char *p, size_t n, mst_simd_tape_t *out)
{
    if (s->cap > kept_bytes && n <= kept_bytes)
        shrink(s);
    if (!make_room(s, n))
        return simdjson::MEMALLOC;
    if (n > 0)
        std::memcpy(s->text, p, n);
    std::memset(s->text + n, 0, simdjson::SIMDJSON_PADDING);
    auto result = s->parser.parse_into_document(s->doc, s->text, n, false);
    if (result.error() != simdjson::SUCCESS)
        return result.error();
    out->tape = s->doc.tape.get();
    out->strings = s->doc.string_buf.get();
    return 0;
}

extern "C" size_t
mst_simd_f64(double v, char out[MST_SIMD_F64_MAX])
{
    auto result = std::to_chars(out, out + MST_SIMD_F64_MAX, v, std::chars_format::scientific);
    return static_cast<size_t>(result.ptr - out);
}
