package exits

import (
	"strings"
	"testing"
)

// What programs write before they end, and how it is understood: "cause what:port", with "?" where what
// follows may be the reason instead; "" for what must not be.
func TestReasonIn(t *testing.T) {
	for _, c := range []struct {
		want string
		exit int32
		log  string
	}{
		{"missing-env-var DATABASE_URL", 1, "Error: required environment variable DATABASE_URL is not set"},
		{"missing-env-var DB_HOST", 1, "2025-03-01T10:00:00Z FATAL DB_HOST must be set"},
		{"missing-env-var PORT", 1, "$PORT must be set"},
		{"missing-env-var API_KEY", 1, `{"level":"fatal","msg":"missing required environment variable \"API_KEY\""}`},
		{"missing-env-var API_KEY", 1, "MissingEnvironmentVariable: API_KEY"},
		{"missing-env-var SECRET_KEY", 1, "django.core.exceptions.ImproperlyConfigured: Set the SECRET_KEY environment variable"},
		{"missing-env-var DB_URL", 1, "required key DB_URL missing value"},
		{"missing-env-var DB_URL", 1, "java.lang.IllegalArgumentException: Could not resolve placeholder 'DB_URL' in value \"${DB_URL}\""},
		{"missing-env-var TOKEN", 1, "/start.sh: line 3: TOKEN: unbound variable"},
		{"missing-env-var TOKEN", 2, "/start.sh: 3: TOKEN: parameter not set"},
		{"missing-env-var POSTGRES_PASSWORD", 1, "Error: Database is uninitialized and superuser password is not specified.\n       You must specify POSTGRES_PASSWORD to a non-empty value for the\n       superuser."},
		{"missing-env-var PORT", 1, "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in <module>\n    os.environ['PORT']\n  File \"<frozen os>\", line 679, in __getitem__\nKeyError: 'PORT'"},
		{"", 1, "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in <module>\n    row['PORT']\nKeyError: 'PORT'"},
		{"", 1, "ERROR: column PRICE is not set in row 7"},
		{"", 1, "INFO: CACHE_URL is not set, using the default\nFATAL: table orders is missing"},
		{"", 1, "level=info msg=\"CACHE_URL is not set\""},
		{"", 1, "WARN: CACHE_URL is not set"},
		{"", 1, "Error: URL is required"},

		{"shell-cmd-not-found wge", 127, "sh: 1: wge: not found"},
		{"shell-cmd-not-found wge", 127, "/app/start.sh: line 3: wge: command not found"},
		{"shell-cmd-not-found node", 127, "/usr/bin/env: ‘node’: No such file or directory"},
		{"shell-cmd-not-found foo", 127, "zsh:1: command not found: foo"},
		{"", 1, "sh: 1: wge: not found"},
		{"", 127, "page /orders: not found today"},

		{"read-only /tmp/x", 1, "open /tmp/x: read-only file system"},
		{"read-only /tmp/x", 1, "OSError: [Errno 30] Read-only file system: '/tmp/x'"},
		{"read-only /app/logs", 1, "Error: EROFS: read-only file system, mkdir '/app/logs'\n    at Object.mkdirSync (node:fs:1382:26)\n\nNode.js v22.14.0"},
		{"read-only /data/x.log", 1, "java.io.FileNotFoundException: /data/x.log (Read-only file system)"},
		{"read-only /var/cache/nginx/client_temp", 1, `2025/03/01 10:00:00 [emerg] 1#1: mkdir() "/var/cache/nginx/client_temp" failed (30: Read-only file system)`},
		{"read-only /data", 1, "touch: cannot touch '/data': Read-only file system"},

		{"permission-denied-volume /data/x", 1, "open /data/x: permission denied"},
		{"permission-denied-volume /data/x", 1, "PermissionError: [Errno 13] Permission denied: '/data/x'"},
		{"permission-denied-volume /data/x", 1, "java.nio.file.AccessDeniedException: /data/x"},
		{"permission-denied-volume /data", 1, "mkdir: cannot create directory ‘/data’: Permission denied"},
		{"entrypoint-not-executable /app/run.sh", 126, "sh: 1: /app/run.sh: Permission denied"},
		{"", 1, "permission denied (publickey)"},

		{"privileged-port :80", 1, "listen tcp :80: bind: permission denied"},
		{"privileged-port :80", 1, "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)"},
		{"privileged-port :443", 1, "Error: listen EACCES: permission denied 0.0.0.0:443"},
		{"privileged-port :80", 1, "(13)Permission denied: AH00072: make_sock: could not bind to address [::]:80"},
		{"", 1, "listen tcp :8443: bind: permission denied"},
		{"port-in-use :8080", 1, "listen tcp :8080: bind: address already in use"},
		{"port-in-use :3000", 1, "Error: listen EADDRINUSE: address already in use :::3000"},
		{"port-in-use :80", 1, "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)"},
		{"port-in-use :8080", 1, "Web server failed to start. Port 8080 was already in use."},
		{"", 1, "error: object is in use"},

		{"runs-as-root-refused", 1, "java.lang.RuntimeException: can not run elasticsearch as root\n\tat org.elasticsearch.Bootstrap"},
		{"runs-as-root-refused", 1, `initdb: error: cannot be run as root`},
		{"", 1, "WARNING: running as root is not recommended\nerror: no such table"},

		{"rbac-forbidden", 1, `pods is forbidden: User "system:serviceaccount:shop:default" cannot list resource "pods" in API group "" in the namespace "shop"`},
		{"", 1, `pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "shop"`},

		{"disk-full-volume /data/x", 1, "write /data/x: no space left on device"},
		{"disk-full-volume /app/u.tmp", 1, "OSError: [Errno 28] No space left on device: '/app/u.tmp'"},
		{"disk-full-volume /data/x", 1, "Error: ENOSPC: no space left on device, write '/data/x'"},

		{"dependency-auth", 1, `FATAL:  password authentication failed for user "shop"`},
		{"dependency-auth", 1, "(error) WRONGPASS invalid username-password pair or user is disabled."},
		{"", 1, "metrics: 401 Unauthorized, sending none\nFATAL: table orders is missing"},

		{"tls-expired payments.example.com:2025-02-01T00:00:00Z", 1, `Get "https://payments.example.com/": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2025-03-01T10:00:00Z is after 2025-02-01T00:00:00Z`},
		{"tls-untrusted payments.example.com", 1, `Get "https://payments.example.com/": tls: failed to verify certificate: x509: certificate signed by unknown authority`},
		{"tls-untrusted db", 1, `Get "https://db/": tls: failed to verify certificate: x509: certificate is valid for db.example.com, localhost, not db`},
		{"tls-untrusted 10.0.0.1", 1, `Get "https://10.0.0.1/": tls: failed to verify certificate: x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs`},
		{"tls-untrusted", 1, "Caused by: sun.security.validator.ValidatorException: PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to requested target"},
		{"tls-untrusted db", 1, "Caused by: java.security.cert.CertificateException: No subject alternative DNS name matching db found."},
		{"tls-untrusted", 1, "Error: self-signed certificate in certificate chain\n    at TLSSocket.onConnectSecure (node:_tls_wrap:1679:34) {\n  code: 'SELF_SIGNED_CERT_IN_CHAIN'\n}\n\nNode.js v22.14.0"},
		{"tls-untrusted db", 1, "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: Host: db. is not in the cert's altnames: DNS:db.example.com"},
		{"tls-untrusted api.corp.example", 1, "requests.exceptions.SSLError: HTTPSConnectionPool(host='api.corp.example', port=443): Max retries exceeded with url: / (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)')))"},
		{"tls-untrusted db", 1, "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for 'db'. (_ssl.c:1006)"},
		{"tls-untrusted db", 2, `connection to server at "db" (10.96.1.2), port 5432 failed: server certificate for "db.example.com" does not match host name "db"`},
		{"tls-untrusted", 60, "curl: (60) SSL certificate problem: unable to get local issuer certificate"},
		{"tls-untrusted", 1, "remote error: tls: bad certificate"},
		{"", 1, "http: TLS handshake error from 10.0.0.7:53211: remote error: tls: bad certificate"},
		{"", 1, "metrics: x509: certificate signed by unknown authority, going on without\nFATAL: table orders is missing"},
		{"tls-expired", 1, "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)"},
		{"tls-untrusted", 1, "x509: certificate signed by unknown authority"},

		{"dependency-dns db.prod.svc", 1, "dial tcp: lookup db.prod.svc on 10.96.0.10:53: no such host"},
		{"dependency-dns db", 1, "Error: getaddrinfo ENOTFOUND db\n    at GetAddrInfoReqWrap.onlookup (node:dns:120:26) {\n  code: 'ENOTFOUND'\n}"},
		{"dependency-dns db", 1, `psycopg2.OperationalError: could not translate host name "db" to address: Name or service not known`},
		{"dependency-dns api.example.com", 6, "curl: (6) Could not resolve host: api.example.com"},
		{"dependency-dns db", 1, "wget: bad address 'db'"},
		{"dependency-unreachable 10.20.0.7:5432", 1, "dial tcp 10.20.0.7:5432: i/o timeout"},
		{"dependency-unreachable 10.20.0.7:5432", 1, "Error: connect ETIMEDOUT 10.20.0.7:5432\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16) {\n  errno: -110,\n  code: 'ETIMEDOUT',\n  syscall: 'connect',\n  address: '10.20.0.7',\n  port: 5432\n}\n\nNode.js v22.14.0"},
		{"dependency-unreachable db.example.com:5432", 1, "org.postgresql.util.PSQLException: Connection attempt to db.example.com:5432 failed\n\tat org.postgresql.Driver.connect(Driver.java:297)\nCaused by: java.net.SocketTimeoutException: Connect timed out"},
		{"dependency-unreachable", 1, "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in <module>\n    s.connect(db)\nTimeoutError: [Errno 110] Connection timed out"},
		{"dependency-unreachable 10.20.0.7:443", 1, "cannot resolve dependency: dial tcp 10.20.0.7:443: i/o timeout"},
		{"dependency-dns db", 1, "dial tcp: lookup db on 10.96.0.10:53: read udp 10.0.0.5:40123->10.96.0.10:53: i/o timeout"},
		{"", 1, "cache:6379: i/o timeout, going on without\nFATAL: table orders is missing"},
		{"", 1, "panic: timed out waiting for caches to sync"},

		{"exec-format-error /app/server", 255, "exec /app/server: exec format error"},
		{"exec-format-error", 1, `standard_init_linux.go:228: exec user process caused: exec format error`},
		{"exec-format-error /app/server", 126, "bash: line 1: /app/server: cannot execute binary file: Exec format error"},
		{"bad-interpreter /app/run.sh", 255, "exec /app/run.sh: no such file or directory"},
		{"bad-interpreter /app/run.sh", 126, "/bin/sh: /app/run.sh: /bin/bash^M: bad interpreter: No such file or directory"},

		{"bad-flag-or-config -verbos:flag", 2, "flag provided but not defined: -verbos\nUsage of server:\n  -verbose\n    \tsay more"},
		{"bad-flag-or-config --verbos:flag", 1, "Error: unknown flag: --verbos\nUsage:\n  app [flags]\n\nFlags:\n  -h, --help   help\n"},
		{"bad-flag-or-config --verbos:flag", 2, "usage: app [-h]\napp: error: unrecognized arguments: --verbos"},
		{"bad-flag-or-config --verbos:flag", 2, "error: unexpected argument '--verbos' found\n\n  tip: a similar argument exists: '--verbose'"},
		{"bad-flag-or-config -x:flag", 1, "unknown shorthand flag: 'x' in -x"},
		{"bad-flag-or-config /etc/app/c.yaml", 1, "error: parsing /etc/app/c.yaml: yaml: line 7: mapping values are not allowed in this context"},
		{"bad-flag-or-config /etc/nginx/nginx.conf", 1, `nginx: [emerg] unknown directive "serverr" in /etc/nginx/nginx.conf:3`},
		{"bad-flag-or-config /etc/app/c.json", 1, "open /etc/app/c.json: no such file or directory"},
		{"", 1, "json: cannot unmarshal string into Go value of type int"},
		{"", 1, "open /data/ledger: no such file or directory"},

		{"heap-exhausted-inside Java", 3, "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n\tat com.shop.A.b(A.java:1)"},
		{"heap-exhausted-inside Node", 134, "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n----- Native stack trace -----\n\n 1: 0xe13f7e node::OOMErrorHandler\nAborted (core dumped)"},
		{"heap-exhausted-inside Python", 1, "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in load\nMemoryError"},
		{"", 137, "java.lang.OutOfMemoryError: Java heap space"},
		{"thread-limit", 1, "java.lang.OutOfMemoryError: unable to create native thread"},
		{"thread-limit", 1, "Exception in thread \"main\" java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or process/resource limits reached\n\tat java.base/java.lang.Thread.start0(Native Method)"},
		{"thread-limit", 2, "runtime: failed to create new OS thread (have 12 already; errno=11)\nruntime: may need to increase max user processes (ulimit -u)\nfatal error: newosproc\n\ngoroutine 1 [running]:\nruntime.throw(0x1)\n\t/usr/local/go/src/runtime/panic.go:1 +0x1"},
		{"thread-limit", 1, "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in <module>\n    t.start()\nRuntimeError: can't start new thread"},
		{"thread-limit", 1, "Traceback (most recent call last):\n  File \"/usr/lib/python3.12/subprocess.py\", line 9, in _execute_child\n    self.pid = _fork_exec(\nBlockingIOError: [Errno 11] Resource temporarily unavailable"},
		{"thread-limit", 1, "OpenBLAS blas_thread_init: pthread_create failed for thread 14 of 64: Resource temporarily unavailable"},
		{"thread-limit", 254, "/start.sh: fork: retry: Resource temporarily unavailable"},
		{"thread-limit", 134, "terminate called after throwing an instance of 'std::system_error'\n  what():  Resource temporarily unavailable"},
		{"thread-limit", 101, "called `Result::unwrap()` on an `Err` value: failed to spawn thread: Os { code: 11, kind: WouldBlock, message: \"Resource temporarily unavailable\" }"},
		{"thread-limit", 1, "pthread_create failed: Operation not permitted"},
		{"", 1, "read: Resource temporarily unavailable"},
		{"", 1, "BlockingIOError: [Errno 11] Resource temporarily unavailable"},

		// What follows counts: an error of another kind, or a program that went on, is another reason.
		{"", 1, "open /tmp/x: read-only file system\nFATAL: table orders is missing"},
		{"", 1, "open /tmp/x: read-only file system\nlistening on :8080"},
		{"", 1, "open /tmp/x: read-only file system\none\ntwo\nthree"},
		{"read-only /tmp/x", 1, "open /tmp/x: read-only file system\nmisbehave write /tmp"},
		// A bound is no missing variable, and a name in capitals may be the name of anything.
		{"", 1, "ERROR: MIN_POOL_SIZE must be less than MAX_POOL_SIZE"},
		{"", 1, "Error: HTTP_TIMEOUT must be between 1 and 60"},
		{"missing-env-var HTTP_PORT", 1, "Error: HTTP_PORT must be provided"},
		{"missing-env-var HTTP_PORT", 1, "HTTP_PORT must not be empty"},
		{"", 1, "org.apache.kafka.common.errors.TimeoutException: Topic ORDERS_EVENTS not present in metadata after 60000 ms."},
		{"", 1, "column ORDER_ID not found in table ORDERS"},
		{"", 1, "field STATUS_CODE is required"},
		{"", 1, "Error: queue ORDERS_URL not found"},
		{"", 1, "ORDER_STATE is missing"},
		{"missing-env-var DATABASE_URL", 1, "Error: DATABASE_URL is required"},
		{"missing-env-var JWT_SECRET", 1, "FATAL: JWT_SECRET missing"},
		{"missing-env-var SHARD_COUNT", 1, "configuration error: SHARD_COUNT is required"},
		{"missing-env-var SHARD_COUNT", 1, "SHARD_COUNT is not set"},

		// What a program got over, and what fails while it ends, is not why it ends.
		{"", 1, "dial tcp 10.0.0.5:6379: connect: connection refused, using in-memory cache\nlicense expired on 2024-01-01\nshutting down"},
		{"", 1, "metrics push: Post \"http://statsd.example.com:8125\": dial tcp: lookup statsd.example.com: no such host\nmetrics disabled\ndatabase schema mismatch: have 41, want 43"},
		{"", 1, "x509: certificate signed by unknown authority\nusing cached policy bundle\nlicense quota exceeded"},
		{"", 1, "user uploaded file '/etc/passwd.conf': not found"},
		{"bad-flag-or-config /etc/app.conf", 1, "config file /etc/app.conf not found"},
		{"dependency-refused db:5432", 1, "db:5432: connection refused, cannot continue"},
		{"", 134, strings.Repeat("POST /pay 502: request to https://payments.example.com/v1/charges timed out\n", 3) + "server: ledger.cc:88: Assertion `balance >= 0' failed."},
		{"", 1, strings.Repeat("Error: connect ECONNREFUSED 10.0.0.5:5432\n", 3) + "FATAL unhandled state transition: cart=closed"},
		{"", 139, strings.Repeat("Error: connect ECONNREFUSED 10.0.0.5:5432\n", 3) + "one\ntwo\nthree"},
		{"dependency-refused 10.0.0.5:5432", 1, strings.Repeat("Error: connect ECONNREFUSED 10.0.0.5:5432\n", 3) + "one\ntwo\nthree"},
		{"dependency-refused 10.0.0.5:5432?", 1, strings.Repeat("Error: connect ECONNREFUSED 10.0.0.5:5432\n", 3) + "Error: cart is invalid"},
		{"dependency-refused 10.0.0.5:5432?", 1, "dial tcp 10.0.0.5:5432: connect: connection refused\nledger is out of balance by 3"},
		{"dependency-refused 10.0.0.5:5432", 1, "FATAL: dial tcp 10.0.0.5:5432: connect: connection refused\nmisbehave call 10.0.0.5:5432"},
		{"dependency-refused 10.0.0.5:5432", 1, "dial tcp 10.0.0.5:5432: connect: connection refused\nERROR: giving up after 3 attempts\nshutting down"},
		{"", 1, "ERROR: relation migrations is locked\nclosing pool: dial tcp 10.1.2.3:5432: connect: connection refused"},
		{"dependency-refused 10.1.2.3:5432", 1, "shutting down because of dial tcp 10.1.2.3:5432: connect: connection refused"},

		{"dependency-refused 10.1.2.3:5432", 1, "FATAL: shutting down: dial tcp 10.1.2.3:5432: connect: connection refused"},
		{"dependency-refused 10.0.0.5:5432", 1, "Error: connect ECONNREFUSED 10.0.0.5:5432\nMigration failed, exiting"},
		{"dependency-refused 10.0.0.5:5432", 1, "Error: connect ECONNREFUSED 10.0.0.5:5432\nerror Command failed with exit code 1."},
		{"dependency-refused 10.0.0.5:5432", 1, "Error: connect ECONNREFUSED 10.0.0.5:5432\nlevel=info msg=\"3 jobs left\""},
		{"dependency-refused 10.0.0.5:5432?", 1, "Error: connect ECONNREFUSED 10.0.0.5:5432\nError: cart is invalid"},
		{"", 1, "dial tcp 10.0.0.5:5432: connect: connection refused\nlistening on :8080\nError: cart is invalid"},
		{"", 1, "ReferenceError: API_URL is not defined"},
		{"", 1, "NameError: name 'DB_HOST' is not defined"},

		// Not every name is one, and not every device is a disk.
		{"dependency-dns undefined", 1, "Error: getaddrinfo ENOTFOUND undefined"},
		{"dependency-dns null", 1, "dial tcp: lookup null on 10.96.0.10:53: no such host"},
		{"dependency-refused :5432", 1, "dial tcp :5432: connect: connection refused"},
		{"dependency-refused :5432", 1, "dial tcp 10.0.0.5:6379: connect: connection refused, going on\ndial tcp :5432: connect: connection refused"},
		{"port-in-use /run/app/app.sock", 1, "listen unix /run/app/app.sock: bind: address already in use"},
		{"port-in-use /run/app/app.sock", 1, "Error: listen EADDRINUSE: address already in use /run/app/app.sock\n    at Server.setupListenHandle (node:net:1937:16)"},
		{"port-in-use /run/nginx.sock", 1, "nginx: [emerg] bind() to unix:/run/nginx.sock failed (98: Address already in use)"},
		{"disk-full-volume /dev/shm", 1, "ERROR:  could not resize shared memory segment \"/PostgreSQL.1804289383\" to 8388608 bytes: No space left on device"},
		{"inotify-limit watches", 1, "Error: ENOSPC: System limit for number of file watchers reached, watch '/app/config'"},
		{"inotify-limit instances", 1, "failed to create fsnotify watcher: too many open files"},
		{"inotify-limit watches", 1, "inotify_add_watch(7, \"/data\"): No space left on device"},
		{"", 1, "accept4: too many open files"},
		{"bad-flag-or-config REDIS_PORT:link", 1, "Invalid value for REDIS_PORT: expected integer, got tcp://10.96.12.3:6379"},
		{"bad-flag-or-config 10.96.12.3:link", 1, "strconv.Atoi: parsing \"tcp://10.96.12.3:6379\": invalid syntax"},
		{"bad-flag-or-config 10.96.12.3:link", 1, "ValueError: invalid literal for int() with base 10: 'tcp://10.96.12.3:6379'"},

		{"", 1, ""},
	} {
		got := ""
		if r := reasonIn(c.log, c.exit); r != nil {
			got = strings.TrimRight(strings.TrimSpace(r.cause+" "+r.what)+":"+r.port, ":")
			if r.what == "" && r.port != "" {
				got = r.cause + " :" + r.port
			}
			if r.after != "" {
				got += "?"
			}
		}
		if got != c.want {
			t.Errorf("exit %d, %q:\ngot  %q\nwant %q", c.exit, c.log, got, c.want)
		}
	}
}

// A log may hold anything, and a reason is looked for in every one.
func FuzzReasonIn(f *testing.F) {
	f.Add("open /tmp/x: read-only file system", int32(1))
	f.Add("KeyError: 'X'\r\n\r", int32(127))
	f.Fuzz(func(_ *testing.T, log string, exit int32) { reasonIn(log, exit) })
}

func TestWordIn(t *testing.T) {
	for text, want := range map[string]int{
		"wge -q http://db": 0, "a; wge": 3, "wget": -1, "my-wge": -1, "": -1, "x=wge": 2,
	} {
		if got := wordIn(text, "wge"); got != want {
			t.Errorf("wge in %q: %d, want %d", text, got, want)
		}
	}
}
