package security

import (
	"fmt"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RootfsWritable finds containers that may change the files of their own image.
var RootfsWritable = rule.Check{
	ID: "rootfs-writable", Title: "root file system is writable", Doc: rule.ReadDoc(docs, "rootfs_writable.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil || onWindows(t) { // which has no read-only layers
				continue
			}
			for _, c := range t.Containers() {
				// An init container is gone before anybody can reach it, one that is privileged mounts what it
				// likes, and one without an image is part of what an operator makes.
				if !c.Init && !isPrivileged(c) && (c.Image != "" || p.Object.Typed != nil) {
					writableRoot(p, c)
				}
			}
		}
	},
	Peers: map[string][]string{
		"polaris":     {"notReadOnlyRootFilesystem"},
		"kube-score":  {"container-security-context-readonlyrootfilesystem"},
		"kube-linter": {"no-read-only-root-fs"},
		"kubesec":     {"ReadOnlyRootFilesystem"},
		"kubescape":   {"immutable-container-filesystem"},
	},
}

func writableRoot(p *rule.Pass, c snapshot.Container) {
	own := c.SecurityContext
	set := own != nil && own.ReadOnlyRootFilesystem != nil
	if set && *own.ReadOnlyRootFilesystem {
		return
	}
	field := c.Path.Child("securityContext", "readOnlyRootFilesystem")
	f := inContainer(p, c, field)
	f.Message = named(one(c)) + " may change the files of its image: readOnlyRootFilesystem is not set, and false by default"
	if set {
		f.Value, f.Message = "false", named(one(c))+" may change the files of its image: readOnlyRootFilesystem is false"
	}
	if p.Mends() {
		f.Fix = harden(p, "set readOnlyRootFilesystem: true, and mount an emptyDir wherever the program writes",
			"what the program writes outside of its volumes fails with \"read-only file system\": look for files that are written at start, /tmp first of all",
			p.Put(field, true), writableFolders(c.Container))
	}
	p.Report(f)
}

// writes are the folders into which well-known servers write besides their data. Source: the Dockerfiles
// and default configurations of the images of these names.
var writes = map[string][]string{
	"nginx":    {"/var/cache/nginx", "/run"},
	"httpd":    {"/usr/local/apache2/logs"},
	"postgres": {"/run/postgresql", "/tmp"},
	"mysql":    {"/run/mysqld", "/tmp"},
	"mariadb":  {"/run/mysqld", "/tmp"},
}

// writableFolders is what to write into the manifest: the setting, and a volume for each folder that the
// image is known to write into, or /tmp.
func writableFolders(c *corev1.Container) string {
	name, _, _ := strings.Cut(path.Base(c.Image), "@")
	name, _, _ = strings.Cut(name, ":")
	folders := writes[name]
	if folders == nil {
		folders = []string{"/tmp"}
	}
	var mounts, volumes strings.Builder
	for _, folder := range folders {
		if mountedAt(c, folder) {
			continue
		}
		volume := c.Name + strings.ReplaceAll(folder, "/", "-")
		fmt.Fprintf(&mounts, "- name: %s\n  mountPath: %s\n", volume, folder)
		fmt.Fprintf(&volumes, "- name: %s\n  emptyDir: {}\n", volume)
	}
	text := rule.Nest("true", "securityContext", "readOnlyRootFilesystem")
	if mounts.Len() > 0 {
		text += "volumeMounts:\n" + mounts.String() + "# and in the pod's spec:\nvolumes:\n" + volumes.String()
	}
	return text
}

func mountedAt(c *corev1.Container, folder string) bool {
	for _, m := range c.VolumeMounts {
		if m.MountPath == "/" || holds(path.Clean(m.MountPath), folder) {
			return true
		}
	}
	return false
}
