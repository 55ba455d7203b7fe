// Misbehave is one small static program that goes wrong on demand. It is the only image of the
// scenarios: a real kubelet runs it, and what the kubelet then shows is what explain must explain.
//
//	misbehave MODE [ARGUMENT] [flags]
//
// `misbehave help` lists the modes and their flags.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// mode is one way to go wrong.
type mode struct {
	name, argument, what string
	flags                func(*flag.FlagSet, *options)
	run                  func(*process, *options) int // the exit code
}

// options are the values of all flags; a mode declares those it heeds.
type options struct {
	argument string

	after, every, forTime       time.Duration
	code, until, step, times    int
	message, as, onTerm, listen string
	terminationLog, untilAnswer bool
	timeout                     time.Duration
	survive, exitThen           bool

	serve serveOptions
}

// process is what a mode may touch. Tests put their own in.
type process struct {
	out, err io.Writer
	now      func() time.Time
	sleep    func(time.Duration)
	getenv   func(string) string
	uid      int
}

// logf writes one line with a time stamp, as programs do.
func (p *process) logf(format string, a ...any) {
	_, _ = fmt.Fprintf(p.out, "%s %s\n", p.now().UTC().Format(time.RFC3339Nano), fmt.Sprintf(format, a...))
}

func main() {
	// Both go into one stream: of two, containerd may write down what was said later first, and the last
	// words of a program would not be the last line of its log.
	p := &process{out: os.Stdout, err: os.Stdout, now: time.Now, sleep: time.Sleep, getenv: os.Getenv, uid: os.Getuid()}
	os.Exit(run(p, os.Args[1:]))
}

// modes are all ways to go wrong, by name.
func modes() []mode {
	return []mode{
		{"allocate", "", "holds more and more memory, until it is killed or has enough", memoryFlags, allocate},
		{"call", "HOST:PORT|URL", "calls a dependency and exits with an error where it does not answer", callFlags, call},
		{"crash", "", "writes what a runtime writes when it dies, and dies with its exit code", crashFlags, crash},
		{"exit", "", "exits with a code", exitFlags, exit},
		{"fork", "", "forks a child that allocates until the kernel kills it, and then goes on or exits", forkFlags, fork},
		{"registry", "", "is a registry without images: 404 for every manifest, 401 below /v2/private/", registryFlags, registry},
		{"refuse-root", "", "refuses to run as root; as anybody else it serves", serveFlags, refuseRoot},
		{"require-env", "NAME", "exits with an error where the variable is not set, and serves where it is", serveFlags, requireEnv},
		{"serve", "", "answers HTTP on /healthz and /readyz, in the way that the flags ask for", serveFlags, serve},
		{"sleep", "", "does nothing", sleepFlags, sleep},
		{"write", "PATH", "writes files into a folder until it has enough or nothing more fits, or one file where it may not", writeFlags, write},
	}
}

func memoryFlags(f *flag.FlagSet, o *options) {
	f.IntVar(&o.until, "until", 0, "hold this many MiB, then wait (0: never enough)")
	f.IntVar(&o.step, "step", 8, "MiB a step")
	f.DurationVar(&o.every, "every", 100*time.Millisecond, "pause between steps")
	f.DurationVar(&o.after, "after", 0, "wait this long first")
	f.BoolVar(&o.exitThen, "exit", false, "exit with 0 once it has enough, as an init container does")
	f.StringVar(&o.listen, "listen", "", "answer HTTP here once it has enough")
	termFlag(f, o)
}

func termFlag(f *flag.FlagSet, o *options) {
	f.StringVar(&o.onTerm, "on-term", "exit", "what SIGTERM does: exit (with 0), die (as without a handler: exit 143) or ignore")
}

func callFlags(f *flag.FlagSet, o *options) {
	f.IntVar(&o.times, "times", 1, "calls that get no answer, until it gives up")
	f.DurationVar(&o.every, "every", time.Second, "pause between calls")
	f.DurationVar(&o.timeout, "timeout", 2*time.Second, "how long an answer may take")
	f.BoolVar(&o.untilAnswer, "until-answer", false, "call until there is an answer, then exit 0: what an init container does")
	f.StringVar(&o.listen, "then-serve", "", "answer HTTP here after the calls, instead of exiting with 0")
}

func crashFlags(f *flag.FlagSet, o *options) {
	f.StringVar(&o.as, "as", "go", "whose last words: "+strings.Join(runtimeNames(), ", "))
	f.DurationVar(&o.after, "after", 0, "wait this long first")
}

