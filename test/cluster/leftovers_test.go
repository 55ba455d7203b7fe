//go:build linux

package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

// command runs the program that makes clusters, in a world of its own: its clusters are in no folder and
// behind no mark where those of anybody else are, who could be stopped with them.
type command struct {
	program, tmp, cache string
	before              machine
}

func newCommand(t *testing.T) *command {
	t.Helper()
	dir, err := os.MkdirTemp("", "kmt") // t.TempDir is too long for the kubelet's sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &command{program: filepath.Join(dir, "cluster"), tmp: filepath.Join(dir, "tmp"), cache: filepath.Join(dir, "cache")}
	if out, err := exec.Command("go", "build", "-o", c.program, "./cmd/cluster").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(c.cache, "kubectl-maturity")
	for _, d := range []string{c.tmp, mine} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// What is built is everybody's, and so is the lock of the one node.
	for _, name := range []string{"kubernetes", "images", "node.lock"} {
		if err := os.Symlink(filepath.Join(cache, "kubectl-maturity", name), filepath.Join(mine, name)); err != nil {
			t.Fatal(err)
		}
	}
	c.before = c.look(t)
	t.Cleanup(func() { _ = c.start("down").Run() })
	return c
}

func (c *command) start(args ...string) *exec.Cmd {
	cmd := exec.Command(c.program, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+c.tmp, "XDG_CACHE_HOME="+c.cache)
	return cmd
}

// run runs a command to its end, and returns what it printed.
func (c *command) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := c.start(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, stderr.String())
	}
	return string(out)
}

// machine is what a cluster could leave on it. Its network namespaces are those of its processes.
type machine struct {
	processes, mounts, links, cgroups, folders []string
}

// look finds what belongs to the command's clusters, or might.
func (c *command) look(t *testing.T) machine {
	t.Helper()
	var m machine
	entries, err := filepath.Glob(filepath.Join(c.tmp, "*"))
	if err != nil {
		t.Fatal(err)
	}
	m.folders = entries
	names := []string{c.tmp + "/"}
	for _, e := range entries {
		names = append(names, filepath.Base(e))
	}
	ours := func(text string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(text, n) })
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		words, _ := os.ReadFile(p + "/cmdline") // it may be gone by now
		environ, _ := os.ReadFile(p + "/environ")
		group, _ := os.ReadFile(p + "/cgroup")
		if ours(string(words)) || ours(string(group)) || bytes.Contains(environ, []byte("TMPDIR="+c.tmp+"\x00")) {
			m.processes = append(m.processes, filepath.Base(p)+" "+strings.ReplaceAll(string(words), "\x00", " "))
		}
	}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(mounts), "\n") {
		if ours(line) {
			m.mounts = append(m.mounts, line)
		}
	}
	links, err := filepath.Glob("/sys/class/net/kmt*")
	if err != nil {
		t.Fatal(err)
	}
	m.links = links
	for _, pattern := range []string{"/sys/fs/cgroup/*", "/sys/fs/cgroup/*/*"} {
		groups, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			if strings.HasPrefix(filepath.Base(g), "kubectl-maturity-cluster-") {
				m.cgroups = append(m.cgroups, g)
			}
		}
	}
	for _, d := range []string{"/run/netns", "/run/containerd", "/var/lib/cni", "/var/log/containers", filepath.Join(c.cache, "kubectl-maturity", "up")} {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) {
			m.folders = append(m.folders, d)
		}
	}
	return m
}

// left says what is there that was not there before.
func (c *command) left(t *testing.T) []string {
	t.Helper()
	now := c.look(t)
	var left []string
	for _, pair := range [][2][]string{
		{c.before.processes, now.processes}, {c.before.mounts, now.mounts}, {c.before.links, now.links},
		{c.before.cgroups, now.cgroups}, {c.before.folders, now.folders},
	} {
		for _, what := range pair[1] {
			if !slices.Contains(pair[0], what) {
				left = append(left, what)
			}
		}
	}
	return left
}

// wantNothing fails unless all is gone. The kernel clears away what was killed, in its own time.
func (c *command) wantNothing(t *testing.T) {
	t.Helper()
	eventually(t, 20*time.Second, func() error {
		if left := c.left(t); len(left) > 0 {
			return fmt.Errorf("left behind:\n%s", strings.Join(left, "\n"))
		}
		return nil
	})
}

