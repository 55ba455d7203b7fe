package security

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HostPath finds volumes that are folders of the node.
var HostPath = rule.Check{
	ID: "host-path", Title: "mounts a folder of the node", Doc: rule.ReadDoc(docs, "host_path.md"),
	Dimension: rule.Security, Severity: rule.High, On: rule.Workloads, Applies: ofUser,
	Run: standard(hostPath, "", "hostPathVolumes"),
	Peers: map[string][]string{
		"polaris":     {"hostPathSet"},
		"kube-linter": {"sensitive-host-mounts", "docker-sock", "writable-host-mount"},
		"kubesec":     {"DockerSock", "ProcMount"},
		"clusterlint": {"hostpath-volume"},
		"kubescape":   {"alert-any-hostpath", "alert-rw-hostpath", "containers-mounting-docker-socket", "alert-mount-potential-credentials-paths"},
	},
}

// runtimeSockets are where container runtimes listen: who can write there starts privileged
// containers. Sources: the defaults of containerd, CRI-O, dockerd, cri-dockerd and k3s.
var runtimeSockets = []string{
	"/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/docker.sock", "/run/cri-dockerd.sock",
	"/run/k3s/containerd/containerd.sock", "/run/podman/podman.sock",
	windowsPipe + "containerd-containerd", windowsPipe + "docker_engine",
}

// windowsPipe is where named pipes are on Windows nodes, with slashes.
const windowsPipe = "//./pipe/"

// manifests is where kubelets that kubeadm set up find pods to run without asking the API.
const manifests = "/etc/kubernetes/manifests"

// xtablesLock is what iptables holds while it works, in every pod that changes the node's packet filters.
const xtablesLock = "/run/xtables.lock"

// rootHome is the home of root on a node, where people and scripts that set it up logged in somewhere.
const rootHome = "/root"

// revealing are folders whose content gives away more than the node's own files, read-only or not.
// Sources: the folders of kubeadm, the kubelet and etcd; where the tools of cloud providers keep what they
// log in with.
var revealing = []struct{ path, holds string }{
	{"/var/lib/kubelet/pods", "the tokens and Secrets of every pod on the node"},
	{"/var/lib/kubelet/pki", "the kubelet's own key"},
	{"/var/lib/etcd", "all of the cluster's data, Secrets too"},
	{"/etc/kubernetes", "keys of the node and, where the control plane runs, of the cluster"},
	{rootHome + "/.kube", "somebody's login to a cluster"},
	{rootHome + "/.ssh", "keys for logging in elsewhere"},
	{rootHome + "/.aws", "a login to the cloud"},
	{rootHome + "/.azure", "a login to the cloud"},
	{rootHome + "/.config/gcloud", "a login to the cloud"},
}

