// Inside of the HTTP client: what its files share. Not for others.
#ifndef MST_HTTP_CLIENT_IMPL_H
#define MST_HTTP_CLIENT_IMPL_H

#include <curl/curl.h>
#include <sys/socket.h>
#include <uthash.h>

#include "common/http/client.h"
#include "common/http/stamps.h"

enum {
    MST_HTTP_KEPT_MAX = 2048, // of the lines of headers that are kept together
    MST_HTTP_VALUE_MAX = 256, // of a response header that is kept; the rest is cut
    MST_HTTP_TRIES_MAX = 4,
    MST_HTTP_URL_MAX = 8192,
    MST_HTTP_READ_BYTES = 16384, // what curl takes at once
    MST_HTTP_NETS_MAX = 256,
    MST_HTTP_HOSTS_MAX = 64, // names whose address is remembered
    MST_HTTP_HOST_BYTES = 256,
};

typedef enum {
    MST_CALL_FREE = 0, // in the pool
    MST_CALL_STARTING, // to be handed to curl in this turn's hook
    MST_CALL_ACTIVE,   // curl works on it
    MST_CALL_ABORTING, // to be taken from curl in this turn's hook
    MST_CALL_STATES,
    MST_CALL_ENDING,   // in on_done: in no list
} mst_call_state_t;

typedef struct {
    char text[MST_HTTP_VALUE_MAX];
    size_t n;
} mst_http_value_t;

struct mst_http_call {
    mst_http_call_t *prev, *next; // list of its state
    mst_call_state_t state;
    mst_http_t *http;
    CURL *easy;                   // kept from call to call, with all that does not change
    mst_http_handler_t handler;
    void *ud;

    // the request
    struct curl_slist *lines;     // nodes that point into text
    size_t line_cap;
    mst_buf_t text;               // header lines; wiped, as the key is among them
    mst_buf_t url;                // what the easy handle has been given last, with a NUL
    CURLU *parsed_url;            // the same; saves parsing it for every request
    char method[16];              // the same
    const mst_http_net_t *net;    // the same
    size_t body_max;
    mst_timer_t deadline;
    int64_t connect_due_ns, total_due_ns;         // 0 = none
    int64_t connect_timeout_ms, total_timeout_ms; // for the message
    mst_timer_t hold;
    int64_t not_before_ns; // 0 = it leaves as soon as it is written

    // how far it is
    int fd;                       // its socket, -1 = none known
    int opened_fds[MST_HTTP_TRIES_MAX]; // for it, in this call: addresses of one host are tried side by side
    size_t opened_count;
    bool in_multi;                // curl has its easy handle
    bool in_request;              // connected, TLS done: the request goes out
    bool chunked;
    bool warm;                    // its connection was opened before it
    bool cert_asked;              // its connection was made in this call, and the server asked for our certificate
    bool encoded;                 // the answer is compressed although identity was asked for
    size_t header_bytes, body_bytes;
    uint64_t last_read;           // number of the read that brought the last bytes
    size_t read_offset;           // how much of that read has come to us, as it was on the wire
    uint64_t last_body_read;      // the same, of the body
    int64_t start_ns, user_send_ns, last_rx_ns;
    mst_stamp_source_t head_source; // of first_byte_mono_ns
    uint32_t steps;               // of the wall clock when it started
    mst_http_result_t result;
    mst_http_value_t content_type, server, request_id;
    char kept[MST_HTTP_KEPT_MAX]; // lines of headers that are kept as they came
    size_t kept_n;
    mst_rc why;                   // of an abort
    char message[MST_ERR_MESSAGE_MAX];
    char curl_message[CURL_ERROR_SIZE];
};

typedef struct {
    char name[MST_HTTP_HOST_BYTES];
    uint16_t port; // 0: free
    struct sockaddr_storage to;
    socklen_t to_bytes;
} mst_http_host_t;

typedef struct mst_http_warm mst_http_warm_t;
typedef struct mst_http_sock mst_http_sock_t;
struct mst_http_sock {
    int fd;
    mst_http_call_t *call;
    mst_http_sock_t *next_fresh; // list of sockets whose request goes out in this turn
    int wanted;                  // loop events that curl wants; 0 = none
    int watched;                 // loop events that the loop has
    bool ours;                   // opened by our callback: a TCP socket with stamps
    bool fresh;
    bool named;                  // in the table by both addresses
    bool warm;                   // was connected before curl asked for it; until its first request
    uint64_t name;
    UT_hash_handle hh;
};

struct mst_http {
    mst_loop_t *loop;
    CURLM *multi;
    mst_http_call_t *lists[MST_CALL_STATES];
    mst_http_sock_t **socks; // by descriptor
    size_t sock_count;
    mst_http_sock_t *by_name, *fresh;
    mst_stamps_t stamps;
    mst_timer_t timer;      // curl's only one
    bool kick;              // curl asked for a call without delay
    bool in_hook, calling;  // in our turn hook; in a callback of our user
    // the read that is going on
    int read_fd;
    mst_arrival_t read; // what the kernel says about it
    uint64_t read_no;
    char *user_agent;
    mst_http_warm_t *warms;
    mst_http_host_t hosts[MST_HTTP_HOSTS_MAX];
    size_t host_next;
    mst_http_net_t *nets;
    size_t net_count;
};

// call.c: one call as curl sees it.
MST_NODISCARD mst_rc mst_call_new(mst_http_t *http, mst_http_call_t **out, mst_err_t *err);
void mst_call_free(mst_http_call_t *call); // its easy handle is no longer in the multi
void mst_call_wipe(mst_http_call_t *call);    // header lines with the key
// What the curl code means; fills result.err and the rest of the result.
void mst_call_conclude(mst_http_call_t *call, CURLcode code);

// Forgets all that its easy handle was told, and tells it anew what does not change.
void mst_call_set_up(mst_http_call_t *call);

// net.c
void mst_net_use(mst_http_call_t *call, const mst_http_net_t *net);
void mst_nets_free(mst_http_t *http);
bool mst_net_direct(const mst_http_net_t *net); // no proxy

// warm.c
// A connected socket to that address, -1: none. It is the caller's.
int mst_warm_take(mst_http_t *http, const struct sockaddr *to, size_t bytes);
void mst_warms_free(mst_http_t *http);

void mst_net_watch_tls(mst_http_call_t *call);
const char *mst_net_proxy(const mst_http_net_t *net); // for messages; NULL = none that is known

// request.c: resets the call and sets what this request differs in.
MST_NODISCARD mst_rc mst_call_prepare(mst_http_call_t *call, const mst_http_req_t *req, mst_err_t *err);

// sock.c: curl's sockets and timer in our loop.
void mst_sock_init(mst_http_t *http); // multi and loop are there
void mst_sock_deinit(mst_http_t *http);
void mst_sock_set_up(mst_http_call_t *call); // options of its easy handle that concern sockets
void mst_sock_kick(mst_http_t *http); // curl_multi_socket_action without a socket
void mst_sock_hold_over(void *call); // timer: a request that was held back is due
void mst_sock_let_go(mst_http_t *http); // lets the prepared requests leave and reads their send stamps

// The connection is ready and the request is about to leave: which socket is it? Addresses as curl gives them.
void mst_sock_connected(mst_http_call_t *call, const char *remote, const char *local, int remote_port, int local_port);

void mst_sock_detach(mst_http_call_t *call); // it ends: no socket may think that it is still there

// error.c
mst_str_t mst_http_host(const mst_http_call_t *call); // host:port of its URL; view
void mst_http_error_fill(const mst_http_call_t *call, CURLcode code, mst_err_t *err);

#endif
