// HTTP client: libcurl's multi-socket interface in our loop, with kernel send and receive stamps.
//
// Stamps: SO_TIMESTAMPING is set at socket creation; on EPOLLIN a recvmsg(MSG_PEEK) reads the arrival stamp before
// curl sees the socket; the error queue gives the send stamp. The last send stamp before the first answer byte is the
// request's send time. Stamps are CLOCK_REALTIME, converted to CLOCK_MONOTONIC by paired reads. Where the kernel gives
// none, a user stamp stands in and the source says so.
// A request leaves in one piece at the end of the loop's turn (the socket is corked until then), so that even an
// answer that comes at once is stamped. rx_source is the weakest source of all pieces of the body.
// HTTP/1.1 only, no redirects, no proxies unless asked for, no decompression, no Expect, one retry owner above us (none
// here).
// Thread: the loop's.
#ifndef MST_HTTP_CLIENT_H
#define MST_HTTP_CLIENT_H

#include "common/base/buf.h"
#include "common/loop/loop.h"
#include "common/model/completion.h"

typedef struct mst_http mst_http_t;
typedef struct mst_http_call mst_http_call_t;

typedef struct {
    size_t connections_max; // keep-alive pool; >= peak concurrency
    const char *user_agent;
} mst_http_opts_t;

// How one server is reached. All of it zero: TLS by the system's authorities, no proxy.
typedef struct {
    const char *ca_file;      // PEM bundle; NULL = the system's authorities
    const char *client_cert;  // PEM; NULL = none
    const char *client_key;   // PEM file; NULL = in client_cert
    const char *key_password; // of client_key; NULL = none
    bool tls_insecure;        // any certificate will do
    const char *proxy;        // http://, https://, socks5:// or socks5h://, without user and password; NULL = none
    const char *proxy_auth;   // "user:password"; NULL = none
    bool proxy_env;           // as http_proxy, https_proxy and no_proxy say; proxy is NULL
} mst_http_net_opts_t;

typedef struct mst_http_net mst_http_net_t; // lives as long as its client

typedef struct {
    const char *method;     // "POST", "GET"
    mst_str_t url;
    const mst_str_t *headers; // "Name: value"; copied
    size_t header_count;
    mst_str_t auth;         // whole header line with the key, or empty; wiped after use
    mst_str_t body;         // borrowed until on_done
    int64_t connect_timeout_ms, total_timeout_ms; // 0 = none
    // The request is written and its connection made at once, but it leaves at this time: its last segment is held
    // back (TCP_CORK, at most 200 ms). 0 = as soon as it is written.
    int64_t not_before_mono_ns;
    size_t body_max;        // answer; over it the call ends with MST_LIMIT
    const mst_http_net_t *net; // NULL = as if all of it were zero
} mst_http_req_t;

typedef struct {
    int status;             // 0 = no answer
    mst_err_t err;          // rc MST_OK: whole answer received; else CONNECTION (MST_CLOSED, MST_IO), MST_TIMEOUT,
                            // MST_LIMIT, MST_CANCELED ..., with retry class
    bool cut;               // ended before the answer was complete
    bool conn_reused;       // kept from an earlier request, or opened before this one (mst_http_warm; not with TLS)
    bool sent;              // the request reached the kernel whole
    int64_t send_mono_ns;   // MST_NONE when it never was sent
    mst_stamp_source_t send_source, rx_source;
    int64_t first_byte_mono_ns;  // first answer byte; MST_NONE
    int64_t close_mono_ns;
    int64_t retry_after_ms; // Retry-After or retry-after-ms, 0 = none
    int should_retry;       // x-should-retry: 1 true, -1 false, 0 not said
    mst_str_t content_type, server, request_id; // response headers; borrowed until on_done returns
    mst_str_t kept;         // "name: value" lines of headers that tell of limits, timings and versions; the same
    uint32_t merged_reads;
} mst_http_result_t;

typedef struct {
    // Some bytes of the answer body; stamp of their arrival; merged: they came in one read with earlier bytes of the
    // body, and the stamp is an upper bound. Return false to abort (ends with MST_CANCELED).
    bool (*on_data)(void *ud, mst_str_t bytes, int64_t rx_mono_ns, bool merged);
    // The end, exactly once, never from inside mst_http_start. The call is gone after it.
    void (*on_done)(void *ud, const mst_http_result_t *result);
} mst_http_handler_t;

MST_NODISCARD mst_rc mst_http_new(mst_loop_t *loop, const mst_http_opts_t *opts, mst_http_t **out,
                                  mst_err_t *err);
void mst_http_free(mst_http_t **http); // calls under way end without on_done; not from inside a callback
// The one of the client that has these settings, made when there is none. MST_INVAL names the file that cannot be read;
// MST_LIMIT: more than MST_HTTP_NETS_MAX.
MST_NODISCARD mst_rc mst_http_net(mst_http_t *http, const mst_http_net_opts_t *opts, const mst_http_net_t **out,
                                  mst_err_t *err);
// The same look at the files, without a client. MST_INVAL.
MST_NODISCARD mst_rc mst_http_net_check(const mst_http_net_opts_t *opts, mst_err_t *err);
// MST_INVAL, MST_LIMIT: URL, method or headers that cannot be sent.
MST_NODISCARD mst_rc mst_http_start(mst_http_t *http, const mst_http_req_t *req,
                                    const mst_http_handler_t *handler, void *ud, mst_http_call_t **out,
                                    mst_err_t *err);
// Opens n connections to the server of a URL before they are needed, 128 at a time. Requests take them instead of
// opening their own; what nobody took is closed after 4 s, before servers do. fn comes once, from the loop, when they
// are open or after 2 s, with how many there are. False, and fn never comes: behind a proxy, or a host given by name
// that no request has reached yet.
typedef void mst_http_warm_fn(void *ud, size_t open);
bool mst_http_warm(mst_http_t *http, mst_str_t url, const mst_http_net_t *net, size_t n, mst_http_warm_fn *fn,
                   void *ud);
void mst_http_warm_forget(mst_http_t *http, const void *ud); // its connections are closed, fn does not come

// Ends the call; on_done comes (with `why` and MST_TIMEOUT or MST_CANCELED) in a later turn.
void mst_http_abort(mst_http_t *http, mst_http_call_t *call, mst_rc why, const char *message);

#endif
