package captures

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNothingOfAMachine holds that a capture tells nothing of the machine it was made on. With
// UPDATE_GOLDEN=1 it first replaces what can be replaced without knowing the machine, in captures that
// were not made with make capture.
func TestNothingOfAMachine(t *testing.T) {
	if os.Getenv("UPDATE_GOLDEN") != "" {
		generalise(t)
	}
	leaks, err := Leaks(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	leaks = slices.DeleteFunc(leaks, func(l string) bool { return strings.HasPrefix(l, "captures") }) // this package
	if len(leaks) > 0 {
		t.Errorf("%d leaks; UPDATE_GOLDEN=1 go test ./test/captures mends some, see captures.go:\n%s", len(leaks), strings.Join(leaks, "\n"))
	}
}

func generalise(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("*", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if text := General(string(data)); text != string(data) {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestLeaks(t *testing.T) {
	for text, leaks := range map[string]bool{
		"    host: real-1":                                    false,
		"    host: builder-7":                                 true,
		"    host: localhost":                                 false,
		"  reportingInstance: \"\"":                           false,
		"  reportingInstance: ''":                             false,
		"  machineID: '" + noID + "'":                         false,
		"  reportingInstance: default-scheduler":              false,
		"  reportingInstance: default-scheduler-builder-7":    true,
		"  machineID: \"" + noID + "\"":                       false,
		"  machineID: 3d1219c7c4c5404aaa1f6d2a48adfda0":       true,
		"mounting \"/var/lib/kubelet/pods/1/volumes\"":        false,
		"mounting \"/tmp/cluster-1/kubelet/pods/1/volumes\"":  true,
		"open /tmp/file-000000: read-only file system":        false,
		"image: localhost/misbehave:v1":                       false,
		"image: registry.local:5000/shop/web:1.3":             false,
		"image: \"registry.corp.internal/shop/web:1.3\"":      true,
		"image: shop/web:1.3":                                 false,
		"Get \"https://mirror.corp.internal/v2/\": not found": true,
		"Get \"http://10.88.0.7:8080/healthz\": refused":      false,
		"it says secret-box and more":                         true,
	} {
		if got := leaksIn(text, []string{"secret-box"}); len(got) > 0 != leaks {
			t.Errorf("%s: %q, want leaks %v", text, got, leaks)
		}
	}
}

func TestAnonymise(t *testing.T) {
	m := Machine{
		Hostname: "builder-7", Dir: "/tmp/cluster-1", Node: "node-1", Addresses: []string{"10.213.0.1", "10.213.0.2"}, Registry: "127.0.0.1:15000",
		Context: "test", Namespace: "sc-typo-x7k2p", As: "sc-typo",
		Ours: func(_, name string) bool { return name == "default" || name == "sc-typo-x7k2p" },
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"namespaces.yaml": "kind: List\nitems:\n- kind: Namespace\n  metadata: {name: sc-typo-x7k2p}\n- kind: Namespace\n  metadata: {name: sc-other-77777}\n",
		"nodes.yaml": "machineID: 3d1219c7c4c5404aaa1f6d2a48adfda0\nkernelVersion: 6.1.0-21-amd64\nname: node-1\n- address: 10.213.0.2\n" +
			"bootID: 54b661e3-cc75-45d2-a496-412f4d92ac20\n",
		"events.yaml": "message: MountVolume.SetUp failed for /tmp/cluster-1/kubelet/pods/8 on node-1, see 127.0.0.1:15000/a\n" +
			"reportingInstance: default-scheduler-builder-7\nhost: node-1\n",
		"storageclasses.yaml":                       "kind: List\nitems: [{kind: StorageClass, metadata: {name: slow}}]\n",
		"snapshot.yaml":                             "context: test\nread: [{kind: Pod, namespace: sc-typo-x7k2p}]\n",
		"logs/sc-typo-x7k2p/web-1/app.txt":          "hello from 10.213.0.25\n",
		"logs/sc-typo-x7k2p/web-1/app.previous.txt": "hello\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Anonymise(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"namespaces.yaml": "items:\n- kind: Namespace\n  metadata:\n    name: sc-typo\nkind: List\n",
		"nodes.yaml": "machineID: \"" + noID + "\"\nkernelVersion: 6.1.0\nname: real-1\n- address: 10.99.0.1\n" +
			"bootID: " + noUUID + "\n",
		"events.yaml": "message: MountVolume.SetUp failed for /var/lib/kubelet/pods/8 on real-1, see registry.local:5000/a\n" +
			"reportingInstance: default-scheduler\nhost: real-1\n",
		"snapshot.yaml":              "context: real\nread: [{kind: Pod, namespace: sc-typo}]\n",
		"logs/sc-typo/web-1/app.txt": "hello from 10.213.0.25\n",
	} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "storageclasses.yaml")); err == nil {
		t.Error("a class of another scenario is there")
	}
	if leaks, err := Leaks(os.DirFS(dir), m.Hostname, m.Dir); err != nil || len(leaks) > 0 {
		t.Error(err, leaks)
	}
}
