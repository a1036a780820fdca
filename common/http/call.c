#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/http/client_impl.h"

// An easy handle is set up once, for all calls that will use it. The callbacks here stamp, count and copy: they run for
// every piece of every answer.

enum { STATUS_AT = 9 };

#define RETRY_AFTER_MAX_MS 120000 // a longer wait is no hint but a refusal: ignored
#define HEADER_TOO_LARGE   "the header of the answer is larger than the limit of 64 KiB"

// Counts wire_bytes more of the read that is going on; true when they are not its first.
static bool
follows(mst_http_call_t *call, size_t wire_bytes)
{
    bool same = call->last_read == call->http->read_no;
    call->last_read = call->http->read_no;
    call->read_offset = (same ? call->read_offset : 0) + wire_bytes;
    return same;
}

// Arrival of the piece that curl is handing us, of wire_bytes on the wire. *source: the weakest of all pieces so far.
//
// In one go curl may take several segments, each with a stamp of its own. The first piece has the first stamp; the
// others, which are marked as merged, have the last one, or the present when it does not cover them: an upper bound.
//
// No kernel stamp: bytes that curl took in a timer's run, and the first moments of a machine's stamping. And a stamp
// that cannot be right (before the request, or after now) is none.
static int64_t
arrival(mst_http_call_t *call, size_t wire_bytes, mst_stamp_source_t *source)
{
    mst_http_t *http = call->http;
    bool follower = follows(call, wire_bytes);
    bool asked = http->read_fd >= 0 && http->read_fd == call->fd;
    int64_t now_ns = mst_mono_ns(), rx_ns = asked ? http->read.first_ns : MST_NONE;
    bool kernel = rx_ns >= call->start_ns && rx_ns <= now_ns;
    if (!kernel)
        rx_ns = now_ns;
    else if (follower)
        rx_ns = mst_stamps_follower(&http->read, call->read_offset, now_ns);
    if (!kernel || *source == MST_STAMP_NONE)
        *source = kernel ? MST_STAMP_KERNEL : MST_STAMP_USER;
    if (rx_ns < call->last_rx_ns)
        rx_ns = call->last_rx_ns; // a user stamp is late; what comes after it came later
    call->last_rx_ns = rx_ns;
    return rx_ns;
}

// What a piece of the body takes on the wire: a chunk has its length in front and two line ends.
static size_t
on_wire(const mst_http_call_t *call, size_t n)
{
    size_t digits = 1;
    for (size_t rest = n; rest > 15; rest /= 16)
        digits++;
    return call->chunked ? n + digits + 4 : n;
}

static size_t
stop_with(mst_http_call_t *call, mst_rc why, const char *message)
{
    if (call->why == MST_OK) {
        call->why = why;
        snprintf(call->message, sizeof call->message, "%s", message);
    }
    return 0; // curl ends the transfer when fewer bytes are taken than it gave
}

static size_t
on_body(char *p, size_t size, size_t n, void *ud)
{
    mst_http_call_t *call = ud;
    n *= size;
    if (call->why != MST_OK)
        return 0;
    if (call->encoded)
        return stop_with(call, MST_PROTO, "the server compressed its answer although identity was asked for");
    call->body_bytes += n;
    if (call->body_bytes > call->body_max) {
        char message[128];
        snprintf(message, sizeof message, "the answer is larger than the limit of %zu bytes", call->body_max);
        return stop_with(call, MST_LIMIT, message);
    }
    int64_t rx_ns = arrival(call, on_wire(call, n), &call->result.rx_source);
    bool merged = call->last_body_read == call->http->read_no;
    call->last_body_read = call->http->read_no;
    call->result.merged_reads += merged;
    if (!call->handler.on_data(call->ud, mst_str(p, n), rx_ns, merged))
        return stop_with(call, MST_CANCELED, "canceled while the answer was coming in");
    return n;
}

static void
keep(mst_http_value_t *value, mst_str_t text)
{
    value->n = text.n < sizeof value->text ? text.n : sizeof value->text;
    memcpy(value->text, text.p, value->n);
}

// Limits, timings and versions of the server, whatever it is. Names without the ending that differs.
static bool
is_told(mst_str_t name)
{
    static const char *const starts[] = {"x-ratelimit-",     "anthropic-ratelimit-",
                                         "openai-",          "x-compute-",
                                         "x-total-time",     "x-validation-time",
                                         "x-queue-time",     "x-inference-time",
                                         "x-time-per-token", "x-prompt-",
                                         "x-generated-",     "x-envoy-upstream-service-time",
                                         "x-litellm-",       "cf-ray",
                                         "server-timing",    "retry-after",
                                         "x-should-retry"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t n = strlen(starts[i]);
        if (name.n >= n && strncasecmp(name.p, starts[i], n) == 0)
            return true;
    }
    return false;
}

