#include <string.h>

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/http/client_impl.h"

// What a call asks for, put into its easy handle. The handle keeps its options from call to call; only what differs is
// set again. Nothing here is copied twice: header lines lie one after the other in one buffer, the list nodes that curl
// wants point into it.

enum { LINES_MAX = 128, EXTRA_LINES = 2 };

#define LINE_EXPECT   MST_STR("Expect:") // never wait for 100-continue
#define LINE_IDENTITY MST_STR("Accept-Encoding: identity")

// The text has its room before the first line, so that the nodes may point into it.
static void
add_line(mst_http_call_t *call, size_t at, mst_str_t line)
{
    struct curl_slist *node = &call->lines[at];
    node->data = call->text.p + call->text.n;
    node->next = NULL;
    memcpy(node->data, line.p, line.n);
    node->data[line.n] = '\0';
    call->text.n += line.n + 1;
    if (at > 0)
        call->lines[at - 1].next = node;
}

static mst_rc
check_line(mst_str_t line, mst_err_t *err)
{
    if (line.n == 0 || memchr(line.p, '\r', line.n) || memchr(line.p, '\n', line.n) || memchr(line.p, '\0', line.n))
        return MST_ERR(err, MST_INVAL, "a request header is empty or holds a line break");
    return MST_OK;
}

static mst_rc
set_lines(mst_http_call_t *call, const mst_http_req_t *req, mst_err_t *err)
{
    if (req->header_count > LINES_MAX)
        return MST_ERR(err, MST_LIMIT, "%zu request headers; at most %d", req->header_count, LINES_MAX);
    size_t bytes = LINE_EXPECT.n + LINE_IDENTITY.n + EXTRA_LINES + req->auth.n + 1;
    for (size_t i = 0; i < req->header_count; i++) {
        mst_rc rc = check_line(req->headers[i], err);
        if (rc != MST_OK)
            return rc;
        bytes += req->headers[i].n + 1;
    }
    if (req->auth.n > 0 && check_line(req->auth, err) != MST_OK)
        return MST_INVAL;
    size_t count = req->header_count + EXTRA_LINES + 1;
    if (count > call->line_cap) {
        call->lines = mst_xrealloc(call->lines, count * sizeof *call->lines);
        call->line_cap = count;
    }
    mst_buf_reset(&call->text);
    if (!mst_buf_reserve(&call->text, bytes))
        return MST_ERR(err, MST_LIMIT, "request headers of %zu bytes; at most 64 KiB", bytes);
    add_line(call, 0, LINE_EXPECT);
    add_line(call, 1, LINE_IDENTITY);
    for (size_t i = 0; i < req->header_count; i++)
        add_line(call, EXTRA_LINES + i, req->headers[i]);
    if (req->auth.n > 0)
        add_line(call, EXTRA_LINES + req->header_count, req->auth);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->lines);
    return MST_OK;
}

static mst_rc
set_url(mst_http_call_t *call, mst_str_t url, mst_err_t *err)
{
    if (url.n == 0 || url.n >= MST_HTTP_URL_MAX || memchr(url.p, '\0', url.n))
        return MST_ERR(err, MST_INVAL, "a URL of %zu bytes; expected 1 to %d, without NUL", url.n,
                       MST_HTTP_URL_MAX - 1);
    if (call->url.n == url.n + 1 && memcmp(call->url.p, url.p, url.n) == 0)
        return MST_OK; // curl still has it
    mst_buf_reset(&call->url);
    if (mst_buf_add_str(&call->url, url) != MST_OK || mst_buf_add_byte(&call->url, '\0') != MST_OK)
        return MST_ERR(err, MST_NOMEM, "could not keep a URL: out of memory");
    curl_url_set(call->parsed_url, CURLUPART_URL, NULL, 0); // else the new one may count as relative to the old
    CURLUcode code = curl_url_set(call->parsed_url, CURLUPART_URL, call->url.p, 0);
    if (code != CURLUE_OK) {
        mst_str_t host = mst_http_host(call);
        MST_ERR(err, MST_INVAL, "the URL of \"%.*s\" is malformed: %s", MST_FMT(host), curl_url_strerror(code));
        mst_buf_reset(&call->url);
        return MST_INVAL;
    }
    curl_easy_setopt(call->easy, CURLOPT_CURLU, call->parsed_url);
    return MST_OK;
}

static void
set_method(mst_http_call_t *call, const mst_http_req_t *req)
{
    CURL *e = call->easy;
    bool get = strcmp(req->method, "GET") == 0, post = strcmp(req->method, "POST") == 0;
    if (strcmp(call->method, req->method) != 0) {
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, get || post ? NULL : req->method);
        if (get)
            curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
        else
            curl_easy_setopt(e, CURLOPT_POST, 1L);
        snprintf(call->method, sizeof call->method, "%s", req->method);
    }
    if (get)
        return;
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, req->body.n > 0 ? req->body.p : ""); // borrowed until on_done
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.n);
}

mst_rc
mst_call_prepare(mst_http_call_t *call, const mst_http_req_t *req, mst_err_t *err)
{
    if (call->net != req->net)
        mst_net_use(call, req->net);
    mst_rc rc = set_url(call, req->url, err);
    if (rc == MST_OK)
        rc = set_lines(call, req, err);
    if (rc != MST_OK)
        return rc;
    if (strlen(req->method) >= sizeof call->method)
        return MST_ERR(err, MST_INVAL, "request method \"%.32s\" is too long", req->method);
    set_method(call, req);
    call->body_max = req->body_max;
    call->not_before_ns = req->not_before_mono_ns;
    call->fd = -1;
    call->opened_count = 0;
    call->warm = false;
    call->in_request = call->cert_asked = call->encoded = call->chunked = false;
    call->header_bytes = call->body_bytes = 0;
    call->last_read = call->last_body_read = 0;
    call->user_send_ns = MST_NONE;
    call->head_source = MST_STAMP_NONE;
    call->last_rx_ns = 0;
    call->why = MST_OK;
    call->message[0] = call->curl_message[0] = '\0';
    call->content_type.n = call->server.n = call->request_id.n = call->kept_n = 0;
    call->result = (mst_http_result_t){.send_mono_ns = MST_NONE, .first_byte_mono_ns = MST_NONE};
    return MST_OK;
}
