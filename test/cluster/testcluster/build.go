package testcluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// module is one Go module below test/cluster/mods: what is built from it stays out of the product's
// go.mod.
type module struct {
	dir string
	// path is the module that holds the programs, version the line of versions.env that pins it.
	path, version string
	// staging modules are replaced with their published versions, as Kubernetes' own go.mod replaces
	// them with its folders.
	staging bool
	// stamp gives the linker flags that tell a program its version; nil where it knows.
	stamp    func(version string) string
	programs []program
}

// program is one binary, and the package it is built from.
type program struct {
	name, pkg string
	kinds     []Kind // of clusters that need it; nil for all of them
}

func (p program) neededBy(kind Kind) bool { return p.kinds == nil || slices.Contains(p.kinds, kind) }

var modules = []module{
	{
		dir: "etcd", path: "go.etcd.io/etcd/server/v3", version: "ETCD_VERSION",
		programs: []program{{name: "etcd", pkg: "go.etcd.io/etcd/server/v3"}},
	},
	{
		dir: "k8s", path: "k8s.io/kubernetes", version: kubernetesVersion, staging: true, stamp: kubernetesStamp,
		programs: []program{
			{name: "kube-apiserver", pkg: "k8s.io/kubernetes/cmd/kube-apiserver"},
			{name: "kube-controller-manager", pkg: "k8s.io/kubernetes/cmd/kube-controller-manager"},
			{name: "kube-scheduler", pkg: "k8s.io/kubernetes/cmd/kube-scheduler"},
			{name: "kubelet", pkg: "k8s.io/kubernetes/cmd/kubelet", kinds: []Kind{NodeKind}},
		},
	},
	{
		dir: "metrics-server", path: "sigs.k8s.io/metrics-server", version: "METRICS_SERVER_VERSION",
		programs: []program{{name: "metrics-server", pkg: "sigs.k8s.io/metrics-server/cmd/metrics-server", kinds: []Kind{NodeKind}}},
	},
	{
		dir: "kwok", path: "sigs.k8s.io/kwok", version: "KWOK_VERSION", stamp: kwokStamp,
		programs: []program{{name: "kwok", pkg: "sigs.k8s.io/kwok/cmd/kwok", kinds: []Kind{ScaleKind}}},
	},
}

const kubernetesVersion = "KUBERNETES_VERSION"

// kubernetesStamp is what Kubernetes' own build passes: without it a server calls itself v0.0.0, and
// clients refuse it.
func kubernetesStamp(version string) string {
	numbers := strings.Split(strings.TrimPrefix(version, "v"), ".")
	const pkg = "k8s.io/component-base/version"
	var flags []string
	for _, f := range [][2]string{
		{"gitVersion", version}, {"gitMajor", numbers[0]}, {"gitMinor", numbers[1]},
		{"gitTreeState", "clean"}, {"buildDate", "1970-01-01T00:00:00Z"},
	} {
		flags = append(flags, fmt.Sprintf("-X %s.%s=%s", pkg, f[0], f[1]))
	}
	return strings.Join(flags, " ")
}

// kwokStamp lets its nodes tell their version.
func kwokStamp(version string) string { return "-X sigs.k8s.io/kwok/pkg/consts.Version=" + version }

// source is a checkout of this repository, with the versions that it pins.
type source struct {
	dir      string // test/cluster
	versions map[string]string
}

// findSource looks for the repository upwards from the working folder: go test runs in the folder of
// the package, go run anywhere.
func findSource() (*source, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		candidate := filepath.Join(dir, "test", "cluster")
		versions, err := readVersions(filepath.Join(candidate, "versions.env"))
		if err == nil {
			return &source{dir: candidate, versions: versions}, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil, errors.New("no test/cluster/versions.env in the working folder or above it: run this inside the repository")
		}
		dir = parent
	}
}

func readVersions(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for line := range strings.SplitSeq(string(data), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			versions[name] = strings.TrimSpace(value)
		}
	}
	for _, m := range modules {
		if versions[m.version] == "" {
			return nil, fmt.Errorf("%s does not say %s", file, m.version)
		}
	}
	return versions, nil
}

// cacheDir is where everything stays that takes long to make.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "kubectl-maturity"), nil
}

// binDir holds the programs of one version of Kubernetes, built by one version of Go.
func (s *source) binDir() (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	compiler := strings.ReplaceAll(runtime.Version(), " ", "-")
	return filepath.Join(cache, "kubernetes", s.versions[kubernetesVersion], compiler), nil
}

// file is where a program lies once it is built. Kubernetes' version is that of the folder; others
// carry their own.
func (m *module) file(s *source, binDir string, p program) string {
	if m.version == kubernetesVersion {
		return filepath.Join(binDir, p.name)
	}
	return filepath.Join(binDir, p.name+"-"+s.versions[m.version])
}

