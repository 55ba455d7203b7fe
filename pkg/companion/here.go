package companion

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/krew/pkg/constants"
	"sigs.k8s.io/krew/pkg/index"
	"sigs.k8s.io/yaml"
)

// Machine is where tools are looked for.
type Machine struct {
	// KrewRoot is krew's folder: its receipts say what is installed.
	KrewRoot string
	// LookPath finds an executable by name.
	LookPath func(name string) (string, error)
}

// ThisMachine is the machine as krew and the shell see it: $KREW_ROOT or ~/.krew, and PATH.
func ThisMachine() (Machine, error) {
	m := Machine{KrewRoot: os.Getenv("KREW_ROOT"), LookPath: exec.LookPath}
	if m.KrewRoot == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return m, fmt.Errorf("cannot find krew's folder: %w", err)
		}
		m.KrewRoot = filepath.Join(home, ".krew")
	}
	return m, nil
}

// Here is what one look at the machine found of a tool.
type Here struct {
	Krew *Installed `json:"krew,omitempty"`
	Path string     `json:"path,omitempty"` // the executable on PATH; it was not run
	// Unknown says why the look is incomplete; then "not found" is no answer.
	Unknown string `json:"unknown,omitempty"`
}

// Installed is what krew's receipt says.
type Installed struct {
	Version string `json:"version"`
	Index   string `json:"index"` // "detached" when installed from a manifest
}

// Found tells whether anything of the tool is on the machine.
func (h Here) Found() bool { return h.Krew != nil || h.Path != "" }

// HasKrew tells whether krew itself can be called.
func (m Machine) HasKrew() bool {
	return m.lookPath(executable(constants.KrewPluginName)) != ""
}

// Find looks for a tool: by krew's receipt, then for its executables on PATH.
func (m Machine) Find(t Tool) Here {
	var here Here
	names := append([]string{executable(t.Name)}, t.Commands...)
	if t.Krew != "" {
		var err error
		if here.Krew, err = m.receipt(t.Krew); err != nil {
			here.Unknown = err.Error()
		}
		names = append([]string{executable(t.Krew)}, names...)
	}
	for _, name := range names {
		if here.Path = m.lookPath(name); here.Path != "" {
			break
		}
	}
	return here
}

// executable is the file that kubectl runs for a plugin: dashes would be words of the command.
func executable(plugin string) string {
	return "kubectl-" + strings.ReplaceAll(plugin, "-", "_")
}

func (m Machine) lookPath(name string) string {
	path, err := m.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// receipt reads what krew wrote at the installation; nil when the plugin is not installed. Fields
// of a newer krew are no reason to fail, so it is not read strictly.
func (m Machine) receipt(plugin string) (*Installed, error) {
	file := filepath.Join(m.KrewRoot, "receipts", plugin+constants.ManifestExtension)
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("cannot read krew's receipt: %w", err)
	}
	var r index.Receipt
	if err := yaml.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("cannot read krew's receipt %s: %w", file, err)
	}
	if r.Name != plugin || r.Spec.Version == "" {
		return nil, fmt.Errorf("cannot read krew's receipt %s: it names plugin %q, version %q", file, r.Name, r.Spec.Version)
	}
	in := &Installed{Version: r.Spec.Version, Index: r.Status.Source.Name}
	if in.Index == "" { // receipts older than krew 0.4 do not name one
		in.Index = constants.DefaultIndexName
	}
	return in, nil
}
