package knowledge

import "testing"

func TestListens(t *testing.T) {
	for line, want := range map[string]struct {
		host string
		port int
	}{
		"listening on :8080":                                                        {"", 8080},
		"2026/01/01 10:00:00 listening on 127.0.0.1:8080":                           {"127.0.0.1", 8080},
		"Tomcat started on port(s): 8080 (http) with context ''":                    {"", 8080},
		"Tomcat started on port 8081 (http)":                                        {"", 8081},
		"INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)": {"127.0.0.1", 8000},
		" * Running on http://localhost:5000":                                       {"localhost", 5000},
		"[1] [INFO] Listening at: http://0.0.0.0:8000 (7)":                          {"0.0.0.0", 8000},
		"Serving HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...":              {"0.0.0.0", 8000},
		"Now listening on: http://[::]:5000":                                        {"::", 5000},
		"Server listening on port 3000":                                             {"", 3000},
		"listening on *:3000":                                                       {"", 3000},
		"started in 2026 with 4 workers":                                            {},
		"calling http://db:5432":                                                    {},
		"listen tcp :80: bind: permission denied":                                   {},
		"waiting for a server listening on :9090":                                   {},
		"error: nothing is listening on 10.0.0.1:9090":                              {},
		"job started at 10:30:15":                                                   {},
	} {
		host, port, ok := Listens(line)
		if host != want.host || port != want.port || ok != (want.port != 0) {
			t.Errorf("%q: %q %d %v, want %v", line, host, port, ok, want)
		}
	}
}
