#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/http/client_impl.h"

// How servers are reached: TLS and proxies. A client keeps one record for each different way; calls point to it, so
// that an easy handle is told anew only when the next request goes another way than the last.

struct mst_http_net {
    mst_http_net_t *next;
    mst_http_net_opts_t o; // its strings are copies
};

static const char **
string_of(mst_http_net_opts_t *o, size_t i)
{
    const char **const all[] = {&o->ca_file,      &o->client_cert, &o->client_key,
                                &o->key_password, &o->proxy,       &o->proxy_auth};
    return i < sizeof all / sizeof *all ? all[i] : NULL;
}

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
same(const mst_http_net_opts_t *left, const mst_http_net_opts_t *right)
{
    mst_http_net_opts_t a = *left, b = *right;
    for (size_t i = 0; string_of(&a, i); i++)
        if (!same_text(*string_of(&a, i), *string_of(&b, i)))
            return false;
    return a.tls_insecure == b.tls_insecure && a.proxy_env == b.proxy_env;
}

static mst_rc
check_file(const char *name, const char *path, mst_err_t *err)
{
    struct stat st;
    if (!path)
        return MST_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int e = fd < 0 || fstat(fd, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : 0;
    if (fd >= 0)
        close(fd);
    if (e == 0)
        return MST_OK;
    return MST_ERR_SUB(err, MST_INVAL, e, "%s \"%s\" cannot be read: %s", name, path, strerrordesc_np(e));
}

mst_rc
mst_http_net_check(const mst_http_net_opts_t *o, mst_err_t *err)
{
    if (o->client_key && !o->client_cert)
        return MST_ERR(err, MST_INVAL, "client_key is given without client_cert");
    mst_rc rc = check_file("ca_file", o->ca_file, err);
    if (rc == MST_OK)
        rc = check_file("client_cert", o->client_cert, err);
    return rc == MST_OK ? check_file("client_key", o->client_key, err) : rc;
}

mst_rc
mst_http_net(mst_http_t *http, const mst_http_net_opts_t *opts, const mst_http_net_t **out, mst_err_t *err)
{
    *out = NULL;
    mst_rc rc = mst_http_net_check(opts, err);
    if (rc != MST_OK)
        return rc;
    for (const mst_http_net_t *net = http->nets; net; net = net->next)
        if (same(&net->o, opts)) {
            *out = net;
            return MST_OK;
        }
    if (http->net_count >= MST_HTTP_NETS_MAX)
        return MST_ERR(err, MST_LIMIT, "more than %d different settings of TLS and proxy", (int)MST_HTTP_NETS_MAX);
    mst_http_net_t *net = MST_NEW(mst_http_net_t);
    net->o = *opts;
    for (size_t i = 0; string_of(&net->o, i); i++) {
        const char **z = string_of(&net->o, i);
        *z = *z ? mst_xstrdup(*z) : NULL;
    }
    net->next = http->nets;
    http->nets = net;
    http->net_count++;
    *out = net;
    return MST_OK;
}

void
mst_nets_free(mst_http_t *http)
{
    while (http->nets) {
        mst_http_net_t *net = http->nets;
        http->nets = net->next;
        for (size_t i = 0; string_of(&net->o, i); i++) {
            char *z = (char *)(uintptr_t)*string_of(&net->o, i);
            if (z)
                explicit_bzero(z, strlen(z));
            free(z);
        }
        free(net);
    }
}

// The server asks for a certificate, and none was set.
static int
on_cert_asked(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
    (void)cert;
    (void)key;
    mst_http_call_t *call = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (call)
        call->cert_asked = true;
    return 0; // none
}

// A server that gets no certificate may close at once, and its word about it be lost: so what it asked for is noted.
static CURLcode
on_ssl_ctx(CURL *easy, void *ctx, void *ud)
{
    (void)easy;
    SSL_CTX_set_app_data((SSL_CTX *)ctx, ud);
    SSL_CTX_set_client_cert_cb(ctx, on_cert_asked);
    return CURLE_OK;
}

void
mst_net_watch_tls(mst_http_call_t *call)
{
    curl_easy_setopt(call->easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    curl_easy_setopt(call->easy, CURLOPT_SSL_CTX_DATA, call);
}

void
mst_net_use(mst_http_call_t *call, const mst_http_net_t *net)
{
    CURL *e = call->easy;
    if (call->net)
        mst_call_set_up(call); // curl has no word for "as before"
    call->net = net;
    if (!net)
        return;
    const mst_http_net_opts_t *o = &net->o;
    if (o->ca_file) {
        curl_easy_setopt(e, CURLOPT_CAINFO, o->ca_file);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL); // these authorities and no others
    }
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, o->tls_insecure ? 0L : 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, o->tls_insecure ? 0L : 2L);
    if (o->client_cert) {
        curl_easy_setopt(e, CURLOPT_SSLCERT, o->client_cert);
        curl_easy_setopt(e, CURLOPT_SSLKEY, o->client_key ? o->client_key : o->client_cert);
        curl_easy_setopt(e, CURLOPT_KEYPASSWD, o->key_password);
    }
    if (o->proxy || o->proxy_env) {
        curl_easy_setopt(e, CURLOPT_PROXY, o->proxy); // NULL: curl reads the environment
        curl_easy_setopt(e, CURLOPT_NOPROXY, o->proxy ? "" : NULL);
        curl_easy_setopt(e, CURLOPT_PROXYUSERPWD, o->proxy_auth);
    }
}

bool
mst_net_direct(const mst_http_net_t *net)
{
    return !net || (!net->o.proxy && !net->o.proxy_env);
}

const char *
mst_net_proxy(const mst_http_net_t *net)
{
    return net ? net->o.proxy : NULL;
}
