package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/krew/pkg/constants"
	"sigs.k8s.io/krew/pkg/index"
	"sigs.k8s.io/yaml"
)

const root = "../../.."

var archives = map[string]string{
	"linux/amd64":   "kubectl-maturity_v0.1.0_linux_amd64.tar.gz",
	"linux/arm64":   "kubectl-maturity_v0.1.0_linux_arm64.tar.gz",
	"darwin/amd64":  "kubectl-maturity_v0.1.0_darwin_amd64.tar.gz",
	"darwin/arm64":  "kubectl-maturity_v0.1.0_darwin_arm64.tar.gz",
	"windows/amd64": "kubectl-maturity_v0.1.0_windows_amd64.zip",
}

// dist is a folder with an archive per platform; its content does not matter here.
func dist(t *testing.T, without ...string) string {
	t.Helper()
	dir := t.TempDir()
	for platform, name := range archives {
		if slices.Contains(without, platform) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(platform), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func own(t *testing.T, dist string) options {
	t.Helper()
	return options{template: filepath.Join(root, ".krew.yaml"), dist: dist, tag: "v0.1.0"}
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// manifest decodes strictly: an unknown field would be one that krew ignores.
func manifest(t *testing.T, o options) index.Plugin {
	t.Helper()
	data, err := render(o)
	if err != nil {
		t.Fatal(err)
	}
	var p index.Plugin
	if err := yaml.UnmarshalStrict(data, &p); err != nil {
		t.Fatalf("%v\nin:\n%s", err, data)
	}
	return p
}

func TestManifest(t *testing.T) {
	p := manifest(t, own(t, dist(t)))
	if p.APIVersion != constants.CurrentAPIVersion || p.Kind != constants.PluginKind || p.Name != "maturity" {
		t.Errorf("got %s %s %q", p.APIVersion, p.Kind, p.Name)
	}
	if v, err := version.ParseSemantic(p.Spec.Version); err != nil || p.Spec.Version != "v"+v.String() {
		t.Errorf("version %q: %v", p.Spec.Version, err)
	}
	if !strings.HasPrefix(p.Spec.Homepage, "https://") {
		t.Errorf("homepage %q", p.Spec.Homepage)
	}
	// krew's rules for the tagline: a few words, no full stop, and none that every plugin could say.
	short := p.Spec.ShortDescription
	if len(strings.Fields(short)) > 6 || len(short) > 50 || strings.HasSuffix(short, ".") || regexp.MustCompile(`(?i)kubectl|plugin|kubernetes`).MatchString(short) {
		t.Errorf("shortDescription %q", short)
	}
	for _, word := range []string{"kubectl_complete-maturity", "~/.local/bin", "uninstall"} {
		if !strings.Contains(p.Spec.Caveats, word) {
			t.Errorf("the caveats do not mention %s", word)
		}
	}
	var got []string
	for _, pl := range p.Spec.Platforms {
		platform := pl.Selector.MatchLabels["os"] + "/" + pl.Selector.MatchLabels["arch"]
		got = append(got, platform)
		if want := "https://github.com/kubectl-maturity/kubectl-maturity/releases/download/v0.1.0/" + archives[platform]; pl.URI != want {
			t.Errorf("%s: uri %s, want %s", platform, pl.URI, want)
		}
		if pl.Sha256 != sum(platform) {
			t.Errorf("%s: sha256 %s, want %s", platform, pl.Sha256, sum(platform))
		}
		bin := "kubectl-maturity"
		if strings.HasPrefix(platform, "windows/") {
			bin += ".exe"
		}
		files := []index.FileOperation{{From: bin, To: "."}, {From: "LICENSE", To: "."}}
		if pl.Bin != bin || !slices.Equal(pl.Files, files) {
			t.Errorf("%s: bin %s, files %v; want %s, %v", platform, pl.Bin, pl.Files, bin, files)
		}
	}
	slices.Sort(got)
	if want := []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64"}; !slices.Equal(got, want) {
		t.Errorf("platforms %v, want %v", got, want)
	}
}

func TestMissingArchive(t *testing.T) {
	o := own(t, dist(t, "linux/arm64"))
	if _, err := render(o); err == nil || !strings.Contains(err.Error(), archives["linux/arm64"]) {
		t.Errorf("the archive that is missing must be named, got: %v", err)
	}
	o.partial = true
	for _, pl := range manifest(t, o).Spec.Platforms {
		none := strings.Trim(pl.Sha256, "f") == ""
		if missing := strings.Contains(pl.URI, "linux_arm64"); none != missing || len(pl.Sha256) != 64 {
			t.Errorf("%s: sha256 %s", pl.URI, pl.Sha256)
		}
	}
}

func TestBaseURL(t *testing.T) {
	o := own(t, dist(t))
	o.baseURL = "http://127.0.0.1:8000/"
	if got := manifest(t, o).Spec.Platforms[0].URI; got != "http://127.0.0.1:8000/"+archives["linux/amd64"] {
		t.Errorf("got %s", got)
	}
}

func TestRefuses(t *testing.T) {
	o := own(t, dist(t))
	o.tag = "0.1.0"
	if _, err := render(o); err == nil || !strings.Contains(err.Error(), "-tag") {
		t.Errorf("a tag without v: %v", err)
	}
	o.tag, o.template = "v0.1.0", filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(o.template, []byte("{{ .Tag }}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := render(o); err == nil {
		t.Error("a field that krew-release-bot does not know must fail")
	}
}

// TestArchiveNames holds the names that goreleaser gives to those that the manifest expects.
func TestArchiveNames(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		Builds   []struct{ Binary string }
		Archives []struct {
			NameTemplate    string `json:"name_template"`
			WrapInDirectory bool   `json:"wrap_in_directory"`
			Files           []struct{ Src string }
		}
		Krews []any
	}
	if err := yaml.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Builds) != 1 || g.Builds[0].Binary != "kubectl-maturity" || len(g.Archives) != 1 || len(g.Krews) != 0 {
		t.Fatalf("got %+v", g)
	}
	a := g.Archives[0]
	name := strings.NewReplacer("{{ .Version }}", "0.1.0", "{{ .Os }}", "linux", "{{ .Arch }}", "amd64").Replace(a.NameTemplate)
	if name+".tar.gz" != archives["linux/amd64"] || a.WrapInDirectory || len(a.Files) == 0 || a.Files[0].Src != "LICENSE" {
		t.Errorf("got %s, %+v", name, a)
	}
}