// What does not fit is left out, line by line.
static void
keep_line(mst_http_call_t *call, mst_str_t name, mst_str_t text)
{
    size_t n = name.n + text.n + 3;
    if (n > sizeof call->kept - call->kept_n || !is_told(name))
        return;
    char *to = call->kept + call->kept_n;
    for (size_t i = 0; i < name.n; i++)
        to[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 'a' - 'A') : name.p[i];
    memcpy(to + name.n, ": ", 2);
    if (text.n > 0)
        memcpy(to + name.n + 2, text.p, text.n);
    to[n - 1] = '\n';
    call->kept_n += n;
}

static void
set_retry_after(mst_http_call_t *call, double ms)
{
    if (ms > 0 && ms <= RETRY_AFTER_MAX_MS && call->result.retry_after_ms == 0)
        call->result.retry_after_ms = ms < 1 ? 1 : (int64_t)ms;
}

// Seconds, with a fraction too, or a date.
static void
on_retry_after(mst_http_call_t *call, mst_str_t text)
{
    double seconds;
    char date[64];
    if (mst_str_to_f64(text, false, &seconds)) {
        set_retry_after(call, seconds * 1000);
    } else if (text.n > 0 && text.n < sizeof date) {
        memcpy(date, text.p, text.n);
        date[text.n] = '\0';
        time_t at = curl_getdate(date, NULL);
        if (at > 0)
            set_retry_after(call, (double)at * 1000 - (double)(mst_wall_ns() / MST_NS_PER_MS));
    }
}

static bool
is_name(mst_str_t name, const char *z, size_t n)
{
    return name.n == n && strncasecmp(name.p, z, n) == 0;
}

#define IS(name, literal) is_name((name), literal, sizeof(literal) - 1)

static void
on_field(mst_http_call_t *call, mst_str_t name, mst_str_t text)
{
    double ms;
    keep_line(call, name, text);
    if (IS(name, "content-type"))
        keep(&call->content_type, text);
    else if (IS(name, "server"))
        keep(&call->server, text);
    else if (IS(name, "x-request-id") || IS(name, "request-id"))
        keep(&call->request_id, text);
    else if (IS(name, "content-encoding"))
        call->encoded = text.n > 0 && !is_name(text, "identity", 8);
    else if (IS(name, "transfer-encoding"))
        call->chunked = is_name(text, "chunked", 7);
    else if (IS(name, "retry-after"))
        on_retry_after(call, text);
    else if (IS(name, "retry-after-ms") && mst_str_to_f64(text, false, &ms)) {
        call->result.retry_after_ms = 0; // the finer of the two
        set_retry_after(call, ms);
    } else if (IS(name, "x-should-retry")) {
        call->result.should_retry = is_name(text, "true", 4) ? 1 : is_name(text, "false", 5) ? -1 : 0;
    }
}

// A status line begins a header; an interim one (1xx) is followed by another.
static void
on_status(mst_http_call_t *call, mst_str_t line)
{
    uint64_t status = 0;
    if (line.n >= STATUS_AT + 3)
        (void)mst_str_to_u64(mst_str(line.p + STATUS_AT, 3), &status);
    call->result.status = (int)status;
    call->content_type.n = call->server.n = call->request_id.n = call->kept_n = 0;
    call->result.retry_after_ms = 0;
    call->result.should_retry = 0;
    call->encoded = call->chunked = false;
}

static size_t
on_header(char *p, size_t size, size_t n, void *ud)
{
    mst_http_call_t *call = ud;
    n *= size;
    if (call->why != MST_OK)
        return 0;
    if (call->result.first_byte_mono_ns == MST_NONE)
        call->result.first_byte_mono_ns = arrival(call, n, &call->head_source);
    else
        (void)follows(call, n);
    call->result.sent = true;
    call->header_bytes += n;
    if (call->header_bytes > MST_HTTP_HEADER_MAX)
        return stop_with(call, MST_LIMIT, HEADER_TOO_LARGE);
    mst_str_t line = mst_str(p, n);
    if (mst_str_starts(line, MST_STR("HTTP/"))) {
        on_status(call, line);
        return n;
    }
    const char *colon = memchr(p, ':', n);
    if (colon) {
        size_t name_n = (size_t)(colon - p);
        on_field(call, mst_str(p, name_n), mst_str_trim(mst_str(colon + 1, n - name_n - 1)));
    }
    return n;
}

