// Package captures makes captured states fit to be shown: a capture tells what Kubernetes said, and
// nothing of the machine that it ran on.
package captures

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// What all captures call the things that have other names on every machine.
const (
	Context  = "real"
	Node     = "real-1"
	Registry = "registry.local:5000"
	address  = "10.99.0.1" // of the node
	noID     = "00000000000000000000000000000000"
	noUUID   = "00000000-0000-0000-0000-000000000000"
)

// Machine is what a capture was made of, by the names that it must not tell.
type Machine struct {
	Hostname  string // of the machine
	Dir       string // the folder of the cluster
	Node      string
	Addresses []string // of the node and of the API server
	Registry  string
	Context   string
	Namespace string // as it is called on the cluster
	As        string // and in the capture

	// Ours tells whether an object that belongs to no namespace is of this scenario; those of scenarios
	// that ran beside it are left out.
	Ours func(kind, name string) bool
}

// clusterWide are the lists of a snapshot folder in which other scenarios show.
var clusterWide = []string{"namespaces.yaml", "persistentvolumes.yaml", "storageclasses.yaml"}

// Anonymise rewrites a snapshot folder, in place.
func (m Machine) Anonymise(dir string) error {
	for _, name := range clusterWide {
		if err := m.leaveOut(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(m.Rewrite(string(data))), 0o644)
	})
	if err != nil {
		return err
	}
	logs := filepath.Join(dir, "logs")
	if err := os.Rename(filepath.Join(logs, m.Namespace), filepath.Join(logs, m.As)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// A snapshot is private to whoever took it; a capture is a file of the repository.
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o755)
	})
}

// leaveOut takes what is not ours from a list.
func (m Machine) leaveOut(file string) error {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	var list map[string]any
	if err := yaml.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	items, _ := list["items"].([]any)
	items = slices.DeleteFunc(items, func(item any) bool {
		o, _ := item.(map[string]any)
		meta, _ := o["metadata"].(map[string]any)
		kind, _ := o["kind"].(string)
		name, _ := meta["name"].(string)
		return !m.Ours(kind, name)
	})
	if len(items) == 0 {
		return os.Remove(file)
	}
	list["items"] = items
	if data, err = yaml.Marshal(list); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

var (
	schedulerOf = regexp.MustCompile(`(?m)^( *reportingInstance: default-scheduler)\S*$`)
	kernelOf    = regexp.MustCompile(`(?m)^( *kernelVersion: ["']?[0-9.]+)[^\s"']*`)
	identity    = regexp.MustCompile(`(?m)^( *(?:machineID|systemUUID): )["']?[0-9a-f-]{32,}["']?$`)
	boot        = regexp.MustCompile(`(?m)^( *bootID: )["']?[0-9a-f-]{32,}["']?$`)
)

// Rewrite puts the common names for those of the machine.
func (m Machine) Rewrite(text string) string {
	text = General(text)
	for _, pair := range [][2]string{
		// Where a kubelet keeps them by default.
		{join(m.Dir, "kubelet"), "/var/lib/kubelet"},
		{join(m.Dir, "pod-logs"), "/var/log/pods"},
		{join(m.Dir, "containerd"), "/var/lib/containerd"},
		{m.Dir, "/var/lib/cluster"},
		{m.Registry, Registry},
		{m.Namespace, m.As},
	} {
		if pair[0] != "" {
			text = strings.ReplaceAll(text, pair[0], pair[1])
		}
	}
	for _, a := range m.Addresses {
		text = word(a).ReplaceAllLiteralString(text, address)
	}
	if m.Node != "" {
		text = word(m.Node).ReplaceAllLiteralString(text, Node)
	}
	if m.Context != "" {
		text = regexp.MustCompile(`(?m)^context: `+regexp.QuoteMeta(m.Context)+`$`).ReplaceAllLiteralString(text, "context: "+Context)
	}
	return text
}

// General does what Rewrite does without knowing the machine.
func General(text string) string {
	text = schedulerOf.ReplaceAllString(text, "$1")
	text = kernelOf.ReplaceAllString(text, "$1")
	text = identity.ReplaceAllString(text, "${1}"+quote(noID))
	return boot.ReplaceAllString(text, "${1}"+noUUID)
}

// quote keeps what is all digits a string.
func quote(s string) string { return `"` + s + `"` }

func join(dir, sub string) string {
	if dir == "" {
		return ""
	}
	return dir + "/" + sub
}

func word(w string) *regexp.Regexp { return regexp.MustCompile(`\b` + regexp.QuoteMeta(w) + `\b`) }

// nodes are names that a kubelet, or what speaks for a node, may have in a capture: nobody's machine is
// called so.
var nodes = regexp.MustCompile(`^(?:real|node)-[a-z0-9]{1,2}$`)

var (
	speakers = regexp.MustCompile(`(?m)^ *(?:reportingInstance|host): ["']?([^\s"']+)["']?$`)
	ids      = regexp.MustCompile(`(?m)^ *(?:machineID|systemUUID|bootID): ["']?([^\s"']+)["']?$`)
	// What a kubelet and containerd keep, in another folder than everywhere; a program in a container may
	// speak of /tmp as it likes.
	ofMachine = regexp.MustCompile(`(?:/[\w.-]+)+/(?:kubelet/p|pod-logs/|io\.containerd\.)[^\s"':,)]*|kubectl-maturity-cluster-[0-9]+`)
	images    = regexp.MustCompile(`\bimage: ?["']?([^\s"'/]+)/`)
	urls      = regexp.MustCompile(`https?://([^\s"'/\\]+)`)
	// publicNames are hosts that stand in what Kubernetes itself prints, and made-up ones.
	publicNames = regexp.MustCompile(`^(?:localhost|Localhost|registry\.local|(?:[a-z0-9-]+\.)*(?:example(?:\.com|\.org)?|svc|kubernetes\.io|k8s\.io|docker\.io))(?::\d+)?$`)
)

// Leaks says what a folder tells of the machine it was made on: names, folders, registries, and
// whatever else is given, such as the name of the machine that asks.
func Leaks(folder fs.FS, names ...string) ([]string, error) {
	var leaks []string
	err := fs.WalkDir(folder, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(folder, path)
		if err != nil {
			return err
		}
		for _, leak := range leaksIn(string(data), names) {
			leaks = append(leaks, path+": "+leak)
		}
		return nil
	})
	return leaks, err
}

