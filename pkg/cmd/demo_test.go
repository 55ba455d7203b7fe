package cmd

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// TestReadmeShowsDemo holds that the README shows what the demo prints: every line of its block, in
// order, with "..." for what is left out.
func TestReadmeShowsDemo(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(readme), "\n```\npod/")
	if !found {
		t.Fatal("README.md has no block that begins with pod/")
	}
	block, _, _ = strings.Cut("pod/"+block, "\n```\n")

	t.Setenv("NO_COLOR", "1")
	t.Setenv("LC_ALL", "C.UTF-8")
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	c := NewCmdMaturity(streams)
	c.SetArgs([]string{"demo"})
	if err := c.Execute(); err != nil {
		t.Fatal(err)
	}
	rest := bytes.Split(out.Bytes(), []byte("\n"))
	for _, line := range strings.Split(block, "\n") {
		if strings.TrimSpace(line) == "..." {
			continue
		}
		at := 0
		for at < len(rest) && string(rest[at]) != line {
			at++
		}
		if at == len(rest) {
			t.Fatalf("the demo does not print this line of README.md, or not there:\n%s\n\n%s", line, out)
		}
		rest = rest[at+1:]
	}
}
