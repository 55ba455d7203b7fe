package cluster_test

import (
	"strings"
	"testing"
)

// TestScenarioFormat holds that a file which asks for nothing, or for what nobody heeds, is refused.
func TestScenarioFormat(t *testing.T) {
	const object = "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	const head = "scenario:\n  what: w\n  target: deploy/web\n"
	good := map[string]string{
		"a state":   head + "  until: {for: 1s}\n  expect: healthy" + object,
		"pending":   head + "  until: {restarts: 2}\n  expect: {pending: oom-node}" + object,
		"a cause":   head + "  until: {waiting: X}\n  expect: {cause: a, field: none, certainty: certain, fix: none}\n  heals: false\n  why: w" + object,
		"two steps": head + "  until: {event: X}\n  expect: idle" + object + "---\nstep: {until: {ready: deploy/web}}" + object,
		"a removal": head + "  until: {deleting: true}\n  expect: starting" + object + "---\nstep: {until: {ready: pod/web}, delete: pod/web}\n",
	}
	for name, text := range good {
		if _, err := parseScenario(name, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	cause := head + "  until: {waiting: X}\n  expect: {cause: a, field: none, certainty: certain, fix: safe}\n"
	for says, text := range map[string]string{
		"until says nothing":        head + "  until: {}\n  expect: healthy" + object,
		"are of an event":           head + "  until: {for: 1s, says: nothing}\n  expect: healthy" + object,
		"unknown field \"limit\"":   head + "  until: {for: 1s, limit: 90s}\n  expect: healthy" + object,
		"unknown field":             head + "  until: {restart: 2}\n  expect: healthy" + object,
		"one of cause":              head + "  until: {for: 1s}" + object,
		"needs field":               head + "  until: {for: 1s}\n  expect: {cause: a}" + object,
		"heals is missing":          cause + object,
		"needs a why":               cause + "  heals: false" + object,
		"heals is for":              head + "  until: {for: 1s}\n  expect: healthy\n  heals: true" + object,
		"is not TYPE/NAME":          strings.Replace(good["a state"], "deploy/web", "web", 1),
		"there are no objects":      head + "  until: {for: 1s}\n  expect: healthy",
		"is no object":              good["a state"] + "---\nname: a\n",
		"says not until":            good["a state"] + "---\nstep: {}" + object,
		"without a fix nothing":     strings.Replace(cause, "fix: safe", "fix: none", 1) + "  heals: true" + object,
		"what must be one line":     strings.Replace(good["a state"], "what: w", "what: ''", 1),
		"unknown field \"applied\"": strings.Replace(good["a state"], "what: w", "what: w\n  applied: x", 1),
	} {
		if _, err := parseScenario("bad", text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want an error with %q, got %v for\n%s", says, err, text)
		}
	}
}
