package testcluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// node is the part of a cluster that runs pods. It lives in PID, mount, network and IPC namespaces of
// its own, so that it takes no port, interface, mount or process of the machine's, and all that it
// made is gone when process 1 of the namespaces is: shims and pods would outlive containerd. Only
// control groups must be removed by hand.
type node struct {
	init    *process // process 1
	ip      string
	link    string // the machine's end of the node's network
	release func() // of the lock that keeps other nodes from starting
}

const (
	nodeName     = "node-1"
	registryAddr = "127.0.0.1:15000" // the node's own loopback
	cgroupMount  = "/sys/fs/cgroup"
)

// nodePrograms are what a node needs of the machine, and the Debian packages that have them.
var nodePrograms = []struct{ file, debian string }{
	{"containerd", "containerd"},
	{"containerd-shim-runc-v2", "containerd"},
	{"ctr", "containerd"},
	{"runc", "runc"},
	{"/usr/lib/cni/bridge", "containernetworking-plugins"},
	{"nsenter", "util-linux"},
	{"mount", "mount"},
	{"ip", "iproute2"},
}

// systemPath finds what an administrator's shell would find.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func lookup(file string) string {
	if filepath.IsAbs(file) {
		if isFile(file) {
			return file
		}
		return ""
	}
	for dir := range strings.SplitSeq(systemPath, ":") {
		if path := filepath.Join(dir, file); isFile(path) {
			return path
		}
	}
	return ""
}

func missingPackages() []string {
	var packages []string
	seen := map[string]bool{}
	for _, p := range nodePrograms {
		if lookup(p.file) == "" && !seen[p.debian] {
			packages, seen[p.debian] = append(packages, p.debian), true
		}
	}
	return packages
}

// nodeUnavailable says why this machine can run no node, "" where it can.
func nodeUnavailable() string {
	if os.Geteuid() != 0 {
		return "a node needs root"
	}
	if len(cgroupRoots()) == 0 {
		return "a node needs control groups, and none are mounted in " + cgroupMount
	}
	if packages := missingPackages(); len(packages) > 0 && lookup("apt-get") == "" {
		return "a node needs " + strings.Join(packages, ", ") + ": install them"
	}
	return ""
}

func installPackages(ctx context.Context, c *Cluster) error {
	packages := missingPackages()
	if len(packages) == 0 {
		return nil
	}
	fmt.Fprintf(c.log, "installing %s with apt-get ...\n", strings.Join(packages, " "))
	install := func() error {
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"install", "-y", "--no-install-recommends"}, packages...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		return run(cmd)
	}
	if err := install(); err != nil { // most often because the lists of packages are not there
		if err := run(exec.CommandContext(ctx, "apt-get", "update")); err != nil {
			return err
		}
		if err := install(); err != nil {
			return err
		}
	}
	if still := missingPackages(); len(still) > 0 {
		return fmt.Errorf("installed, and not found: %s", strings.Join(still, ", "))
	}
	return nil
}

// cgroupRoots are the hierarchies: one for each controller in version 1, one in version 2.
func cgroupRoots() []string {
	if isFile(filepath.Join(cgroupMount, "cgroup.controllers")) {
		return []string{cgroupMount}
	}
	dirs, _ := filepath.Glob(filepath.Join(cgroupMount, "*", "cgroup.procs")) // the pattern is well-formed
	var roots []string
	for _, d := range dirs {
		if root := filepath.Dir(d); filepath.Base(root) != "unified" {
			roots = append(roots, root)
		}
	}
	return roots
}

