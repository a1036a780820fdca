#include <ctype.h>
#include <string.h>

#include "common/http/client_impl.h"

// What libcurl's codes mean for us: a code, whether to try again, and a sentence that names the host but never the
// rest of the URL, which may hold credentials.

typedef struct {
    CURLcode code;
    mst_rc rc;
    mst_retry_t retry;
    const char *text; // follows "host: "
} meaning_t;

static const meaning_t meanings[] = {
    {CURLE_COULDNT_RESOLVE_HOST, MST_NOTFOUND, MST_RETRY_LATER, "unknown host"},
    {CURLE_OPERATION_TIMEDOUT, MST_TIMEOUT, MST_RETRY_LATER, "no connection in time"},
    {CURLE_GOT_NOTHING, MST_CLOSED, MST_RETRY_LATER, "the connection was closed without an answer"},
    {CURLE_SEND_ERROR, MST_CLOSED, MST_RETRY_LATER, "the connection was lost while the request was sent"},
    {CURLE_RECV_ERROR, MST_CLOSED, MST_RETRY_LATER, "the connection was lost before the answer was complete"},
    {CURLE_PARTIAL_FILE, MST_CLOSED, MST_RETRY_LATER, "the connection was closed before the answer was complete"},
    {CURLE_WEIRD_SERVER_REPLY, MST_PROTO, MST_RETRY_LATER, "the answer is not HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, MST_INVAL, MST_RETRY_NEVER, "the URL is not http or https, or the answer not HTTP/1"},
    {CURLE_URL_MALFORMAT, MST_INVAL, MST_RETRY_NEVER, "the URL is malformed"},
    {CURLE_BAD_CONTENT_ENCODING, MST_PROTO, MST_RETRY_LATER, "the answer's transfer coding is broken"},
    {CURLE_OUT_OF_MEMORY, MST_NOMEM, MST_RETRY_LATER, "out of memory"},
    {CURLE_SSL_CONNECT_ERROR, MST_DENIED, MST_RETRY_NEVER, "no secure connection could be made"},
    {CURLE_PEER_FAILED_VERIFICATION, MST_DENIED, MST_RETRY_NEVER, "the server's certificate is not trusted"},
    {CURLE_COULDNT_RESOLVE_PROXY, MST_NOTFOUND, MST_RETRY_LATER, "the proxy is an unknown host"},
    {CURLE_PROXY, MST_CLOSED, MST_RETRY_LATER, "the proxy did not let the connection through"},
    {CURLE_SSL_CACERT_BADFILE, MST_DENIED, MST_RETRY_NEVER, "the file of trusted certificates cannot be read"},
    {CURLE_SSL_CERTPROBLEM, MST_DENIED, MST_RETRY_NEVER, "the client certificate cannot be used"},
    {CURLE_SSL_CIPHER, MST_DENIED, MST_RETRY_NEVER, "no common cipher"},
    {CURLE_SSL_ISSUER_ERROR, MST_DENIED, MST_RETRY_NEVER, "the issuer of the server's certificate is not trusted"},
    {CURLE_SSL_INVALIDCERTSTATUS, MST_DENIED, MST_RETRY_NEVER, "the server's certificate was revoked or is unknown"},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, MST_DENIED, MST_RETRY_NEVER, "the server's key is another than expected"},
};

// host:port as the URL spells it, without user and password.
mst_str_t
mst_http_host(const mst_http_call_t *call)
{
    mst_str_t s = mst_str(call->url.p, call->url.n > 0 ? call->url.n - 1 : 0); // without its NUL
    int64_t scheme = mst_str_find(s, MST_STR("://"), 0);
    size_t from = scheme < 0 ? 0 : (size_t)scheme + 3;
    size_t end = from;
    while (end < s.n && !strchr("/?#", s.p[end]))
        end++;
    for (size_t i = from; i < end; i++) {
        if (s.p[i] == '@')
            from = i + 1;
    }
    return mst_str_cut(mst_str(s.p + from, end - from), 200);
}

