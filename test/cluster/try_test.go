package cluster_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// try is one attempt at a scenario. What fails in it fails the attempt and not yet the test: a second
// attempt may follow. Its namespace and all else that it made go when it ends, and not with the test.
type try struct {
	testing.TB // of the scenario

	ctx      context.Context
	mu       sync.Mutex
	log      strings.Builder
	errors   []string
	failed   bool
	cleanups []func()
}

// attempt runs f to its end, or until it gives up with Fatal.
func attempt(ctx context.Context, t testing.TB, f func(*try)) *try {
	a := &try{TB: t, ctx: ctx}
	done := make(chan struct{})
	go func() { // FailNow ends the goroutine
		defer close(done)
		defer a.clean()
		f(a)
	}()
	<-done
	return a
}

// clean runs the cleanups, last first, each even where another gave up.
func (a *try) clean() {
	a.mu.Lock()
	n := len(a.cleanups)
	if n == 0 {
		a.mu.Unlock()
		return
	}
	last := a.cleanups[n-1]
	a.cleanups = a.cleanups[:n-1]
	a.mu.Unlock()
	defer a.clean()
	last()
}

// why is the first line of what went wrong first.
func (a *try) why() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.errors) == 0 {
		return ""
	}
	first, _, _ := strings.Cut(a.errors[0], "\n")
	return first
}

func (a *try) text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.String()
}

func (a *try) write(text string, failure bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if failure {
		a.failed = true
		a.errors = append(a.errors, text)
		text = "WRONG: " + text
	}
	a.log.WriteString(strings.TrimRight(text, "\n") + "\n")
}

// Context ends in time for what is left to do.
func (a *try) Context() context.Context { return a.ctx }

// Cleanup and the others are those of testing.TB.
func (a *try) Cleanup(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cleanups = append(a.cleanups, f)
}

func (a *try) Log(args ...any)                 { a.write(fmt.Sprintln(args...), false) }
func (a *try) Logf(format string, args ...any) { a.write(fmt.Sprintf(format, args...), false) }
func (a *try) Error(args ...any)               { a.write(fmt.Sprintln(args...), true) }
func (a *try) Errorf(format string, args ...any) {
	a.write(fmt.Sprintf(format, args...), true)
}

func (a *try) Fatal(args ...any) {
	a.write(fmt.Sprintln(args...), true)
	runtime.Goexit()
}

func (a *try) Fatalf(format string, args ...any) {
	a.write(fmt.Sprintf(format, args...), true)
	runtime.Goexit()
}

func (a *try) Fail() { a.write("failed", true) }

func (a *try) FailNow() {
	a.Fail()
	runtime.Goexit()
}

func (a *try) Failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// TestTry holds that an attempt that fails leaves the test as it is, and cleans up after itself.
func TestTry(t *testing.T) {
	var cleaned []string
	a := attempt(t.Context(), t, func(a *try) {
		a.Cleanup(func() { cleaned = append(cleaned, "first") })
		a.Cleanup(func() { a.Fatal("a cleanup gives up") })
		a.Cleanup(func() { cleaned = append(cleaned, "last") })
		a.Logf("a %s", "word")
		a.Fatalf("not reached\nwithin a minute")
		a.Log("never said")
	})
	if got, want := a.text(), "a word\nWRONG: not reached\nwithin a minute\nWRONG: a cleanup gives up\n"; got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
	if !a.Failed() || a.why() != "not reached" || strings.Join(cleaned, " ") != "last first" || t.Failed() {
		t.Errorf("failed %v, why %q, cleaned %v, the test failed %v", a.Failed(), a.why(), cleaned, t.Failed())
	}
	if b := attempt(t.Context(), t, func(b *try) { b.Log("well") }); b.Failed() || b.why() != "" {
		t.Errorf("failed %v: %s", b.Failed(), b.why())
	}
}
