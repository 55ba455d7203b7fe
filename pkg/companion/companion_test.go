package companion_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	maturity "github.com/kubectl-maturity/kubectl-maturity"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/companion"
)

func TestOwnCatalogue(t *testing.T) {
	c, err := companion.Load(maturity.Plugins)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(nil); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"polaris", "goldilocks", "nova", "kubesec"} {
		if tool(c, name) == nil {
			t.Errorf("%s is not in the catalogue", name)
		}
	}
}

func TestOwnCatalogueAgainstIDs(t *testing.T) {
	c, err := companion.Load(maturity.Plugins)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, tool := range c.Tools {
		ids = append(ids, tool.Closes...)
	}
	if err := c.Validate(ids); err != nil {
		t.Error(err)
	}
	err = c.Validate([]string{"no-such-check"})
	if err == nil || !strings.Contains(err.Error(), `tools[0].closes[0]: Not found: "liveness-missing"`) {
		t.Errorf("an ID that no check has must be named, got: %v", err)
	}
}

const good = `
apiVersion: kubectl-maturity/v1alpha1
kind: Catalogue
tools:
- name: x
  title: what it is for
  homepage: https://example.org/x
  runs: workstation
  sends: {when: never}
  closes: [image-latest]
`

func TestLoadRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"unknown field": {"  runs:", "  sents: x\n  runs:", `unknown field "sents"`},
		"repeated key":  {"  runs:", "  sends: {}\n  runs:", `key "sends" already set`},
		"other kind":    {"kind: Catalogue", "kind: Catalog", `got "Catalog"`},
		"other version": {"v1alpha1", "v2", `"kubectl-maturity/v2"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := companion.Load([]byte(replace(t, good, tc.old, tc.new)))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestValidateRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, want string }{
		"name":              {"name: x", "name: X_y", "tools[0].name"},
		"repeated name":     {"tools:\n", "tools:\n- {name: x, title: t, homepage: https://example.org, runs: ci, sends: {when: never}, helps: [a]}\n", "tools[1].name: Duplicate"},
		"no title":          {"title: what it is for", `title: ""`, "tools[0].title: Required"},
		"long title":        {"what it is for", strings.Repeat("long ", 20), "tools[0].title: Too long"},
		"plain http":        {"https://", "http://", "must be an https address"},
		"place":             {"workstation", "laptop", `Unsupported value: "laptop": supported values: "ci", "in-cluster", "workstation"`},
		"silence on upload": {"{when: never}", "{}", `tools[0].sends.when: Unsupported value: ""`},
		"unnamed upload":    {"when: never", "when: always", "tools[0].sends.what: Required"},
		"named, never sent": {"when: never", "when: never, what: x", "tools[0].sends.what: Forbidden"},
		"good for nothing":  {"closes: [image-latest]", "closes: []", "name a check, or a topic in helps"},
		"repeated ID":       {"[image-latest]", "[image-latest, image-latest]", "tools[0].closes[1]: Duplicate"},
		"krew name":         {"runs:", "krew: a/b\n  runs:", "tools[0].krew"},
		"command":           {"runs:", "commands: [/bin/x]\n  runs:", "tools[0].commands[0]"},
		"unseen in cluster": {"workstation", "in-cluster", "tools[0].traces: Required"},
		"empty trace":       {"runs:", "traces: [{}]\n  runs:", "exactly one of"},
		"two in one trace":  {"runs:", "traces: [{crd: a.b, namespaceLabel: a=b}]\n  runs:", "exactly one of"},
		"namespace label":   {"runs:", "traces: [{namespaceLabel: a}]\n  runs:", "must be one KEY=VALUE"},
		"crd":               {"runs:", "traces: [{crd: A B}]\n  runs:", "tools[0].traces[0].crd"},
		"any workload":      {"runs:", "traces: [{workload: {labels: {}}}]\n  runs:", "any workload would match"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := companion.Load([]byte(replace(t, good, tc.old, tc.new)))
			if err != nil {
				t.Fatal(err)
			}
			err = c.Validate(nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	c, err := companion.Load([]byte(good))
	if err == nil {
		err = c.Validate([]string{"image-latest"})
	}
	if err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func TestFind(t *testing.T) {
	const receipt = `
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata: {name: kubesec-scan}
spec: {version: v1.1.0, shortDescription: x, newFieldOfALaterKrew: 1}
status: {source: {name: default}}
`
	kubesec := companion.Tool{Name: "kubesec", Krew: "kubesec-scan"}
	polaris := companion.Tool{Name: "polaris", Commands: []string{"polaris"}}
	for name, tc := range map[string]struct {
		tool    companion.Tool
		receipt string
		onPath  string
		want    companion.Here
		unknown string
	}{
		"nowhere":          {tool: kubesec},
		"krew":             {tool: kubesec, receipt: receipt, want: companion.Here{Krew: &companion.Installed{Version: "v1.1.0", Index: "default"}}},
		"krew and PATH":    {tool: kubesec, receipt: receipt, onPath: "kubectl-kubesec_scan", want: companion.Here{Krew: &companion.Installed{Version: "v1.1.0", Index: "default"}, Path: "/p/kubectl-kubesec_scan"}},
		"other index":      {tool: kubesec, receipt: strings.Replace(receipt, "default", "mine", 1), want: companion.Here{Krew: &companion.Installed{Version: "v1.1.0", Index: "mine"}}},
		"no index":         {tool: kubesec, receipt: strings.Replace(receipt, "{name: default}", "{}", 1), want: companion.Here{Krew: &companion.Installed{Version: "v1.1.0", Index: "default"}}},
		"PATH":             {tool: kubesec, onPath: "kubectl-kubesec", want: companion.Here{Path: "/p/kubectl-kubesec"}},
		"own command":      {tool: polaris, onPath: "polaris", want: companion.Here{Path: "/p/polaris"}},
		"not a krew tool":  {tool: polaris, receipt: receipt},
		"broken receipt":   {tool: kubesec, receipt: "a: [", unknown: "cannot read krew's receipt"},
		"someone else's":   {tool: kubesec, receipt: strings.Replace(receipt, "kubesec-scan", "other", 1), unknown: `it names plugin "other"`},
		"receipt in vain":  {tool: kubesec, receipt: "{}", unknown: `version ""`},
		"broken, but PATH": {tool: kubesec, receipt: "a: [", onPath: "kubectl-kubesec", want: companion.Here{Path: "/p/kubectl-kubesec"}, unknown: "cannot read"},
	} {
		t.Run(name, func(t *testing.T) {
			m := companion.Machine{KrewRoot: t.TempDir(), LookPath: func(name string) (string, error) {
				if name == tc.onPath {
					return "/p/" + name, nil
				}
				return "", errors.New("not found")
			}}
			if tc.receipt != "" {
				file := filepath.Join(m.KrewRoot, "receipts", "kubesec-scan.yaml")
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(tc.receipt), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got := m.Find(tc.tool)
			if (tc.unknown == "") != (got.Unknown == "") || !strings.Contains(got.Unknown, tc.unknown) {
				t.Errorf("unknown: got %q, want %q", got.Unknown, tc.unknown)
			}
			if got.Path != tc.want.Path || (got.Krew == nil) != (tc.want.Krew == nil) || got.Krew != nil && *got.Krew != *tc.want.Krew {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
			if got.Found() != (tc.want.Krew != nil || tc.want.Path != "") {
				t.Errorf("found: %v", got.Found())
			}
		})
	}
}

func TestThisMachine(t *testing.T) {
	t.Setenv("KREW_ROOT", "/somewhere")
	if m, err := companion.ThisMachine(); err != nil || m.KrewRoot != "/somewhere" {
		t.Errorf("got %q, %v", m.KrewRoot, err)
	}
	t.Setenv("KREW_ROOT", "")
	t.Setenv("HOME", "/home/me")
	t.Setenv("USERPROFILE", "/home/me")
	if m, err := companion.ThisMachine(); err != nil || m.KrewRoot != filepath.Join("/home/me", ".krew") {
		t.Errorf("got %q, %v", m.KrewRoot, err)
	}
}

func tool(c *companion.Catalogue, name string) *companion.Tool {
	for i := range c.Tools {
		if c.Tools[i].Name == name {
			return &c.Tools[i]
		}
	}
	return nil
}

func replace(t *testing.T, s, from, to string) string {
	t.Helper()
	if !strings.Contains(s, from) {
		t.Fatalf("%q is not in the text", from)
	}
	return strings.Replace(s, from, to, 1)
}
