package testcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one program of a cluster.
type process struct {
	name string
	log  string // the file of its output
	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended, once done is closed
}

var spawn = sync.OnceValue(spawner)

// start runs a program of the cluster, its output in log/NAME.log of the cluster's folder.
func (c *Cluster) start(name string, attr *syscall.SysProcAttr, path string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(c.dir, "log", name+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	p.cmd = exec.Command(path, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = c.dir, log, log, attr
	if err := spawn()(p.cmd.Start); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	c.processes = append(c.processes, p)
	return p, nil
}

// kill ends the process and its children at once: nothing of a test cluster is worth a clean end.
func (p *process) kill() {
	killGroup(p.cmd.Process.Pid)
	<-p.done
}

func (p *process) tail(n int) string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	const most = 64 << 10
	return lastLines(string(data[max(0, len(data)-most):]), n)
}

// wait polls until ready returns nil. It ends early when a process of the cluster has ended, which
// none does by itself.
func (c *Cluster) wait(ctx context.Context, what string, atMost time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		for _, p := range c.processes {
			select {
			case <-p.done:
				return fmt.Errorf("%s ended while waiting for %s: %w\n%s", p.name, what, p.err, p.tail(20))
			default:
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", atMost, what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// lockFile waits for a lock between processes, and says so where it has to wait.
func lockFile(ctx context.Context, path string, log io.Writer, waiting string) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for said := false; !tryLock(f); said = true {
		if !said {
			fmt.Fprintln(log, waiting)
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%s: %w", waiting, ctx.Err()), f.Close())
		case <-time.After(200 * time.Millisecond):
		}
	}
	return func() { _ = f.Close() }, nil
}

const dirPrefix = "kubectl-maturity-cluster-"

// makeDir makes the folder of a cluster. The lock on its file "owner" says that the cluster lives.
func makeDir(dir string) (string, *os.File, error) {
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", dirPrefix); err != nil {
			return "", nil, err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	for _, sub := range []string{"log", "pki", "users"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return "", nil, err
		}
	}
	owner, err := os.OpenFile(filepath.Join(dir, "owner"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, err
	}
	if !tryLock(owner) {
		return "", nil, errors.Join(fmt.Errorf("a cluster runs in %s", dir), owner.Close())
	}
	return dir, owner, removeWork(dir)
}

// removeWork removes what is of no use to anybody once the cluster is gone. Its certificates are new
// each time, so that the next one in the same folder could not use it either.
func removeWork(dir string) error {
	var errs []error
	for _, sub := range []string{"etcd", "containerd", "kubelet", "cni-ipam"} {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, sub)))
	}
	return errors.Join(errs...)
}

// Sweep removes what clusters left behind whose process was killed: folders and control groups,
// since all else ended with it. It names what it removed.
func Sweep() ([]string, error) {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	if err != nil {
		return nil, err
	}
	var removed []string
	for _, dir := range dirs {
		owner, err := os.OpenFile(filepath.Join(dir, "owner"), os.O_RDWR, 0)
		if err != nil {
			continue // somebody else's, or being made
		}
		// One that is being made is not locked for a moment.
		if info, err := owner.Stat(); err == nil && time.Since(info.ModTime()) > time.Second && tryLock(owner) {
			removeCgroups(cgroupOf(dir))
			if err := os.RemoveAll(dir); err == nil {
				removed = append(removed, dir)
			}
		}
		_ = owner.Close()
	}
	return removed, nil
}

// cgroupOf names the control group of a node from the folder of its cluster.
func cgroupOf(dir string) string {
	return dirPrefix + strings.TrimPrefix(filepath.Base(dir), dirPrefix)
}