static int
on_connected(void *ud, char *remote, char *local, int remote_port, int local_port)
{
    mst_http_call_t *call = ud;
    mst_sock_connected(call, remote, local, remote_port, local_port);
    call->in_request = true;
    call->user_send_ns = mst_mono_ns();
    return CURL_PREREQFUNC_OK;
}

static void
set_up(mst_http_call_t *call)
{
    const mst_http_t *http = call->http;
    CURL *e = call->easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, call);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); // one answer per socket: its stamps
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); // a proxy's answer is not the server's
    curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)MST_HTTP_READ_BYTES);
    curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, 4L); // servers drop idle connections after 5 s: do not race them
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    // Both address families at once: the timer that would wait for the first one still fires when the answer is on its
    // way, and curl then reads without our stamp.
    curl_easy_setopt(e, CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, 0L);
    curl_easy_setopt(e, CURLOPT_USERAGENT, http->user_agent);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->curl_message);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, call);
    mst_sock_set_up(call);
    mst_net_watch_tls(call);
}

void
mst_call_set_up(mst_http_call_t *call)
{
    curl_easy_reset(call->easy);
    mst_buf_reset(&call->url);
    call->method[0] = '\0';
    set_up(call);
}

mst_rc
mst_call_new(mst_http_t *http, mst_http_call_t **out, mst_err_t *err)
{
    CURL *easy = curl_easy_init();
    CURLU *url = curl_url();
    if (!easy || !url) {
        curl_easy_cleanup(easy);
        curl_url_cleanup(url);
        return MST_ERR(err, MST_NOMEM, "could not make an HTTP request: out of memory");
    }
    mst_http_call_t *call = MST_NEW(mst_http_call_t);
    call->http = http;
    call->easy = easy;
    call->parsed_url = url;
    mst_buf_init(&call->text, MST_HTTP_HEADER_MAX);
    mst_buf_init(&call->url, MST_HTTP_URL_MAX);
    set_up(call);
    *out = call;
    return MST_OK;
}

void
mst_call_free(mst_http_call_t *call)
{
    curl_easy_cleanup(call->easy);
    curl_url_cleanup(call->parsed_url);
    mst_call_wipe(call);
    mst_buf_deinit(&call->text);
    mst_buf_deinit(&call->url);
    free(call->lines);
    free(call);
}

void
mst_call_wipe(mst_http_call_t *call)
{
    if (call->text.n > 0)
        explicit_bzero(call->text.p, call->text.n);
    mst_buf_reset(&call->text);
}

static mst_str_t
value_view(const mst_http_value_t *v)
{
    return mst_str(v->text, v->n);
}

void
mst_call_conclude(mst_http_call_t *call, CURLcode code)
{
    mst_http_result_t *r = &call->result;
    r->close_mono_ns = mst_mono_ns();
    r->conn_reused = (call->opened_count == 0 || call->warm) && call->in_request;
    r->content_type = value_view(&call->content_type);
    r->server = value_view(&call->server);
    r->request_id = value_view(&call->request_id);
    r->kept = mst_str(call->kept, call->kept_n);
    if (r->send_mono_ns != MST_NONE) {
        r->send_source = MST_STAMP_KERNEL;
    } else if (r->sent) {
        r->send_mono_ns = call->user_send_ns;
        r->send_source = MST_STAMP_USER;
    }
    if (r->rx_source == MST_STAMP_NONE)
        r->rx_source = call->head_source;          // no body
    if (call->steps != call->http->stamps.steps) { // the wall clock was set meanwhile
        r->send_source = r->send_source == MST_STAMP_KERNEL ? MST_STAMP_USER : r->send_source;
        r->rx_source = r->rx_source == MST_STAMP_KERNEL ? MST_STAMP_USER : r->rx_source;
    }
    if (code == CURLE_OK && call->why == MST_OK)
        return;
    if (code == CURLE_OUT_OF_MEMORY && r->first_byte_mono_ns != MST_NONE && call->body_bytes == 0)
        (void)stop_with(call, MST_LIMIT, HEADER_TOO_LARGE); // curl's name for one line that passes its own limit
    r->cut = r->first_byte_mono_ns != MST_NONE;
    if (call->why != MST_OK) {
        MST_ERR(&r->err, call->why, "%s", call->message);
        r->err.retry = call->why == MST_TIMEOUT ? MST_RETRY_LATER : MST_RETRY_NEVER;
        return;
    }
    mst_http_error_fill(call, code, &r->err);
}
