package security

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// HostPath finds volumes that are folders of the node.
var HostPath = rule.Check{
	ID: "host-path", Title: "mounts a folder of the node", Doc: rule.ReadDoc(docs, "host_path.md"),
	Dimension: rule.Security, Severity: rule.High, On: rule.Workloads,
	Run: standard(hostPath, "", "hostPathVolumes"),
	Peers: map[string][]string{
		"polaris":     {"hostPathSet"},
		"kube-linter": {"sensitive-host-mounts", "docker-sock"},
		"kubesec":     {"DockerSock", "ProcMount"},
		"clusterlint": {"hostpath-volume"},
		"kubescape":   {"alert-any-hostpath", "containers-mounting-docker-socket"},
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

func hostPath(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var found []rule.Finding
	for i, v := range t.Spec.Volumes {
		if v.HostPath == nil {
			continue
		}
		volume := t.SpecPath().Child("volumes").Index(i)
		f := rule.Finding{Field: volume.Child("hostPath", "path"), Value: v.HostPath.Path}
		users := mountedBy(t, v.Name)
		into := "which no container mounts"
		if len(users) > 0 {
			into = "mounted by " + named(users)
		}
		clean := cleanPath(v.HostPath.Path)
		socket := holdsSocket(clean)
		switch {
		case isRoot(clean):
			f.Severity = rule.Critical
			f.Message = fmt.Sprintf("volume %q is the whole file system of the node, %s", v.Name, into)
		case socket == clean:
			f.Severity = rule.Critical
			f.Message = fmt.Sprintf("volume %q is the socket of the container runtime, %s: that is root on the node", v.Name, into)
		case socket != "":
			f.Severity = rule.Critical
			f.Message = fmt.Sprintf("volume %q is %s of the node, with the container runtime's socket in it, %s: that is root on the node", v.Name, v.HostPath.Path, into)
		default:
			f.Message = fmt.Sprintf("volume %q is %s of the node, %s", v.Name, v.HostPath.Path, into)
			if onlyRead(t, v.Name) { // what an agent needs: nothing of it reaches another pod or the node
				f.Severity = rule.Medium
				f.Message += ", read-only"
			}
		}
		if f.Severity == rule.Critical {
			f.Fix = &rule.Fix{
				Title: "ask the Kubernetes API instead of the node, or build images with a tool that needs no runtime", Applicability: rule.NeedsThought,
				Caution: "readOnly on the mount does not help: a socket takes orders all the same, and the secrets of other pods can be read",
			}
		} else {
			f.Fix = harden(p, "use an emptyDir, or a PersistentVolumeClaim where the data must stay",
				"what is in the node's folder is not there any more; a program that reads the node's own files needs the folder",
				p.Drop(volume.Child("hostPath")).And(p.Put(volume.Child("emptyDir"), map[string]any{})), "volumes:\n- name: "+v.Name+"\n  emptyDir: {}\n")
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
		if s == clean || strings.HasPrefix(s, clean+"/") {
			return s
		}
	}
	return ""
}

// onlyRead tells whether every mount of a volume is read-only, and there is one.
func onlyRead(t snapshot.Template, volume string) bool {
	mounted := false
	for _, c := range containers(t) {
		for _, m := range c.VolumeMounts {
			if m.Name == volume {
				if !m.ReadOnly {
					return false
				}
				mounted = true
			}
		}
	}
	return mounted
}

func mountedBy(t snapshot.Template, volume string) []snapshot.Container {
	var list []snapshot.Container
	for _, c := range containers(t) {
		for _, m := range c.VolumeMounts {
			if m.Name == volume && !slices.ContainsFunc(list, func(have snapshot.Container) bool { return have.Name == c.Name }) {
				list = append(list, c)
			}
		}
	}
	return list
}