// programsOf finds the programs of a kind of cluster, and names those that are not built.
// KUBEBUILDER_ASSETS, where it has a program, is preferred.
func (s *source) programsOf(kind Kind) (found map[string]string, missing []string, err error) {
	binDir, err := s.binDir()
	if err != nil {
		return nil, nil, err
	}
	found = map[string]string{}
	for _, m := range modules {
		for _, p := range m.programs {
			if !p.neededBy(kind) {
				continue
			}
			file := m.file(s, binDir, p)
			if assets := os.Getenv("KUBEBUILDER_ASSETS"); assets != "" && isFile(filepath.Join(assets, p.name)) {
				file = filepath.Join(assets, p.name)
			}
			if !isFile(file) {
				missing = append(missing, p.name)
			}
			found[p.name] = file
		}
	}
	return found, missing, nil
}

// builtPrograms are the programs of a kind of cluster, which must be there.
func (s *source) builtPrograms(kind Kind) (map[string]string, error) {
	programs, missing, err := s.programsOf(kind)
	if err == nil && len(missing) > 0 {
		err = &UnavailableError{fmt.Sprintf("%s not built: 'make cluster-build' does it, in minutes", strings.Join(missing, ", "))}
	}
	return programs, err
}

func isFile(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular()
}

// Build builds the programs of kinds of clusters that are not in the cache, and for a node its images
// too. It tells log what it does: a first build takes minutes.
func Build(ctx context.Context, kinds []Kind, log io.Writer) error {
	s, err := findSource()
	if err != nil {
		return err
	}
	start, built := time.Now(), 0
	for _, kind := range kinds {
		n, err := s.build(ctx, kind, log)
		if err != nil {
			return err
		}
		built += n
		if kind != NodeKind {
			continue
		}
		for _, image := range nodeImages {
			if _, err := s.buildImage(ctx, image, log); err != nil {
				return err
			}
		}
	}
	if built > 0 {
		fmt.Fprintf(log, "built %d programs in %s\n", built, time.Since(start).Round(time.Second))
	}
	return nil
}

// build builds what a kind of cluster lacks, and counts it.
func (s *source) build(ctx context.Context, kind Kind, log io.Writer) (int, error) {
	_, missing, err := s.programsOf(kind)
	if err != nil || len(missing) == 0 {
		return 0, err
	}
	binDir, err := s.binDir()
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(binDir, 0o750); err != nil {
		return 0, err
	}
	release, err := lockFile(ctx, filepath.Join(binDir, "build.lock"), log, "another process builds Kubernetes: waiting for it")
	if err != nil {
		return 0, err
	}
	defer release()
	killed, err := filepath.Glob(filepath.Join(binDir, "*"+unfinished))
	if err != nil {
		return 0, err
	}
	for _, file := range killed {
		_ = os.Remove(file)
	}
	// Who held the lock may have built them.
	if _, missing, err = s.programsOf(kind); err != nil {
		return 0, err
	}
	for _, m := range modules {
		for _, p := range m.programs {
			if slices.Contains(missing, p.name) {
				if err := s.buildProgram(ctx, m, p, m.file(s, binDir, p), log); err != nil {
					return 0, err
				}
			}
		}
	}
	return len(missing), nil
}

func (s *source) buildProgram(ctx context.Context, m module, p program, file string, log io.Writer) error {
	version := s.versions[m.version]
	fmt.Fprintf(log, "building %s %s (minutes the first time, Go's build cache makes it seconds later) ...\n", p.name, version)
	ldflags := "-s -w"
	if m.stamp != nil {
		ldflags += " " + m.stamp(version)
	}
	start := time.Now()
	if err := goBuild(ctx, filepath.Join(s.dir, "mods", m.dir), p.pkg, ldflags, file); err != nil {
		return fmt.Errorf("building %s %s: %w", p.name, version, err)
	}
	fmt.Fprintf(log, "built %s %s in %s\n", p.name, version, time.Since(start).Round(time.Second))
	return nil
}

// unfinished is how the file of a build ends that goes on, or was killed.
const unfinished = ".tmp"

// goBuild builds a static program. It is there whole or not at all: whoever looks for it may do so
// at any moment.
func goBuild(ctx context.Context, dir, pkg, ldflags, file string) error {
	temporary := fmt.Sprintf("%s.%d%s", file, os.Getpid(), unfinished)
	defer func() { _ = os.Remove(temporary) }()
	// -trimpath lets modules in different folders share Go's build cache.
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", temporary, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if err := run(cmd); err != nil {
		return err
	}
	return os.Rename(temporary, file)
}

// run runs a command, which ends with this process, and puts the end of its output into the error.
func run(cmd *exec.Cmd) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &out, &out, childAttr()
	if cmd.Cancel != nil {
		cmd.Cancel = func() error { killGroup(cmd.Process.Pid); return nil }
	}
	err := spawn()(cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, lastLines(out.String(), 20))
	}
	return nil
}

func lastLines(text string, n int) string {
	var lines []string
	scanner := bufio.NewScanner(strings.NewReader(text))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
