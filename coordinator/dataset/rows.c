// The second pass, row by row: line, JSON, fields, id, digest. A row that fails at any of these is refused and
// leaves no trace but its count.
#include "coordinator/dataset/state.h"

#include "common/base/utf8.h"

#include <inttypes.h>
#include <stdio.h>

// Ends the dataset with an error that every later call repeats.
static mst_rc
stop(mst_dataset_t *d, mst_rc rc, mst_err_t *err)
{
    d->stopped = true;
    d->stop = *err;
    d->stop.rc = rc;
    return rc;
}

// Text from the file may be anything; a message is one printable line.
static void
clean(char *z)
{
    for (; *z != '\0'; z++)
        if ((unsigned char)*z < 0x20 || *z == 0x7f)
            *z = '?';
}

// Counts and tells of one bad row. MST_OK: go on with the next one.
static mst_rc
refuse(mst_dataset_t *d, uint64_t line, const char *why, mst_err_t *err)
{
    d->refused++;
    mst_refused_t r = {.line = line};
    mst_str_t cut = mst_str_cut(mst_str_c(why), sizeof r.message - 1);
    memcpy(r.message, cut.p, cut.n);
    clean(r.message);
    if (d->strict) {
        MST_ERR(err, MST_INVAL, "%s, %s %" PRIu64 ": %s", d->name, d->bytes != NULL ? "line" : "record", line,
                r.message);
        return stop(d, MST_INVAL, err);
    }
    if (d->on_refused != NULL)
        d->on_refused(d->ud, &r);
    return MST_OK;
}

// The parser says "line 1 column 7: ..."; of the line we know more.
static const char *
without_line(const char *message)
{
    const char *prefix = "line 1 ";
    return strncmp(message, prefix, strlen(prefix)) == 0 ? message + strlen(prefix) : message;
}

// One line as JSON. MST_INVAL, MST_PROTO, MST_LIMIT: refused, why is the sentence.
static mst_rc
parse_line(mst_dataset_t *d, const mst_line_t *line, const mst_json_t **out, mst_err_t *why)
{
    if (line->too_long)
        return MST_ERR(why, MST_LIMIT, "the line is longer than %lu MiB", MST_JSONL_LINE_MAX / MST_MIB);
    bool lenient = false;
    mst_rc rc = mst_json_parse(d->parser, line->text, d->row, out, &lenient, why);
    if (rc != MST_OK || lenient) // what simdjson reads is valid UTF-8
        for (size_t at = 0; at < line->text.n;) {
            uint32_t cp;
            mst_str_t rest = mst_str(line->text.p + at, line->text.n - at);
            size_t n = mst_utf8_next(rest, &cp);
            if (n == 1 && (unsigned char)*rest.p >= 0x80)
                return MST_ERR(why, MST_INVAL, "the line is not valid UTF-8: byte 0x%02x at offset %zu",
                               (unsigned char)*rest.p, at);
            at += n;
        }
    if (rc == MST_PROTO) {
        char message[MST_ERR_MESSAGE_MAX];
        snprintf(message, sizeof message, "%s", without_line(why->message));
        return MST_ERR(why, MST_INVAL, "the line is not valid JSON: %s", message);
    }
    return rc;
}

static mst_rc
take_id(mst_dataset_t *d, mst_case_t *c, mst_err_t *why)
{
    mst_rc rc;
    if (c->id.n > 0) {
        rc = mst_ids_take(d->ids, c->id);
        if (rc == MST_CONFLICT)
            return MST_ERR(why, MST_INVAL, "id \"%.*s\" was used by an earlier row", MST_FMT(mst_str_cut(c->id, 120)));
    } else {
        char id[MST_ASSIGNED_ID_MAX];
        bool ok = true;
        rc = mst_ids_assign(d->ids, d->cases, id);
        if (rc == MST_OK)
            c->id = mst_arena_dup(d->row, mst_str_c(id), &ok);
        if (!ok)
            return MST_ERR(why, MST_INVAL, "the row is too large");
    }
    return rc == MST_OK ? MST_OK : MST_ERR(why, rc, "%s: out of memory for the ids", d->name);
}

// Numbers may take several times their room when written out. A case that could not travel is refused here.
static bool
fits(const mst_case_t *c)
{
    size_t n = c->input.n + c->expected.n + c->actual.n + c->messages.n + c->context.n + c->retrieval_context.n +
               c->metadata.n;
    return n <= MST_CASE_BYTES_MAX - 64 * MST_KIB;
}