static void
add_detail(mst_err_t *err, const char *detail)
{
    size_t n = strlen(err->message);
    snprintf(err->message + n, sizeof err->message - n, ": %s", detail);
    bool name = strncmp(detail, "OpenSSL", 7) == 0;
    if (!name && isupper((unsigned char)err->message[n + 2]) && !isupper((unsigned char)err->message[n + 3]))
        err->message[n + 2] = (char)tolower((unsigned char)err->message[n + 2]);
}

static void
could_not_connect(const mst_http_call_t *call, mst_str_t host, mst_err_t *err)
{
    long os_errno = 0;
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &os_errno);
    const char *proxy = mst_net_proxy(call->net);
    MST_ERR_SUB(err, MST_CLOSED, (int)os_errno, "could not connect to %s%.*s", proxy ? "the proxy for " : "",
                MST_FMT(host));
    if (os_errno != 0)
        add_detail(err, strerrordesc_np((int)os_errno));
    err->retry = MST_RETRY_LATER;
}

// OpenSSL's numbers of what was wrong with a certificate, and what to do about it.
static const struct {
    long verify;
    const char *text;
} faults[] = {
    {9, "the server's certificate is not valid yet; is the clock right"},
    {10, "the server's certificate has expired"},
    {18, "the server's certificate is signed by itself; name it as ca_file"},
    {19, "the server's certificate comes from an authority that is not known here; name its bundle as ca_file"},
    {20, "the server's certificate comes from an authority that is not known here; name its bundle as ca_file"},
    {21, "the server's certificate comes from an authority that is not known here; name its bundle as ca_file"},
    {23, "the server's certificate was revoked"},
};

// One sentence on a certificate that was refused, ours or the server's; NULL = none better than curl's.
static const char *
certificate_fault(const mst_http_call_t *call, CURLcode code)
{
    long verify = 0;
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
            if (faults[i].verify == verify)
                return faults[i].text;
        return strstr(call->curl_message, "target host name") ? "the server's certificate is for another host name"
                                                              : NULL;
    }
    if (call->cert_asked && call->result.status == 0)
        return "the server asks for a client certificate; set client_cert and client_key";
    if (strstr(call->curl_message, "alert handshake failure") || strstr(call->curl_message, "alert bad certificate") ||
        strstr(call->curl_message, "alert unknown ca") || strstr(call->curl_message, "alert certificate"))
        return "the server refused the client certificate, or wants one; see client_cert and client_key";
    return NULL;
}

// "CONNECT tunnel failed, response 407": the proxy answered, and not the server.
static bool
proxy_fault(const mst_http_call_t *call, mst_str_t host, mst_err_t *err)
{
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (status < 300)
        return false;
    MST_ERR_SUB(err, MST_DENIED, (int)status, "%.*s: the proxy refused the connection with status %ld%s", MST_FMT(host),
                status, status == 407 ? "; set proxy_auth" : "");
    err->retry = status >= 500 ? MST_RETRY_LATER : MST_RETRY_NEVER;
    return true;
}

void
mst_http_error_fill(const mst_http_call_t *call, CURLcode code, mst_err_t *err)
{
    mst_str_t host = mst_http_host(call);
    const char *fault = certificate_fault(call, code);
    if (fault) {
        MST_ERR_SUB(err, MST_DENIED, (int)code, "%.*s: %s", MST_FMT(host), fault);
        err->retry = MST_RETRY_NEVER;
        return;
    }
    if (call->result.status == 0 && proxy_fault(call, host, err))
        return;
    if (code == CURLE_COULDNT_CONNECT) {
        could_not_connect(call, host, err);
        return;
    }
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const meaning_t *m = &meanings[i];
        if (m->code != code)
            continue;
        MST_ERR_SUB(err, m->rc, (int)code, "%.*s: %s", MST_FMT(host), m->text);
        err->retry = m->retry;
        if (m->rc == MST_DENIED && call->curl_message[0])
            add_detail(err, call->curl_message);
        return;
    }
    MST_ERR_SUB(err, MST_IO, (int)code, "%.*s: %s", MST_FMT(host),
                call->curl_message[0] ? call->curl_message : curl_easy_strerror(code));
    err->retry = MST_RETRY_LATER;
}
