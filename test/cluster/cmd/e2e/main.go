// Command e2e runs the scenarios on a real node cluster: one line for each that is done, then what
// failed in full, and last the table. It is what `make e2e`, `make capture` and `make test-cluster` call.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// timeout is what go test allows all of it: a machine at a fifth of its speed needs half.
const timeout = 3 * time.Hour

const usage = `usage: e2e [flags] [SCENARIO]
Runs all scenarios of test/cluster/scenarios, or those whose name is SCENARIO.`

// options are the flags.
type options struct {
	all       bool
	captures  string
	overwrite bool
	log       string
	scenario  string
}

func main() {
	var o options
	flag.BoolVar(&o.all, "all", false, "run all tests of test/cluster, not only the scenarios; one that this machine cannot run is no failure")
	flag.StringVar(&o.captures, "captures", "", "save each scenario as a capture in this folder, and try no fix")
	flag.BoolVar(&o.overwrite, "overwrite", false, "also replace captures that are there")
	flag.StringVar(&o.log, "log", filepath.Join("bin", "e2e.log"), "the file for all that go test prints")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 1 {
		flag.Usage()
		os.Exit(2)
	}
	o.scenario = flag.Arg(0)
	code, err := run(o, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
	}
	os.Exit(code)
}

func run(o options, out, errOut io.Writer) (int, error) {
	if o.scenario != "" { // go test is content with a name that no test has
		if _, err := os.Stat(filepath.Join("test", "cluster", "scenarios", o.scenario+".yaml")); err != nil {
			return 2, fmt.Errorf("no such scenario: %w", err)
		}
	}
	table, err := os.CreateTemp("", "e2e-table-")
	if err != nil {
		return 2, err
	}
	defer func() { _ = os.Remove(table.Name()) }()
	if err := table.Close(); err != nil {
		return 2, err
	}
	if err := os.MkdirAll(filepath.Dir(o.log), 0o755); err != nil {
		return 2, err
	}
	log, err := os.Create(o.log)
	if err != nil {
		return 2, err
	}
	defer func() { _ = log.Close() }()
	cmd, err := o.command(table.Name())
	if err != nil {
		return 2, err
	}
	cmd.Stderr = errOut
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return 2, err
	}
	// Whoever ends this program ends the cluster, and not only it: go test does not pass signals on.
	ownGroup(cmd)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		return 2, err
	}
	interrupted := make(chan struct{})
	go func() {
		s := <-signals
		close(interrupted)
		for {
			signalGroup(cmd, s)
			s = <-signals
		}
	}()
	r := newReader(out, log)
	if err := r.read(pipe); err != nil {
		return 2, errors.Join(err, cmd.Wait())
	}
	err = cmd.Wait()
	select {
	case <-interrupted:
		return 130, errors.New("interrupted")
	default:
	}
	r.failures(out)
	written, readErr := os.ReadFile(table.Name())
	ended := 0
	switch {
	case readErr != nil:
		err = errors.Join(err, readErr)
	case len(written) == 0 && !o.all:
		err = errors.Join(err, errors.New("no scenario ran"))
	}
	if err != nil {
		ended = 1
	}
	fmt.Fprintf(out, "\nthe whole log: %s\n", o.log)
	if len(written) > 0 {
		fmt.Fprintf(out, "\n%s", written)
	}
	var failed *exec.ExitError
	if errors.As(err, &failed) && r.failed() {
		err = nil // it has been said
	}
	return ended, err
}

// command is go test, and what it must know.
func (o options) command(table string) (*exec.Cmd, error) {
	args := []string{"test", "-json", "-count=1", "-timeout", timeout.String()}
	switch {
	case o.scenario != "":
		args = append(args, "-run", "^TestScenarios$/^"+regexp.QuoteMeta(o.scenario)+"$", "./test/cluster")
	case o.all:
		args = append(args, "./test/cluster/...")
	default:
		args = append(args, "-run", "^TestScenarios$", "./test/cluster")
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "TESTCLUSTER_BUILD=1", "TESTCLUSTER_TABLE="+table)
	if o.captures != "" {
		dir, err := filepath.Abs(o.captures)
		if err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, "TESTCLUSTER_CAPTURES="+dir)
	}
	if o.overwrite {
		cmd.Env = append(cmd.Env, "TESTCLUSTER_OVERWRITE=1")
	}
	return cmd, nil
}

// event is a line of go test -json, as cmd/test2json describes it.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// reader makes of go test's events what people wait for.
type reader struct {
	out, log io.Writer
	said     map[string]*bytes.Buffer // by package and test, until it is known how that ended
	order    []string
	bad      []string // what failed, in that order
	skipped  []string
}

func newReader(out, log io.Writer) *reader {
	return &reader{out: out, log: log, said: map[string]*bytes.Buffer{}}
}

func (r *reader) read(from io.Reader) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil { // of go itself
				e = event{Action: "output", Output: string(line)}
			}
			r.take(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// take handles one event.
func (r *reader) take(e event) {
	key := e.Package + e.ImportPath
	if e.Test != "" {
		key += " " + e.Test
	}
	switch e.Action {
	case "output", "build-output":
		fmt.Fprint(r.log, e.Output)
		if line, ok := strings.CutPrefix(e.Output, "e2e: "); ok {
			fmt.Fprint(r.out, line)
			return
		}
		if strings.HasPrefix(e.Output, "testcluster: ") {
			fmt.Fprint(r.out, e.Output)
			return
		}
		if framing(e.Output) {
			return
		}
		if r.said[key] == nil {
			r.said[key] = &bytes.Buffer{}
			r.order = append(r.order, key)
		}
		r.said[key].WriteString(e.Output)
	case "skip":
		if e.Test != "" {
			r.skipped = append(r.skipped, key+"\n"+r.text(key))
		}
		delete(r.said, key)
	case "pass":
		if e.Test == "" || !strings.Contains(e.Test, "/") {
			fmt.Fprintf(r.out, "passed   %s, %.0f s\n", key, e.Elapsed)
		}
		delete(r.said, key)
	case "fail", "build-fail":
		fmt.Fprintf(r.out, "FAILED   %s, %.0f s\n", key, e.Elapsed)
		r.bad = append(r.bad, key)
	}
}

// framing tells whether a line only says which test speaks, or how it ended.
func framing(line string) bool {
	line = strings.TrimSpace(line)
	for _, p := range []string{"=== RUN ", "=== NAME ", "=== PAUSE ", "=== CONT ", "--- PASS", "--- FAIL", "--- SKIP", "ok  \t", "FAIL", "PASS", "?   \t"} {
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	return false
}

func (r *reader) text(key string) string {
	if b := r.said[key]; b != nil {
		return b.String()
	}
	return ""
}

func (r *reader) failed() bool { return len(r.bad) > 0 }

// failures prints what skipped and failed tests said, and of a package that failed also what was cut
// short: a test that never ended has said why.
func (r *reader) failures(out io.Writer) {
	for _, s := range r.skipped {
		fmt.Fprintf(out, "\nSKIPPED %s", s)
	}
	for _, key := range r.bad {
		if text := r.text(key); text != "" {
			fmt.Fprintf(out, "\nFAILED %s\n%s", key, text)
		}
		delete(r.said, key)
	}
	for _, key := range r.order {
		pkg, _, _ := strings.Cut(key, " ")
		if text := r.text(key); text != "" && slices.Contains(r.bad, pkg) {
			fmt.Fprintf(out, "\nNOT ENDED %s\n%s", key, text)
		}
	}
}
