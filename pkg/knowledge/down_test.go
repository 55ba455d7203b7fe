package knowledge

import (
	"strings"
	"testing"
)

func TestDownIn(t *testing.T) {
	for text, want := range map[string]string{
		"not ready: dial tcp 10.0.0.7:5432: connect: connection refused":                                                           "10.0.0.7:5432 refuses",
		`not ready: Get "http://cart-db:5432/": dial tcp 10.0.0.7:5432: connect: connection refused`:                               "cart-db:5432 refuses",
		"Error: connect ECONNREFUSED 10.0.0.7:6379":                                                                                "10.0.0.7:6379 refuses",
		`connection to server at "db" (10.0.0.7), port 5432 failed: Connection refused`:                                            "db:5432 refuses",
		"not ready: dial tcp: lookup cart-db on 10.96.0.10:53: no such host":                                                       "cart-db has no address",
		"dial tcp: lookup nowhere.invalid on 10.96.0.10:53: dial udp 10.96.0.10:53: connect: network is unreachable":               "nowhere.invalid cannot be looked up",
		"Error: getaddrinfo ENOTFOUND redis":                                                                                       "redis has no address",
		"dial tcp 10.0.0.7:5432: i/o timeout":                                                                                      "10.0.0.7:5432 does not answer",
		"GET /readyz 503\ndial tcp 10.0.0.7:5432: connect: connection refused\nGET /readyz 503":                                    "10.0.0.7:5432 refuses",
		"dial tcp 10.0.0.7:5432: connect: connection refused; trying again\nconnected to the database\nERROR home.html is missing": "",
		"connection refused":       "",
		"listening on :8080":       "",
		"GET /health 500 in 3ms":   "",
		"permission denied: /data": "",
		"":                         "",
	} {
		d, at := DownIn(strings.Split(text, "\n"))
		got := ""
		if at >= 0 {
			got = d.Address() + " " + d.How
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