// wantNoProcess fails unless all processes have ended, which nobody had to see to.
func (c *command) wantNoProcess(t *testing.T) {
	t.Helper()
	eventually(t, 20*time.Second, func() error {
		if now := c.look(t); len(now.processes) > 0 {
			return fmt.Errorf("still running:\n%s", strings.Join(now.processes, "\n"))
		}
		return nil
	})
}

func eventually(t *testing.T, atMost time.Duration, ready func() error) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		err := ready()
		if err == nil {
			return
		}
		if time.Since(start) > atMost {
			t.Fatal(err)
		}
	}
}

// up starts a cluster in the foreground, and returns once its folder has a file that matches.
func (c *command) up(t *testing.T, kind testcluster.Kind, file string, atMost time.Duration) *exec.Cmd {
	t.Helper()
	cmd := c.start("up", string(kind))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	eventually(t, atMost, func() error {
		select {
		case err := <-ended:
			t.Fatalf("up %s: %v\n%s", kind, err, out.String())
		default:
		}
		found, err := filepath.Glob(filepath.Join(c.tmp, "*", file))
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("no %s", file)
		}
		return err
	})
	return cmd
}

// kill ends the process the way nothing can prepare for.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

var exportLine = regexp.MustCompile(`^export KUBECONFIG=(\S+)\n$`)

// clientOf is that of the cluster whose export line was printed.
func clientOf(t *testing.T, out string) kubernetes.Interface {
	t.Helper()
	m := exportLine.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("want one line to give to a shell:\n%s", out)
	}
	config, err := clientcmd.BuildConfigFromFlags("", m[1])
	if err != nil {
		t.Fatal(err)
	}
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pidOf finds the process of a cluster in the background.
func (c *command) pidOf(t *testing.T) int {
	t.Helper()
	for _, p := range c.look(t).processes {
		var pid int
		if _, err := fmt.Sscan(p, &pid); err == nil && strings.Contains(p, "--detached") {
			return pid
		}
	}
	t.Fatal("no process runs in the background")
	return 0
}

func TestKilledWhileStarting(t *testing.T) {
	testcluster.Need(t, testcluster.ControlKind)
	c := newCommand(t)
	kill(t, c.up(t, testcluster.ControlKind, "log/kube-apiserver.log", time.Minute).Process.Pid)
	c.wantNoProcess(t)
	if left := c.left(t); len(left) != 1 {
		t.Errorf("want the folder of the cluster to be left, and nothing else:\n%s", strings.Join(left, "\n"))
	}
	c.run(t, "down")
	c.wantNothing(t)
}

func TestUpAndDown(t *testing.T) {
	testcluster.Need(t, testcluster.ControlKind)
	c := newCommand(t)
	first := c.run(t, "up", "control", "--background")
	if _, err := clientOf(t, first).Discovery().ServerVersion(); err != nil {
		t.Error(err)
	}
	if again := c.run(t, "up", "control", "--background"); again != first {
		t.Errorf("a second up says %q, want the cluster that runs: %q", again, first)
	}
	kill(t, c.pidOf(t))
	c.wantNoProcess(t)
	other := c.run(t, "up", "control", "--background")
	if _, err := clientOf(t, other).Discovery().ServerVersion(); err != nil {
		t.Error(err)
	}
	if other == first {
		t.Error("the cluster after one that was killed is in its folder")
	}
	c.run(t, "down")
	c.wantNothing(t)
}

// TestKilledNode kills a cluster whose node runs a pod: its shims and its program are children of nobody
// here, its mounts and network devices are in namespaces, its control groups are the machine's.
func TestKilledNode(t *testing.T) {
	testcluster.Need(t, testcluster.NodeKind)
	c := newCommand(t)
	api := clientOf(t, c.run(t, "up", "node", "--background"))
	ctx := context.Background()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "runs"}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "app", Image: "localhost/misbehave:v1", Args: []string{"serve"}}},
	}}
	if _, err := api.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() error {
		p, err := api.CoreV1().Pods("default").Get(ctx, pod.Name, metav1.GetOptions{})
		if err == nil && p.Status.Phase != corev1.PodRunning {
			err = fmt.Errorf("the pod is %s", p.Status.Phase)
		}
		return err
	})
	now := c.look(t)
	if len(now.links) == len(c.before.links) || len(now.cgroups) == len(c.before.cgroups) {
		t.Fatalf("a node without a device or a control group: %+v", now)
	}
	kill(t, c.pidOf(t))
	c.wantNoProcess(t)
	c.run(t, "down")
	c.wantNothing(t)
}
