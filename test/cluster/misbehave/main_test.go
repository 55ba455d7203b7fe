package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// quiet is a process that sleeps in no time; the clock is the test's.
func quiet(clock *time.Time) (*process, *bytes.Buffer, *bytes.Buffer) {
	var out, errOut bytes.Buffer
	return &process{
		out: &out, err: &errOut, uid: 1000,
		now:    func() time.Time { return *clock },
		sleep:  func(d time.Duration) { *clock = clock.Add(d) },
		getenv: func(string) string { return "" },
	}, &out, &errOut
}

func TestHelpListsEverything(t *testing.T) {
	clock := time.Now()
	p, out, _ := quiet(&clock)
	if code := run(p, []string{"help"}); code != 0 {
		t.Fatal(code)
	}
	for _, m := range modes() {
		if !strings.Contains(out.String(), "\n"+m.name) {
			t.Errorf("help does not list %s", m.name)
		}
		f := flag.NewFlagSet(m.name, flag.ContinueOnError)
		m.flags(f, &options{})
		f.VisitAll(func(x *flag.Flag) {
			if !strings.Contains(out.String(), "  -"+x.Name) || x.Usage == "" {
				t.Errorf("help does not describe %s -%s", m.name, x.Name)
			}
		})
	}
}

func TestExits(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	open := listener.Addr().String()
	for line, want := range map[string]struct {
		code int
		says string
	}{
		"exit -code 3 -message 'no ledger'":     {3, "no ledger"},
		"exit":                                  {0, ""},
		"crash -as java":                        {1, "Exception in thread \"main\""},
		"crash -as segfault":                    {139, "Segmentation fault"},
		"crash -as cobol":                       {2, "none of"},
		"call 127.0.0.1:1":                      {1, "connection refused"},
		"call -times 3 127.0.0.1:1":             {1, "connection refused"},
		"call " + open:                          {0, ""},
		"call -until-answer " + open:            {0, ""},
		"call":                                  {2, "HOST:PORT|URL is missing"},
		"write " + full + "/file":               {1, "not a directory"},
		"write " + full + " -until 1 -step 1 x": {2, `unexpected argument "x"`},
		"require-env LEVEL":                     {1, "LEVEL is not set"},
		"refuse-root":                           {1, "not permitted"},
		"sleep -for 10ms":                       {0, ""},
		"sleep -forever":                        {2, "-forever"},
		"dance":                                 {2, `no mode "dance"`},
	} {
		clock := time.Now()
		p, _, errOut := quiet(&clock)
		if strings.HasPrefix(line, "refuse-root") {
			p.uid = 0
		}
		code := run(p, words(line))
		if code != want.code || !strings.Contains(errOut.String(), want.says) {
			t.Errorf("%s: exit %d, %q; want %d, %q", line, code, errOut.String(), want.code, want.says)
		}
	}
}

// words splits at spaces outside of single quotes.
func words(line string) []string {
	var list []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			list = append(list, part)
			continue
		}
		list = append(list, strings.Fields(part)...)
	}
	return list
}

func TestGivesUpAfterSoManyCalls(t *testing.T) {
	clock := time.Now()
	p, _, errOut := quiet(&clock)
	run(p, words("call 127.0.0.1:1 -times 4"))
	if n := strings.Count(errOut.String(), "refused"); n != 4 {
		t.Errorf("%d calls, want 4", n)
	}
}

func TestHealth(t *testing.T) {
	for _, c := range []struct {
		flags, path string
		after       time.Duration
		want        int // 0: hangs
	}{
		{"", "/healthz", 0, 200},
		{"-health-fails-after 8s", "/healthz", 7 * time.Second, 200},
		{"-health-fails-after 8s", "/healthz", 9 * time.Second, 500},
		{"-health-hangs-after 8s", "/healthz", 7 * time.Second, 200},
		{"-health-hangs-after 8s", "/healthz", 9 * time.Second, 0},
		{"-health-status 404", "/healthz", 0, 404},
		{"-health-path /alive", "/healthz", 0, 404},
		{"-health-path /alive", "/alive", 0, 200},
		{"", "/readyz", 0, 200},
		{"-not-ready", "/readyz", 0, 503},
		{"-ready-after 5s", "/readyz", 4 * time.Second, 503},
		{"-ready-after 5s", "/readyz", 6 * time.Second, 200},
		{"-ready-fails-after 5s", "/readyz", 4 * time.Second, 200},
		{"-ready-fails-after 5s", "/readyz", 6 * time.Second, 503},
		{"-ready-when 127.0.0.1:1", "/readyz", 0, 503},
		{"", "/other", 0, 404},
	} {
		start := time.Now()
		clock := start.Add(c.after)
		p, _, _ := quiet(&clock)
		o, err := mode{name: "serve", flags: serveFlags}.parse(strings.Fields(c.flags))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, c.path, nil)
		w := httptest.NewRecorder()
		o.serve.handler(p, start).ServeHTTP(w, r)
		hung := ctx.Err() != nil
		cancel()
		if hung != (c.want == 0) || c.want != 0 && w.Code != c.want {
			t.Errorf("%s %s after %s: %d, hung %v; want %d", c.flags, c.path, c.after, w.Code, hung, c.want)
		}
	}
}

func TestRegistry(t *testing.T) {
	clock := time.Now()
	p, _, _ := quiet(&clock)
	server := httptest.NewServer(registryHandler(p))
	defer server.Close()
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"/v2/":                           {200, "{}"},
		"/v2/shop/web/manifests/1.0":     {404, "MANIFEST_UNKNOWN"},
		"/v2/private/web/manifests/1.0":  {401, "UNAUTHORIZED"},
		"/v2/privateer/web/manifests/v1": {404, "MANIFEST_UNKNOWN"},
	} {
		resp, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != want.status || !strings.Contains(string(body), want.says) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

func TestBurnUsesCPU(t *testing.T) {
	clock := time.Now()
	p, out, _ := quiet(&clock)
	before := cpuTime()
	burn(p, 150)
	if used := cpuTime() - before; used < 150*time.Millisecond || used > 5*time.Second {
		t.Errorf("used %s of CPU, want about 150 ms", used)
	}
	if !strings.Contains(out.String(), "starting: loaded 100 of 150") || !strings.Contains(out.String(), "started") {
		t.Errorf("the log does not tell of the start: %s", out)
	}
}

func TestHoldsWhatItSays(t *testing.T) {
	clock := time.Now()
	p, out, _ := quiet(&clock)
	held := hold(p, &options{until: 6, step: 2})
	if len(held) != 3 || !strings.Contains(out.String(), "holding 6 MiB") {
		t.Errorf("%d blocks: %s", len(held), out)
	}
}

func TestHTTPS(t *testing.T) {
	certificate, err := ownCertificate()
	if err != nil || len(certificate.Certificate) != 1 {
		t.Fatal(err)
	}
}