func hostPath(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var found []rule.Finding
	for i, v := range t.Spec.Volumes {
		if v.HostPath == nil {
			continue
		}
		volume := t.SpecPath().Child("volumes").Index(i)
		f := rule.Finding{Field: volume.Child("hostPath", "path"), Value: v.HostPath.Path}
		users, writers := mountedBy(t, v.Name)
		into := "which no container mounts"
		switch {
		case len(users) > 0 && len(writers) == 0:
			into = "mounted by " + named(users) + ", read-only"
		case len(users) > len(writers):
			into = "mounted by " + named(users) + ", writable by " + named(writers)
		case len(users) > 0:
			into = "mounted by " + named(users) + ", writable"
		}
		clean := cleanPath(v.HostPath.Path)
		socket, secrets := holdsSocket(clean), reveals(clean)
		only := "" // what others may read
		if len(users) > 0 && len(writers) == 0 && !slices.ContainsFunc(users, func(c snapshot.Container) bool { return !powerlessUser(t, c) }) {
			only = ", to a user that is not root and cannot become it"
		}
		switch {
		case isRoot(clean) && only != "":
			f.Severity = rule.Medium
			f.Message = fmt.Sprintf("volume %q is the whole file system of the node, %s%s: it reads what everybody on the node may", v.Name, into, only)
		case isRoot(clean):
			f.Severity = rule.Critical
			f.Message = fmt.Sprintf("volume %q is the whole file system of the node, %s", v.Name, into)
		case socket == clean:
			f.Severity = rule.Critical
			f.Message = fmt.Sprintf("volume %q is the socket of the container runtime, %s: that is root on the node", v.Name, into)
		case socket != "":
			f.Severity = rule.Critical
			f.Message = fmt.Sprintf("volume %q is %s of the node, with the container runtime's socket in it, %s: that is root on the node", v.Name, v.HostPath.Path, into)
		case len(writers) > 0 && holds(clean, manifests):
			f.Severity = rule.Critical
			f.Message = fmt.Sprintf("volume %q is %s of the node, %s: the kubelet runs every pod that is put into %s, privileged ones too", v.Name, v.HostPath.Path, into, manifests)
		case secrets != "":
			f.Message = fmt.Sprintf("volume %q is %s of the node, %s: there are %s", v.Name, v.HostPath.Path, into, secrets)
		default:
			f.Message = fmt.Sprintf("volume %q is %s of the node, %s", v.Name, v.HostPath.Path, into)
			switch {
			case len(users) > 0 && len(writers) == 0: // what an agent needs: nothing of it reaches another pod or the node
				f.Severity = rule.Low
				if inside(clean) {
					f.Severity = rule.Medium
				}
			case clean == xtablesLock: // nothing is written into it: programs hold it while they change packet filters
				f.Severity = rule.Low
			case allPrivileged(users): // they have the node's disks besides, and that they are privileged is told
				f.Severity = rule.Low
			case holds("/var/log", clean): // where agents remember how far they came, and control planes write
				f.Severity = rule.Medium
			case len(writers) > 0 && holds("/proc", clean):
				f.Message += ": root in the container sets the kernel's own settings there"
			case apart(clean):
				f.Severity = rule.Medium
			}
		}
		if len(users) == 0 && len(containers(t)) > 0 { // it costs nothing until somebody adds the mount
			f.Severity = rule.Low
		}
		switch {
		case len(users) == 0 && len(containers(t)) > 0:
			f.Fix = harden(p, "take the volume out, or make an emptyDir of it: nothing mounts it", "what adds a mount of it on the way to the cluster finds it empty then",
				p.Drop(volume.Child("hostPath")).And(p.Put(volume.Child("emptyDir"), map[string]any{})), "")
		case only != "" && isRoot(clean):
			f.Fix = &rule.Fix{
				Title: "mount the folders that it reads, and nothing above them", Applicability: rule.NeedsThought,
				Caution: "an agent that measures every file system of the node needs the whole of it, and is right as it is",
			}
		case f.Severity != rule.Critical:
			f.Fix = harden(p, "use an emptyDir, or a PersistentVolumeClaim where the data must stay",
				"what is in the node's folder is not there any more; a program that only reads the node's files needs the folder, with readOnly: true on the mount",
				p.Drop(volume.Child("hostPath")).And(p.Put(volume.Child("emptyDir"), map[string]any{})), "volumes:\n- name: "+v.Name+"\n  emptyDir: {}\n")
		case socket == "" && !isRoot(clean):
			f.Fix = &rule.Fix{
				Title: "mount it with readOnly: true, or not at all", Applicability: rule.NeedsThought,
				Caution: "what sets up nodes or control planes writes there by design: run it in a namespace where only who runs the cluster creates pods",
			}
		default:
			f.Fix = &rule.Fix{
				Title: "ask the Kubernetes API instead of the node, or build images with a tool that needs no runtime", Applicability: rule.NeedsThought,
				Caution: "readOnly on the mount does not help: a socket takes orders all the same, and the secrets of other pods can be read",
			}
		}
		found = append(found, f)
	}
	return found
}

