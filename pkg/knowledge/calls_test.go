package knowledge_test

import (
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
)

// What programs write when nobody answers their call, and what only looks like it.
func TestUnanswered(t *testing.T) {
	for line, want := range map[string]string{
		"dial tcp 10.20.0.7:5432: i/o timeout":                                                                                                      "timed out 10.20.0.7:5432",
		"dial tcp 10.20.0.7:5432: connect: connection timed out":                                                                                    "timed out 10.20.0.7:5432",
		"dial tcp 10.20.0.7:5432: connect: no route to host":                                                                                        "no route 10.20.0.7:5432",
		"dial tcp [2001:db8::7]:443: connect: network is unreachable":                                                                               "no network 2001:db8::7:443",
		`Get "https://api.example.com/v1": dial tcp 203.0.113.7:443: i/o timeout`:                                                                   "timed out api.example.com:443 203.0.113.7",
		`Get "http://pay.shop.svc/v1": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`:                                  "timed out pay.shop.svc:80",
		`Get "https://pay:8443/v1": net/http: TLS handshake timeout`:                                                                                "timed out pay:8443",
		`rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.1:50051: i/o timeout"`:      "timed out 10.0.0.1:50051",
		"2026/11/21 01:34:19 main.go:78: cannot connect to db.prod.svc:5432: i/o timeout":                                                           "timed out db.prod.svc:5432",
		"read tcp 10.88.0.4:41234->10.96.0.7:5432: read: connection reset by peer":                                                                  "cut off 10.96.0.7:5432",
		"java.net.ConnectException: Connection timed out (Connection timed out)":                                                                    "timed out :",
		"Caused by: java.net.SocketTimeoutException: connect timed out":                                                                             "timed out :",
		"Caused by: java.net.NoRouteToHostException: No route to host":                                                                              "no route :",
		"io.netty.channel.ConnectTimeoutException: connection timed out: db.shop/10.96.0.7:5432":                                                    "timed out db.shop:5432 10.96.0.7",
		"org.apache.http.conn.ConnectTimeoutException: Connect to api.example.com:443 [api.example.com/203.0.113.7] failed: connect timed out":      "timed out api.example.com:443",
		"Error: connect ETIMEDOUT 10.20.0.7:5432":                                                                                                   "timed out 10.20.0.7:5432",
		"Error: connect EHOSTUNREACH 10.20.0.7:5432 - Local (10.0.0.5:40112)":                                                                       "no route 10.20.0.7:5432",
		"Error: connect ENETUNREACH 2001:db8::7:443 - Local (:::0)":                                                                                 "no network 2001:db8::7:443",
		"ConnectTimeoutError: Connect Timeout Error (attempted address: db.example.com:443, timeout: 10000ms)":                                      "timed out db.example.com:443",
		"TimeoutError: [Errno 110] Connection timed out":                                                                                            "timed out :",
		"OSError: [Errno 113] No route to host":                                                                                                     "no route :",
		"OSError: [Errno 101] Network is unreachable":                                                                                               "no network :",
		`psycopg2.OperationalError: connection to server at "db" (10.96.12.7), port 5432 failed: Connection timed out`:                              "timed out db:5432 10.96.12.7",
		`psycopg2.OperationalError: connection to server at "10.20.0.7", port 5432 failed: timeout expired`:                                         "timed out 10.20.0.7:5432",
		"psycopg.errors.ConnectionTimeout: connection timeout expired":                                                                              "timed out :",
		"requests.exceptions.ConnectTimeout: HTTPSConnectionPool(host='api.example.com', port=443): Max retries exceeded with url: / (Caused by x)": "timed out api.example.com:443",
		"redis.exceptions.ConnectionError: Error 113 connecting to redis:6379. No route to host.":                                                   "no route redis:6379",
		"ERROR 2003 (HY000): Can't connect to MySQL server on 'db-main' (110)":                                                                      "timed out db-main:",
		"nc: connect to db port 5432 (tcp) timed out: Operation now in progress":                                                                    "timed out db:5432",
		"nc: db (10.96.1.2:5432): Connection timed out":                                                                                             "timed out db:5432 10.96.1.2",
		"wget: can't connect to remote host (10.20.0.7): Connection timed out":                                                                      "timed out 10.20.0.7:",
		"curl: (28) Failed to connect to db.example.com port 443 after 130012 ms: Connection timed out":                                             "timed out db.example.com:443",
		`Net::OpenTimeout: Failed to open TCP connection to db:5432 (execution expired)`:                                                            "timed out db:5432",
		`Errno::EHOSTUNREACH: No route to host - connect(2) for "10.20.0.7" port 6379`:                                                              "no route 10.20.0.7:6379",
		`System.Net.Sockets.SocketException (110): Connection timed out`:                                                                            "timed out :",
		`Error: Connection timed out (os error 110)`:                                                                                                "timed out :",
		`SQLSTATE[08006] [7] connection to server at "db.example.com" (203.0.113.7), port 5432 failed: timeout expired`:                             "timed out db.example.com:5432 203.0.113.7",

		"dial tcp: lookup db on 10.96.0.10:53: read udp 10.0.0.5:40123->10.96.0.10:53: i/o timeout": "",
		"panic: timed out waiting for caches to sync":                                               "",
		"rpc error: code = DeadlineExceeded desc = context deadline exceeded":                       "",
		"dial tcp 10.20.0.7:5432: connect: connection refused":                                      "",
		"read tcp 10.88.0.4:8080->10.88.0.9:53211: read: connection reset by peer":                  "",
		"Error: read ECONNRESET":     "",
		"socket hang up":             "",
		"01:34:19 request timed out": "",
		"HikariPool-1 - Connection is not available, request timed out after 30000ms.": "",
		"worker 7 timed out after 30s": "",
		"":                             "",
	} {
		got := ""
		if c, ok := knowledge.Unanswered(line); ok {
			got = string(c.How) + " " + c.Host + ":" + c.Port
			if c.IP != "" {
				got += " " + c.IP
			}
		}
		if got != want {
			t.Errorf("%q:\ngot  %q\nwant %q", line, got, want)
		}
	}
}

// A log may hold anything.
func FuzzUnanswered(f *testing.F) {
	f.Add("dial tcp 10.20.0.7:5432: i/o timeout")
	f.Add("->[::]:1 timed out host=x port=99999999")
	f.Fuzz(func(_ *testing.T, line string) { knowledge.Unanswered(line) })
}