// makeCgroup makes the group that all pods go below. The kubelet wants it to be there.
func makeCgroup(name string) error {
	for _, root := range cgroupRoots() {
		if root == cgroupMount { // version 2: a group has the controllers that its parent hands down
			if err := os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+cpu +cpuset +memory +pids +io"), 0); err != nil {
				return fmt.Errorf("control groups cannot be handed down here: %w", err)
			}
		}
		group := filepath.Join(root, name)
		if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		// In version 1 a group with an empty cpuset takes no process.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			if value, err := os.ReadFile(filepath.Join(root, file)); err == nil && root != cgroupMount {
				if err := os.WriteFile(filepath.Join(group, file), value, 0); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// removeCgroups removes a group and all below it, which must be without processes; those that were
// killed take a moment to be gone.
func removeCgroups(name string) {
	for range 50 {
		left := false
		// Also where no controller is: runc keeps to version 2's hierarchy beside those of version 1.
		tops, _ := filepath.Glob(filepath.Join(cgroupMount, "*", name)) // the pattern is well-formed
		for _, top := range append(tops, filepath.Join(cgroupMount, name)) {
			var groups []string
			_ = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					groups = append(groups, path)
				}
				return nil
			})
			for i := len(groups) - 1; i >= 0; i-- {
				if err := os.Remove(groups[i]); err != nil {
					left = true
				}
			}
		}
		if !left {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// hidden are folders of the machine that containerd, the kubelet and the CNI plugins write to whatever
// their configuration says. The node has empty ones of its own.
var hidden = []string{"/run/netns", "/run/containerd", "/var/lib/cni", "/var/log/containers"}

// startNode makes the namespaces and the network of the node.
func (c *Cluster) startNode(ctx context.Context) error {
	file, err := nodeLock()
	if err != nil {
		return err
	}
	release, err := lockFile(ctx, file, c.log, "another node runs on this machine: waiting for it to end")
	if err != nil {
		return err
	}
	c.node = &node{release: release}
	if err := installPackages(ctx, c); err != nil {
		return err
	}
	pause, err := c.source.buildImage(ctx, pauseImage, c.log)
	if err != nil {
		return err
	}
	if c.node.init, err = c.start("pause", namespaceAttr(), pause.program); err != nil {
		return fmt.Errorf("making namespaces: %w", err)
	}
	host, ip, err := freeNetwork()
	if err != nil {
		return err
	}
	c.address, c.node.ip = host, ip
	id := make([]byte, 4)
	if _, err := rand.Read(id); err != nil {
		return err
	}
	c.node.link = "kmt" + hex.EncodeToString(id)
	link, pid := c.node.link, strconv.Itoa(c.node.init.cmd.Process.Pid)
	script := "mount --make-rprivate / && mount -t proc proc /proc\n"
	for _, dir := range hidden {
		if err := c.claim.makeFolder(dir); err != nil {
			return err
		}
		script += "mount -t tmpfs tmpfs " + dir + "\n"
	}
	script += "ip link set lo up\nip link set eth0 up\nip addr add " + ip + "/30 dev eth0\nip route add default via " + host + "\n"
	for _, words := range [][]string{
		{"ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", pid},
		{"ip", "addr", "add", host + "/30", "dev", link},
		{"ip", "link", "set", link, "up"},
		append(c.node.enter(), "sh", "-ec", script),
	} {
		cmd := exec.CommandContext(ctx, lookup(words[0]), words[1:]...)
		cmd.Env = append(os.Environ(), "PATH="+systemPath)
		if err := run(cmd); err != nil {
			return err
		}
	}
	return makeCgroup(c.claim.cgroup())
}

// enter are the words that run a command in the namespaces of the node.
func (n *node) enter() []string {
	return []string{"nsenter", "--target", strconv.Itoa(n.init.cmd.Process.Pid), "--pid", "--mount", "--net", "--ipc"}
}

// freeNetwork finds two addresses for the machine and the node, in a network that no interface has.
func freeNetwork() (host, node string, err error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "", "", err
	}
	for i := range 256 {
		host, node = fmt.Sprintf("10.213.%d.1", i), fmt.Sprintf("10.213.%d.2", i)
		taken := false
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && (n.Contains(net.ParseIP(host)) || strings.HasPrefix(n.IP.String(), fmt.Sprintf("10.213.%d.", i))) {
				taken = true
			}
		}
		if !taken {
			return host, node, nil
		}
	}
	return "", "", errors.New("no network of 10.213.0.0/16 is free")
}

// remove ends everything that runs on the node.
func (n *node) remove() {
	if n.link != "" {
		// It would go with the network namespace, some time after the last process in there.
		_ = exec.Command(lookup("ip"), "link", "delete", n.link).Run()
	}
	if n.init != nil {
		n.init.kill() // returns when all processes of its namespace are gone
	}
}

// unlock lets the next node start.
func (n *node) unlock() { n.release() }

// inside starts a program on the node.
func (c *Cluster) inside(name, path string, args ...string) (*process, error) {
	enter := c.node.enter()
	words := append(enter[1:], "env", "PATH="+systemPath, path)
	return c.start(name, childAttr(), lookup(enter[0]), append(words, args...)...)
}

// ctr runs containerd's own client, for pods' images.
func (c *Cluster) ctr(ctx context.Context, args ...string) error {
	enter := c.node.enter()
	words := append(enter[1:], lookup("ctr"), "--address", containerdSocket, "--namespace", "k8s.io")
	return run(exec.CommandContext(ctx, lookup(enter[0]), append(words, args...)...))
}