func exitFlags(f *flag.FlagSet, o *options) {
	f.IntVar(&o.code, "code", 0, "the exit code")
	f.DurationVar(&o.after, "after", 0, "wait this long first")
	f.StringVar(&o.message, "message", "", "what to say on stderr before")
	f.BoolVar(&o.terminationLog, "termination-log", false, "write the message into /dev/termination-log too")
}

func forkFlags(f *flag.FlagSet, o *options) {
	f.IntVar(&o.step, "step", 8, "MiB a step")
	f.DurationVar(&o.every, "every", 50*time.Millisecond, "pause between steps")
	f.DurationVar(&o.after, "after", 0, "wait this long first")
	f.BoolVar(&o.survive, "survive", false, "go on after the child's death, and fork the next, instead of exiting with 1")
	f.IntVar(&o.until, "until", 0, "MiB that the child needs (0: never enough)")
	f.StringVar(&o.listen, "listen", "", "answer HTTP here all the time")
}

func registryFlags(f *flag.FlagSet, o *options) {
	f.StringVar(&o.listen, "listen", ":5000", "the address")
}

func sleepFlags(f *flag.FlagSet, o *options) {
	f.DurationVar(&o.forTime, "for", 0, "exit with 0 after this long (0: never)")
	termFlag(f, o)
}

func writeFlags(f *flag.FlagSet, o *options) {
	f.IntVar(&o.until, "until", 0, "MiB to write, then wait (0: until nothing more fits)")
	f.IntVar(&o.step, "step", 4, "MiB a file")
	f.DurationVar(&o.every, "every", 100*time.Millisecond, "pause between files")
	f.DurationVar(&o.after, "after", 0, "wait this long first")
	f.StringVar(&o.listen, "listen", "", "answer HTTP here once it has written enough")
	termFlag(f, o)
}

// run is main without the process around it.
func run(p *process, args []string) int {
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		help(p.out)
		return 0
	}
	for _, m := range modes() {
		if m.name != args[0] {
			continue
		}
		o, err := m.parse(args[1:])
		if err != nil {
			_, _ = fmt.Fprintf(p.err, "misbehave %s: %v\n", m.name, err)
			return 2
		}
		p.logf("misbehave %s", strings.Join(args, " "))
		return m.run(p, o)
	}
	_, _ = fmt.Fprintf(p.err, "misbehave: no mode %q; see misbehave help\n", args[0])
	return 2
}

// parse reads the flags of a mode, and the argument before or after them.
func (m mode) parse(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet(m.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	m.flags(f, o)
	if m.argument != "" && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		o.argument, args = args[0], args[1:]
	}
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	rest := f.Args()
	if m.argument != "" && o.argument == "" && len(rest) > 0 {
		o.argument, rest = rest[0], rest[1:]
	}
	switch {
	case m.argument != "" && o.argument == "":
		return nil, fmt.Errorf("%s is missing", m.argument)
	case len(rest) > 0:
		return nil, fmt.Errorf("unexpected argument %q", rest[0])
	}
	return o, nil
}

// help lists the modes with their flags.
func help(w io.Writer) {
	_, _ = fmt.Fprintln(w, "misbehave MODE [ARGUMENT] [flags]: goes wrong in the way that is asked for")
	for _, m := range modes() {
		_, _ = fmt.Fprintf(w, "\n%s\n    %s\n", strings.TrimSpace(m.name+" "+m.argument), m.what)
		f := flag.NewFlagSet(m.name, flag.ContinueOnError)
		m.flags(f, &options{})
		f.SetOutput(w)
		f.PrintDefaults()
	}
}

func exit(p *process, o *options) int {
	p.sleep(o.after)
	if o.message != "" {
		_, _ = fmt.Fprintln(p.err, o.message)
	}
	if o.terminationLog {
		if err := os.WriteFile("/dev/termination-log", []byte(o.message+"\n"), 0o644); err != nil {
			p.logf("termination log: %v", err)
		}
	}
	return o.code
}

func sleep(p *process, o *options) int {
	ctx := context.Background()
	if o.forTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.forTime)
		defer cancel()
	}
	return waitForTerm(ctx, p, o.onTerm)
}

// dead is the exit code of a process that SIGTERM ended. The first process of a container has no default
// action for signals, so it must say so itself.
const dead = 128 + int(syscall.SIGTERM)

// waitForTerm waits for SIGTERM, and does with it what the flag says. It returns 0 when ctx ends.
func waitForTerm(ctx context.Context, p *process, onTerm string) int {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	for {
		select {
		case <-ctx.Done():
			return 0
		case s := <-signals:
			p.logf("received %v", s)
			switch onTerm {
			case "ignore":
				p.logf("ignoring it")
			case "die":
				return dead
			default:
				return 0
			}
		}
	}
}

