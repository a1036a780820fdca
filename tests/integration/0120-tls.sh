#!/bin/bash
# A provider over TLS and through a proxy, against real servers on loopback: authorities of one's own, certificates that
# are wrong in each way, a server that asks for a client certificate, a proxy that asks for a password. What is wrong
# is one sentence; keys and passwords are in no file.
. "$(dirname "$0")/lib.sh"
need python3 openssl
ca() { # NAME
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
leaf() { # NAME CA SAN DAYS
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    printf 'subjectAltName=%s\n' "$3" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "$4" -extfile "$1.ext" \
        -out "$1.pem" 2>/dev/null
}
ca ours
ca theirs
leaf good ours IP:127.0.0.1 2
leaf elsewhere ours DNS:elsewhere.example 2
leaf expired ours IP:127.0.0.1 -1
leaf client ours DNS:client 2
openssl rsa -aes128 -passout pass:canary-of-the-key -in client.key -out locked.key 2>/dev/null
cat > server.py <<'X'
import http.server, json, socket, ssl, sys, threading, select, base64
class Chat(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"".join(b"data: " + json.dumps({"choices": [{"index": 0, "delta": d, "finish_reason": f}]}).encode() +
                        b"\n\n" for d, f in (({"content": "x"}, None), ({}, "stop"))) + b"data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        pass
class Proxy(Chat):
    def do_CONNECT(self):
        want = "Basic " + base64.b64encode(b"me:canary-of-the-proxy").decode()
        if self.headers.get("Proxy-Authorization") != want:
            self.send_response(407)
            self.send_header("Proxy-Authenticate", "Basic realm=x")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        host, port = self.path.split(":")
        far = socket.create_connection((host, int(port)))
        open("proxied", "a").write(self.path + "\n")
        self.send_response(200)
        self.end_headers()
        near = self.connection
        while True:
            for s in select.select([near, far], [], [])[0]:
                data = s.recv(65536)
                if not data:
                    far.close()
                    self.close_connection = True
                    return
                (far if s is near else near).sendall(data)
def serve(handler, cert=None, ask=False):
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    s.daemon_threads = True
    s.handle_error = lambda *a: None
    if cert:
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(cert + ".pem", cert + ".key")
        if ask:
            c.verify_mode = ssl.CERT_REQUIRED
            c.load_verify_locations("ours.pem")
        s.socket = c.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s.server_port
ports = {"good": serve(Chat, "good"), "elsewhere": serve(Chat, "elsewhere"), "expired": serve(Chat, "expired"),
         "asks": serve(Chat, "good", True), "proxy": serve(Proxy), "plain": serve(Chat)}
for name, port in ports.items():
    print(f"{name}={port}")
sys.stdout.flush()
threading.Event().wait()
X
python3 server.py > ports 2> server.err &
pids="$pids $!"
for _ in $(seq 200); do grep -q plain= ports && break; sleep 0.05; done
. ./ports
echo '{"id": "c1", "input": "q", "expected_output": "x"}' > d.jsonl
round=0
try() { # CODE PORT SETTINGS: runs, leaves out, err and c.yaml
    round=$((round + 1))
    cat > c.yaml <<X
name: tls
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, base_url: "${scheme:-https}://127.0.0.1:$2/v1", model_name: m, $3}
scorers: [{tier: L1, scorer_name: exact_match}]
X
    expect "$1" timeout 60 "$MUSTER" run c.yaml -v --db sqlite:$round.db -o $round.json
}
try 0 "$good" 'ca_file: ours.pem'
try 0 "$good" 'tls_insecure: true'
try 0 "$elsewhere" 'tls_insecure: true'
try 0 "$asks" 'ca_file: ours.pem, client_cert: client.pem, client_key: client.key'
export KEY_PASSWORD=canary-of-the-key
try 0 "$asks" 'ca_file: ours.pem, client_cert: client.pem, client_key: locked.key, client_key_password: env:KEY_PASSWORD'
wrong() { # PORT SETTINGS SENTENCE
    try 4 "$1" "$2"
    one_error
    says err "$3"
}
wrong "$good" 'max_retries: 3' 'comes from an authority that is not known here; name its bundle as ca_file'
wrong "$good" 'ca_file: theirs.pem' 'comes from an authority that is not known here'
wrong "$elsewhere" 'ca_file: ours.pem' 'is for another host name'
wrong "$expired" 'ca_file: ours.pem' 'has expired'
wrong "$asks" 'ca_file: ours.pem' 'asks for a client certificate'
wrong "$good" 'ca_file: d.jsonl' 'the file of trusted certificates cannot be read'
export KEY_PASSWORD=canary-of-another
wrong "$asks" 'ca_file: ours.pem, client_cert: client.pem, client_key: locked.key, client_key_password: env:KEY_PASSWORD' \
    'the client certificate cannot be used'
# what can be seen before a run
early() { # SETTINGS SENTENCE
    try 2 "$good" "$1"
    one_error
    says err "$2"
}
early 'ca_file: none.pem' 'ca_file "none.pem" cannot be read: No such file'
early 'client_cert: client.pem, client_key: .' 'client_key "." cannot be read: Is a directory'
early 'client_key: client.key' '"client_key" needs "client_cert"'
early 'proxy: "http://me:hunter2@127.0.0.1:1"' '"proxy" must hold no user or password'
says_not err hunter2
early 'proxy: "ftp://x"' '"proxy" must be'
try 2 "$good" 'ca_file: ours.pem, client_cert: client.pem, client_key: locked.key, client_key_password: env:NOT_THERE'
says err 'NOT_THERE'

# proxies: off unless asked for
export https_proxy=http://127.0.0.1:1 http_proxy=http://127.0.0.1:1
try 0 "$good" 'ca_file: ours.pem'
export PROXY_AUTH=me:canary-of-the-proxy
try 0 "$good" "ca_file: ours.pem, proxy: \"http://127.0.0.1:$proxy\", proxy_auth: env:PROXY_AUTH"
says proxied "127.0.0.1:$good"
try 4 "$good" "ca_file: ours.pem, proxy: \"http://127.0.0.1:$proxy\""
says err 'the proxy refused the connection with status 407; set proxy_auth'
try 4 "$good" 'ca_file: ours.pem, proxy: "http://127.0.0.1:1", max_retries: 0'
says out 'could not connect to the proxy'
try 4 "$good" 'ca_file: ours.pem, proxy: env, max_retries: 0'
rm -f proxied
export https_proxy=http://me:canary-of-the-proxy@127.0.0.1:$proxy
try 0 "$good" 'ca_file: ours.pem, proxy: env'
says proxied "127.0.0.1:$good"
export no_proxy=127.0.0.1
rm -f proxied
try 0 "$good" 'ca_file: ours.pem, proxy: env'
[ -e proxied ] && fail "no_proxy was not heeded"
scheme=http
try 0 "$plain" "proxy: \"http://127.0.0.1:$proxy\"" # an HTTP request goes to the proxy itself
grep -a -l 'canary-of' ./*.db ./*.json out err c.yaml 2>/dev/null | while read -r f; do echo "$f"; done > found
[ -s found ] && fail "a secret is in $(tr '\n' ' ' < found)"
done_testing
