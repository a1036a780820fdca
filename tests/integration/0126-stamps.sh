#!/bin/bash
# Who stamps: the kernel, over TLS too; where it does not (its switch is refused here, as some containers do), this
# process, and every report says so.
. "$(dirname "$0")/lib.sh"
need python3 openssl
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=here" -addext subjectAltName=IP:127.0.0.1 -keyout key.pem \
    -out cert.pem 2>/dev/null || skip "needs an openssl that makes certificates"
cat > server.py <<'X'
import http.server, json, ssl, sys, time
class Chat(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for delta, finish in [({"role": "assistant"}, None)] + [({"content": "x "}, None)] * 4 + [({}, "stop")]:
            event = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
            self.say(b"data: " + json.dumps(event).encode() + b"\n\n")
            time.sleep(0.01)
        self.say(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")
    def say(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
    def log_message(self, *a):
        pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
s.daemon_threads = True
s.handle_error = lambda *a: None
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain("cert.pem", "key.pem")
s.socket = c.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
print(s.server_port)
sys.stdout.flush()
s.serve_forever()
X
python3 server.py >port 2>server.err &
pids="$pids $!"
for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done
port=$(cat port)
cat > c.yaml <<X
name: stamps
data_source: {source_type: inline, records: [{id: a, input: x}, {id: b, input: y}, {id: c, input: z}, {id: d, input: u}]}
provider: {provider_type: openai, model_name: m, base_url: "https://127.0.0.1:$port/v1", ca_file: cert.pem, api_key: env:NO_KEY}
concurrency: 2
scorers: [{tier: L1, scorer_name: length, min_length: 1}]
X
export NO_KEY=none
expect 0 "$MUSTER" run c.yaml --db sqlite:tls.db --no-progress
expect 0 "$MUSTER" latency latest --db sqlite:tls.db --json
mv out tls.json
equal "$(json tls.json 'd["measured"]')" 4 "measured over TLS"
equal "$(json tls.json 'd["sent_by"]["kernel"], d["arrived_by"]["kernel"]')" "(4, 4)" "stamps of the kernel over TLS"
equal "$(json tls.json 'd["latency"]["ttfb"]["min"] <= d["latency"]["ttft"]["min"] < d["latency"]["e2e"]["max"]')" True "order"
equal "$(json tls.json 'd["latency"]["event_gap"]["n"]')" 12 "gaps"

command -v cc >/dev/null || skip "the rest needs a C compiler"
cat > refuse.c <<'X'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
int
setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
    int (*real)(int, int, int, const void *, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");
    if (level == SOL_SOCKET && name == SO_TIMESTAMPING) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return real(fd, level, name, value, n);
}
X
cc -shared -fPIC -o refuse.so refuse.c -ldl 2>cc.err || skip "the rest needs a C compiler that makes shared objects"
export ASAN_OPTIONS=verify_asan_link_order=0
expect 0 env LD_PRELOAD="$PWD/refuse.so" "$MUSTER" run c.yaml --db sqlite:user.db --no-progress
unset ASAN_OPTIONS
expect 0 "$MUSTER" latency latest --db sqlite:user.db --json
mv out user.json
equal "$(json user.json 'd["sent_by"]["user"], d["arrived_by"]["user"]')" "(4, 4)" "stamps of this process"
equal "$(json user.json 'd["latency"]["ttft"]["n"], d["latency"]["event_gap"]["n"]')" "(4, 12)" "measures by them"
expect 0 "$MUSTER" latency latest --db sqlite:user.db
says out "sent: 100.0 % by this process; arrived: 100.0 % by this process"
says out "late by its own delay"
done_testing