// hold allocates until MiB, touching every page: memory that nobody touches costs nothing.
func hold(p *process, o *options) [][]byte {
	var held [][]byte
	for i := 0; o.until == 0 || i < o.until; i += o.step {
		b := make([]byte, o.step<<20)
		for at := 0; at < len(b); at += 4096 {
			b[at] = 1
		}
		held = append(held, b)
		p.logf("holding %d MiB", i+o.step)
		p.sleep(o.every)
	}
	return held
}

func allocate(p *process, o *options) int {
	p.sleep(o.after)
	held := hold(p, o)
	code := 0
	if !o.exitThen {
		code = listenAndWait(p, o)
	}
	runtime.KeepAlive(held)
	return code
}

// listenAndWait answers every request, where a flag says where, and waits for the end.
func listenAndWait(p *process, o *options) int {
	if o.listen != "" {
		go answer(p, o.listen)
	}
	return waitForTerm(context.Background(), p, o.onTerm)
}

// answer answers every request with 200, and ends the process where it cannot listen.
func answer(p *process, address string) {
	p.logf("listening on %s", address)
	if err := http.ListenAndServe(address, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})); err != nil {
		_, _ = fmt.Fprintln(p.err, err)
		os.Exit(1)
	}
}

func write(p *process, o *options) int {
	p.sleep(o.after)
	block := make([]byte, o.step<<20)
	_, _ = rand.Read(block)
	for i := 0; o.until == 0 || i < o.until; i += max(1, o.step) {
		name := filepath.Join(o.argument, fmt.Sprintf("file-%06d", i))
		if err := os.WriteFile(name, block, 0o644); err != nil {
			_, _ = fmt.Fprintln(p.err, "fatal:", err) // as Go words it: open /data/x: no space left on device
			return 1
		}
		p.logf("wrote %d MiB", i+o.step)
		p.sleep(o.every)
	}
	return listenAndWait(p, o)
}

// call connects to a dependency as often as asked. It fails with the words of Go's net package.
func call(p *process, o *options) int {
	var err error
	for i := 0; o.untilAnswer || i < o.times; i++ {
		if i > 0 {
			p.sleep(o.every)
		}
		if err = reach(o.argument, o.timeout); err == nil {
			p.logf("%s answers", o.argument)
			break
		}
		if o.untilAnswer {
			p.logf("waiting for %s: %v", o.argument, err)
		} else {
			_, _ = fmt.Fprintf(p.err, "calling %s: %v\n", o.argument, err)
		}
	}
	switch {
	case err != nil:
		return 1
	case o.listen != "":
		return listenAndWait(p, o)
	}
	return 0
}

// reach is one call: a GET where the dependency is a URL, else a connection.
func reach(dependency string, timeout time.Duration) error {
	if !strings.Contains(dependency, "://") {
		conn, err := net.DialTimeout("tcp", dependency, timeout)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	client := http.Client{Timeout: timeout}
	resp, err := client.Get(dependency)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s answers %s", dependency, resp.Status)
	}
	return nil
}

// fork runs this program again as a child that allocates. The kernel kills the child, the larger of the
// two, and the parent says so in the words of gunicorn's.
func fork(p *process, o *options) int {
	if o.listen != "" {
		go answer(p, o.listen)
	}
	p.sleep(o.after)
	self, err := os.Executable()
	if err != nil {
		_, _ = fmt.Fprintln(p.err, err)
		return 1
	}
	for {
		child := exec.Command(self, "allocate", "-step", fmt.Sprint(o.step), "-every", o.every.String(), "-until", fmt.Sprint(o.until))
		var said bytes.Buffer
		child.Stdout, child.Stderr = &said, &said
		if err := child.Start(); err != nil {
			_, _ = fmt.Fprintln(p.err, err)
			return 1
		}
		p.logf("Booting worker with pid: %d", child.Process.Pid)
		err = child.Wait()
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		p.logf("worker's last words: %s", lines[len(lines)-1])
		_, _ = fmt.Fprintf(p.err, "[ERROR] Worker (pid:%d) was sent SIGKILL! Perhaps out of memory? (%v)\n", child.Process.Pid, err)
		if !o.survive {
			return 1
		}
		p.sleep(time.Second)
	}
}

func requireEnv(p *process, o *options) int {
	if p.getenv(o.argument) == "" {
		_, _ = fmt.Fprintf(p.err, "Error: required environment variable %s is not set\n", o.argument)
		return 1
	}
	return serve(p, o)
}

func refuseRoot(p *process, o *options) int {
	if p.uid == 0 {
		_, _ = fmt.Fprintln(p.err, `"root" execution of the server is not permitted. The server must be started under an unprivileged user ID to prevent possible system security compromise.`)
		return 1
	}
	return serve(p, o)
}
