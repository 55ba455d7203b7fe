package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestReader holds what is said at once, what is said of a failure, and what is not said.
func TestReader(t *testing.T) {
	var out, log, end bytes.Buffer
	r := newReader(&out, &log)
	err := r.read(strings.NewReader(`{"Action":"output","Package":"p","Test":"TestScenarios","Output":"testcluster: node cluster ready\n"}
{"Action":"output","Package":"p","Test":"TestScenarios/a","Output":"=== RUN   TestScenarios/a\n"}
{"Action":"output","Package":"p","Test":"TestScenarios/a","Output":"    a says much\n"}
{"Action":"output","Package":"p","Test":"TestScenarios/a","Output":"e2e:   1  right    a: healthy, 1 s\n"}
{"Action":"pass","Package":"p","Test":"TestScenarios/a","Elapsed":1}
{"Action":"output","Package":"p","Test":"TestScenarios/b","Output":"    wrong twice: not reached\n"}
{"Action":"fail","Package":"p","Test":"TestScenarios/b","Elapsed":2}
{"Action":"output","Package":"p","Test":"TestRBAC","Output":"    needs root\n"}
{"Action":"skip","Package":"p","Test":"TestRBAC"}
{"Action":"output","Package":"p","Test":"TestHangs","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"p","Elapsed":3}
{"ImportPath":"q","Action":"build-output","Output":"q.go:1: undefined: x\n"}
{"ImportPath":"q","Action":"build-fail"}
go: downloading something
`))
	if err != nil {
		t.Fatal(err)
	}
	r.failures(&end)
	const atOnce = "testcluster: node cluster ready\n  1  right    a: healthy, 1 s\nFAILED   p TestScenarios/b, 2 s\nFAILED   p, 3 s\nFAILED   q, 0 s\n"
	if out.String() != atOnce {
		t.Errorf("at once:\n%s\nwant\n%s", out.String(), atOnce)
	}
	const after = "\nSKIPPED p TestRBAC\n    needs root\n\nFAILED p TestScenarios/b\n    wrong twice: not reached\n" +
		"\nFAILED q\nq.go:1: undefined: x\n\nNOT ENDED p TestHangs\npanic: test timed out\n"
	if end.String() != after {
		t.Errorf("at the end:\n%q\nwant\n%q", end.String(), after)
	}
	if !strings.Contains(log.String(), "a says much") || !strings.Contains(log.String(), "downloading") || !r.failed() {
		t.Errorf("the log lacks something:\n%s", log.String())
	}
}

func TestCommand(t *testing.T) {
	for scenario, want := range map[string]string{
		"":          "-run ^TestScenarios$ ./test/cluster",
		"oom-limit": "-run ^TestScenarios$/^oom-limit$ ./test/cluster",
	} {
		cmd, err := options{scenario: scenario}.command("table")
		if err != nil || !strings.HasSuffix(strings.Join(cmd.Args, " "), want) {
			t.Errorf("%q: %v, %v", scenario, cmd.Args, err)
		}
	}
	if cmd, err := (options{all: true}).command("table"); err != nil || cmd.Args[len(cmd.Args)-1] != "./test/cluster/..." {
		t.Error(err)
	}
}