func leaksIn(text string, names []string) []string {
	var leaks []string
	report := func(format string, a ...any) {
		if leak := fmt.Sprintf(format, a...); !slices.Contains(leaks, leak) {
			leaks = append(leaks, leak)
		}
	}
	for _, m := range speakers.FindAllStringSubmatch(text, -1) {
		// A probe may ask a host of its own.
		if name := m[1]; name != "default-scheduler" && name != "localhost" && name != "127.0.0.1" && !strings.HasSuffix(name, "-controller") && !nodes.MatchString(name) {
			report("the name of a machine: %s", strings.TrimSpace(m[0]))
		}
	}
	for _, m := range ids.FindAllStringSubmatch(text, -1) {
		if strings.Trim(m[1], "0-") != "" {
			report("the identity of a machine: %s", strings.TrimSpace(m[0]))
		}
	}
	for _, path := range ofMachine.FindAllString(text, -1) {
		if !strings.HasPrefix(path, "/var/") && !strings.HasPrefix(path, "/run/containerd/") {
			report("a folder of a machine: %s", path)
		}
	}
	for _, m := range append(images.FindAllStringSubmatch(text, -1), urls.FindAllStringSubmatch(text, -1)...) {
		if host := m[1]; (strings.ContainsAny(host, ".:") || host == "localhost") && !publicNames.MatchString(host) && !private(host) {
			report("a host: %s", host)
		}
	}
	for _, name := range names {
		if name != "" && word(name).MatchString(text) {
			report("%s", name)
		}
	}
	return leaks
}

// documentation are the networks that RFC 5737 sets aside for examples.
var documentation = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
}

// private tells whether a host is an address that means nothing elsewhere.
func private(host string) bool {
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		at, err := netip.ParseAddrPort(host)
		if err != nil {
			return false
		}
		a = at.Addr()
	}
	return a.IsPrivate() || a.IsLoopback() || slices.ContainsFunc(documentation, func(p netip.Prefix) bool { return p.Contains(a) })
}