// joinNode starts containerd and the kubelet, and waits until the node is ready for pods.
func (c *Cluster) joinNode(ctx context.Context) error {
	if err := errors.Join(
		c.ca.issueFile("node", nodeName, nil, c.node.ip, nodeName),
		c.writeKubeconfig("node", "system:node:"+nodeName, []string{"system:nodes"}),
		c.writeNodeFiles(),
	); err != nil {
		return err
	}
	if _, err := c.inside("containerd", lookup("containerd"), "--config", filepath.Join(c.dir, "containerd.toml")); err != nil {
		return err
	}
	if err := c.wait(ctx, "containerd", time.Minute, func(ctx context.Context) error { return c.ctr(ctx, "version") }); err != nil {
		return err
	}
	for _, image := range nodeImages {
		built, err := c.source.buildImage(ctx, image, c.log)
		if err != nil {
			return err
		}
		if err := c.ctr(ctx, "images", "import", built.archive); err != nil {
			return err
		}
	}
	misbehave, err := c.source.buildImage(ctx, misbehaveImage, c.log)
	if err != nil {
		return err
	}
	if _, err := c.inside("registry", misbehave.program, "registry", "-listen", registryAddr); err != nil {
		return err
	}
	c.Registry = registryAddr
	if _, err := c.inside("kubelet", c.programs["kubelet"],
		"--config="+filepath.Join(c.dir, "kubelet.yaml"), "--kubeconfig="+c.kubeconfig("node"), "--root-dir="+filepath.Join(c.dir, "kubelet"),
		"--cert-dir="+filepath.Join(c.dir, "pki"), "--hostname-override="+nodeName, "--node-ip="+c.node.ip, "--v=2"); err != nil {
		return err
	}
	if err := c.wait(ctx, "the node to be Ready", 2*time.Minute, func(ctx context.Context) error {
		n, err := c.client.CoreV1().Nodes().Get(ctx, nodeName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, cond := range n.Status.Conditions {
			if cond.Type == corev1.NodeReady && cond.Status == corev1.ConditionTrue && len(n.Spec.Taints) == 0 {
				return nil
			}
		}
		return fmt.Errorf("%v, taints %v", n.Status.Conditions, n.Spec.Taints)
	}); err != nil {
		return err
	}
	return c.startMetrics()
}

const containerdSocket = "/run/containerd/containerd.sock"

// nodeFiles are the configuration. Each line that looks odd was needed on some machine.
var nodeFiles = map[string]string{
	"cni/10-pods.conflist": `{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "pods0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "{{.Dir}}/cni-ipam", "ranges": [[{"subnet": "10.88.0.0/16"}]]}},
  {"type": "loopback"}]}
`,
	// containerd 2 takes the configuration of version 1 as well.
	"containerd.toml": `version = 2
root = "{{.Dir}}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]
[grpc]
  address = "` + containerdSocket + `"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{{.Pause}}"
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE runc may not lower oom_score_adj, and dies with "can't get final child's PID".
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{{.Dir}}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = "{{.Runc}}"
`,
	"kubelet.yaml": `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /{{.Cgroup}}
containerRuntimeEndpoint: unix://` + containerdSocket + `
address: {{.IP}}
readOnlyPort: 0
tlsCertFile: {{.Dir}}/pki/node.crt
tlsPrivateKeyFile: {{.Dir}}/pki/node.key
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: {{.Dir}}/pki/ca.crt}}
authorization: {mode: Webhook}
clusterDomain: cluster.local
clusterDNS: ["10.96.0.10"]
resolvConf: ""
failSwapOn: false
makeIPTablesUtilChains: false
podLogsDir: {{.Dir}}/pod-logs
staticPodPath: {{.Dir}}/manifests
volumePluginDir: {{.Dir}}/volume-plugins
volumeStatsAggPeriod: 10s
nodeStatusUpdateFrequency: 5s
registryPullQPS: 0
eventRecordQPS: 0
imageGCHighThresholdPercent: 100 # the images are all there is: on a full disk nobody could get them back
evictionHard: {memory.available: 200Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
evictionPressureTransitionPeriod: 10s
`,
}

func (c *Cluster) writeNodeFiles() error {
	values := map[string]string{"Dir": c.dir, "Pause": pauseImage.reference(), "Runc": lookup("runc"), "Cgroup": c.claim.cgroup(), "IP": c.node.ip}
	for name, text := range nodeFiles {
		t, err := template.New(name).Parse(text)
		if err != nil {
			return err
		}
		var b strings.Builder
		if err := t.Execute(&b, values); err != nil {
			return err
		}
		file := filepath.Join(c.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			return err
		}
	}
	for _, dir := range []string{"pod-logs", "manifests", "volume-plugins", "kubelet"} {
		if err := os.MkdirAll(filepath.Join(c.dir, dir), 0o700); err != nil {
			return err
		}
	}
	return nil
}
