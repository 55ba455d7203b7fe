package probes

import "testing"

func TestWordsOfAStart(t *testing.T) {
	for line, want := range map[string]bool{
		"2025-03-01T10:00:00Z starting: loaded 300 of 800 classes":                              true,
		"INFO o.s.d.r.c.RepositoryConfigurationDelegate : Bootstrapping Spring Data JPA":        true,
		"INFO o.s.web.context.ContextLoader : Root WebApplicationContext: initializing plugins": true,
		"importing modules":                                         true,
		"waiting for postgres before starting":                      false,
		"dial tcp 10.0.0.3:5432: connect: connection refused":       false,
		"loading catalog: connection timed out, retrying":           false,
		"starting: cannot reach redis: no such host":                false,
		"Started Application in 4.2 seconds":                        false,
		"listening on :8080":                                        false,
		"migration 7 done, loading nothing else; server is serving": false,
		"hello": false,
		"":      false,
	} {
		if got := startWords.MatchString(line) && !otherWords.MatchString(line); got != want {
			t.Errorf("%q: at work on its start: %v, want %v", line, got, want)
		}
	}
}