// cleanPath is a path of a node in one spelling. On Linux nodes /var/run is a link to /run.
func cleanPath(raw string) string {
	slashes := strings.ReplaceAll(raw, `\`, "/")
	if strings.HasPrefix(slashes, windowsPipe) {
		return slashes
	}
	clean := path.Clean(slashes)
	if rest, ok := strings.CutPrefix(clean, "/var/run"); ok && (rest == "" || rest[0] == '/') {
		clean = "/run" + rest
	}
	return clean
}

func isRoot(clean string) bool {
	return clean == "/" || len(clean) >= 2 && clean[1] == ':' && strings.Trim(clean[2:], "/") == ""
}

// holdsSocket is the socket of a container runtime that is at or below the path, or "".
func holdsSocket(clean string) string {
	for _, s := range runtimeSockets {
		if holds(clean, s) {
			return s
		}
	}
	return ""
}

// holds tells whether path is folder, or lies below it.
func holds(folder, path string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// reveals says what secrets lie at, below or around the path, or "".
func reveals(clean string) string {
	for _, r := range revealing {
		if holds(clean, r.path) || holds(r.path, clean) {
			return r.holds
		}
	}
	return ""
}

// Where programs keep their data and their sockets, each in a folder of its own, and whose folders there are those of the node's
// own programs. Source: Filesystem Hierarchy Standard 3.0; the folders of kubelets, runtimes and distributions
// of Kubernetes.
var (
	dataFolders = []string{"/var/lib", "/var/cache", runFolder, "/mnt", "/srv", "/data"}
	ofTheNode   = []string{
		"kubelet", "etcd", "docker", "containerd", "containers", "crio", "cri-dockerd", "cni", "rancher", "k0s", "k3s", "microk8s", "kubernetes",
		"systemd", "dbus", "apt", "dpkg", "rpm", "dnf", "yum", "cloud", "NetworkManager", "sudo", "selinux", "apparmor",
	}
)

// runFolder is where programs that run have their sockets and locks, and inRun are those of the node's own there.
const runFolder = "/run"

var inRun = []string{"udev", "netns", "user", "mount", "lock", "log", "secrets", "initramfs", "cryptsetup", "libvirt", "podman", "utmp"}

// ofContainers are folders with what is in the containers of others, or with what they were started with.
var ofContainers = []string{"/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/kubelet", "/proc"}

// inside tells a folder that lets one see into other containers, their environment above all.
func inside(clean string) bool {
	return slices.ContainsFunc(ofContainers, func(folder string) bool { return holds(folder, clean) || holds(clean, folder) })
}

// powerlessUser tells a container that runs as somebody else than root, and has no way to become root.
func powerlessUser(t snapshot.Template, c snapshot.Container) bool {
	who := ownIdentity(c).under(podIdentity(t))
	keptOut := who.uid != nil && *who.uid != 0 || who.uid == nil && who.refuses()
	sc := c.SecurityContext
	return keptOut && !isPrivileged(c) && sc != nil && sc.AllowPrivilegeEscalation != nil && !*sc.AllowPrivilegeEscalation
}

// allPrivileged tells whether each of the containers, of which there are some, is privileged.
func allPrivileged(list []snapshot.Container) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(c snapshot.Container) bool { return !isPrivileged(c) })
}

// apart tells a folder below which nothing of the node's own is to be found: one that is there for the pod.
func apart(clean string) bool {
	for _, folder := range dataFolders {
		if name, ok := strings.CutPrefix(clean, folder+"/"); ok {
			name, _, _ = strings.Cut(name, "/")
			return !slices.Contains(ofTheNode, name) && (folder != runFolder || !slices.Contains(inRun, name))
		}
	}
	return clean == "/data"
}

// mountedBy are the containers that mount a volume, or have it as a device, and those of them that may write into it.
func mountedBy(t snapshot.Template, volume string) (users, writers []snapshot.Container) {
	for _, c := range containers(t) {
		mounted, writable := false, false
		for _, m := range c.VolumeMounts {
			if m.Name == volume {
				mounted, writable = true, writable || !m.ReadOnly
			}
		}
		if slices.ContainsFunc(c.VolumeDevices, func(d corev1.VolumeDevice) bool { return d.Name == volume }) {
			mounted, writable = true, true
		}
		if mounted {
			users = append(users, c)
		}
		if writable {
			writers = append(writers, c)
		}
	}
	return users, writers
}
