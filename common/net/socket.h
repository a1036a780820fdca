// ZeroMQ sockets as this product wants them: every option set by name, none left to a default or an environment
// variable; endpoints checked before ZeroMQ sees them.
// Thread: a socket belongs to one thread.
#ifndef MST_NET_SOCKET_H
#define MST_NET_SOCKET_H

#include "common/base/err.h"

#define MST_ENDPOINT_MAX 256 // bytes of an endpoint, with its NUL

// Checks and copies: inproc://NAME, tcp://127.x.y.z:PORT, tcp://[::1]:PORT, tcp://localhost:PORT (written as
// 127.0.0.1). A tcp endpoint on another interface is MST_UNSUPPORTED: there is no encryption on it.
// serving: PORT may be "*".
MST_NODISCARD mst_rc mst_endpoint_check(const char *endpoint, bool serving, char out[MST_ENDPOINT_MAX],
                                        mst_err_t *err);

// A bound ROUTER (serving) or a connecting DEALER; fd is its edge-triggered descriptor. endpoint as checked; for a
// server it is replaced by what was bound. MST_CONFLICT: address in use.
MST_NODISCARD mst_rc mst_socket_open(bool serving, char endpoint[MST_ENDPOINT_MAX], size_t frame_max, void **out,
                                     int *out_fd, mst_err_t *err);
// Frees an inproc name at once; closing alone does it later, in another thread. Connections stay. Nothing for tcp,
// where it would drop what is still queued.
void mst_socket_withdraw(void *socket, const char *endpoint);
void mst_socket_close(void **socket);

#endif