// A parsed row becomes d->held, or is refused with why (MST_INVAL, MST_LIMIT).
static mst_rc
accept(mst_dataset_t *d, const mst_json_t *row, mst_err_t *why)
{
    mst_rc rc = mst_row_to_case(&d->map, row, d->row, &d->scratch, &d->held, why);
    if (rc == MST_OK && (!fits(&d->held) || !mst_dataset_canonical(d, row)))
        rc = MST_ERR(why, MST_LIMIT, "the row is too large");
    if (rc == MST_OK)
        rc = take_id(d, &d->held, why);
    if (rc != MST_OK)
        return rc;
    mst_digest_t digest = mst_sha256(mst_buf_view(&d->canonical));
    mst_digest_sum(&d->hash, &digest);
    memcpy(d->held.digest, digest.b, sizeof d->held.digest);
    d->held.case_no = d->cases++;
    return MST_OK;
}

// The next row that is there at all. MST_OK with *out, or a refusal with why; MST_NOTFOUND at the end; *fatal: the
// error is no row's fault.
static mst_rc
next_row(mst_dataset_t *d, const mst_json_t **out, uint64_t *number, bool *fatal, mst_err_t *why)
{
    *fatal = false;
    mst_arena_reset(d->row);
    if (d->bytes == NULL) {
        if (d->next_record == d->records->count)
            return MST_NOTFOUND;
        *out = &d->records->u.items[d->next_record++];
        *number = d->next_record;
        return MST_OK;
    }
    mst_line_t line;
    do {
        mst_rc rc = mst_lines_next(d->lines, &line, why);
        *fatal = rc != MST_OK && rc != MST_NOTFOUND;
        if (rc != MST_OK)
            return rc;
    } while (!line.too_long && mst_str_trim(line.text).n == 0);
    *number = line.number;
    return parse_line(d, &line, out, why);
}

// Reads on until a row is accepted.
static mst_rc
hold_next(mst_dataset_t *d, mst_err_t *err)
{
    for (;;) {
        const mst_json_t *row = NULL;
        uint64_t number = 0;
        bool fatal;
        mst_err_t why;
        mst_rc rc = next_row(d, &row, &number, &fatal, &why);
        if (rc == MST_NOTFOUND && !fatal)
            return rc;
        if (rc == MST_OK)
            rc = accept(d, row, &why);
        if (rc == MST_OK)
            return MST_OK;
        if (fatal || rc == MST_NOMEM) {
            *err = why;
            return stop(d, rc, err);
        }
        rc = refuse(d, number, why.message, err);
        if (rc != MST_OK)
            return rc;
    }
}

static bool
copy_case(const mst_case_t *from, mst_arena_t *arena, mst_case_t *out)
{
    *out = *from;
    mst_str_t *texts[] = {&out->id,       &out->input,   &out->expected,          &out->actual,
                          &out->messages, &out->context, &out->retrieval_context, &out->metadata};
    bool ok = true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && ok; i++)
        if (texts[i]->p != NULL)
            *texts[i] = mst_arena_dup(arena, *texts[i], &ok);
    return ok;
}

mst_rc
mst_dataset_next(mst_dataset_t *d, mst_arena_t *arena, mst_case_t *out, mst_err_t *err)
{
    mst_err_t local;
    if (err == NULL)
        err = &local;
    if (d->stopped) {
        *err = d->stop;
        return d->stop.rc;
    }
    if (!d->pending) {
        if (d->limit >= 0 && d->cases >= (uint64_t)d->limit)
            return MST_NOTFOUND;
        if (d->cases == MST_CASES_MAX) {
            MST_ERR(err, MST_LIMIT, "%s has more than %lu cases", d->name, MST_CASES_MAX);
            return stop(d, MST_LIMIT, err);
        }
        mst_rc rc = hold_next(d, err);
        if (rc != MST_OK)
            return rc;
    }
    d->pending = !copy_case(&d->held, arena, out);
    if (d->pending)
        return MST_ERR(err, MST_LIMIT, "case \"%.*s\" does not fit the memory for it",
                       MST_FMT(mst_str_cut(d->held.id, 120)));
    return MST_OK;
}
