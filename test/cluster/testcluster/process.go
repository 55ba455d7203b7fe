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
	return c.waitEvery(ctx, 100*time.Millisecond, what, atMost, ready)
}

func (c *Cluster) waitEvery(ctx context.Context, interval time.Duration, what string, atMost time.Duration, ready func(context.Context) error) error {
	parent := ctx
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
			if parent.Err() != nil {
				return fmt.Errorf("interrupted while waiting for %s: %w", what, err)
			}
			return fmt.Errorf("waited %s for %s: %w", atMost, what, err)
		case <-time.After(interval):
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

// claim is the temporary folder that stands for a cluster. The lock on its file "owner" says that the
// cluster lives; what is not in the folder, and would stay when the process is killed, is named by it.
type claim struct {
	dir   string
	owner *os.File
}

func newClaim() (*claim, error) {
	dir, err := os.MkdirTemp("", dirPrefix)
	if err != nil {
		return nil, err
	}
	// It is locked before it has its name, so that no sweep takes it for that of a dead one.
	file := filepath.Join(dir, "owner.new")
	owner, err := lockOwner(dir, file)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &claim{dir, owner}, os.Rename(file, filepath.Join(dir, "owner"))
}

func lockOwner(dir, file string) (*os.File, error) {
	owner, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if !tryLock(owner) {
		return nil, errors.Join(fmt.Errorf("a cluster runs in %s", dir), owner.Close())
	}
	return owner, nil
}

// cgroup names the control group of the cluster's node.
func (c *claim) cgroup() string { return filepath.Base(c.dir) }

// makeFolder makes a folder of the machine, unless it is there. It is remembered first.
func (c *claim) makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	made, err := os.OpenFile(filepath.Join(c.dir, "made"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(made, dir)
	return errors.Join(err, made.Close(), os.MkdirAll(dir, 0o755))
}

// made are the folders that makeFolder made.
func (c *claim) made() []string {
	data, err := os.ReadFile(filepath.Join(c.dir, "made"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

// remove removes all that is left of a cluster whose processes have ended.
func (c *claim) remove() error {
	removeCgroups(c.cgroup())
	for _, dir := range c.made() {
		_ = os.Remove(dir) // stays where somebody uses it by now
	}
	var err error
	for range 20 { // a killed process may take a moment to stop writing
		if err = os.RemoveAll(c.dir); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.Join(err, c.owner.Close())
}

// makeDir makes the folders of a cluster.
func (c *Cluster) makeDir(dir string) error {
	var err error
	if c.claim, err = newClaim(); err != nil {
		return err
	}
	if c.dir = c.claim.dir; dir != "" {
		if c.dir, err = filepath.Abs(dir); err != nil {
			return err
		}
	}
	for _, sub := range []string{"log", "pki", "users"} {
		if err := os.MkdirAll(filepath.Join(c.dir, sub), 0o700); err != nil {
			return err
		}
	}
	if dir == "" {
		return nil
	}
	if c.kept, err = lockOwner(c.dir, filepath.Join(c.dir, "owner")); err != nil {
		return err
	}
	return removeWork(c.dir)
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
	var errs []error
	for _, dir := range dirs {
		owner, err := os.OpenFile(filepath.Join(dir, "owner"), os.O_RDWR, 0)
		if err != nil {
			// Somebody else's, or being made: which takes less than a minute.
			if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > time.Minute {
				_ = os.Remove(filepath.Join(dir, "owner.new"))
				_ = os.Remove(dir)
			}
			continue
		}
		left := &claim{dir, owner}
		release, free := func() {}, true
		if len(left.made()) > 0 {
			release, free = lockNodes()
		}
		if !free || !tryLock(owner) {
			release()
			_ = owner.Close()
			continue
		}
		err = left.remove()
		release()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, dir)
	}
	return removed, errors.Join(errs...)
}

// lockNodes keeps nodes from starting, unless one runs: it uses the same folders, and that something is
// mounted on one does not keep it from being removed.
func lockNodes() (release func(), ok bool) {
	nothing := func() {}
	file, err := nodeLock()
	if err != nil {
		return nothing, false
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nothing, false
	}
	return func() { _ = f.Close() }, tryLock(f)
}

// nodeLock is the file that is locked while a node runs on this machine.
func nodeLock() (string, error) {
	cache, err := cacheDir()
	return filepath.Join(cache, "node.lock"), err
}
