// Package model is the maturity model as gates that anybody can verify: which phase a team's clusters are in, side
// by side for each dimension of running well, and the one gate that holds each back. What is counted is a check; the
// model names checks, how many of the objects that they apply to must pass, and where each demand comes from.
package model

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
)

// APIVersion and Kind are the head of a model file.
const (
	APIVersion = "kubectl-maturity/v1alpha1"
	Kind       = "Model"
)

// Model is phases, dimensions, and the gates between them.
type Model struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Version    string      `json:"version"` // of the gates: another one may place the same cluster otherwise
	About      string      `json:"about,omitempty"`
	Phases     []Phase     `json:"phases"` // in the order in which teams go through them
	Dimensions []Dimension `json:"dimensions"`
	Sources    []Source    `json:"sources"`
	Gates      []Gate      `json:"gates"`
	Lists      []List      `json:"lists,omitempty"`
}

// List is something to know of a cluster that holds nothing back: what a check finds is listed beside the placement.
type List struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Check string `json:"check"`
	About string `json:"about,omitempty"`
}

// Phase is a stretch of the way.
type Phase struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Number   int      `json:"number"` // among the seven of the first publication
	About    string   `json:"about,omitempty"`
	Requires []string `json:"requires,omitempty"` // dimensions that must have come so far for the whole to have
}

// Dimension is a side of running well.
type Dimension struct {
	ID    string `json:"id"`
	About string `json:"about,omitempty"`
}

// Source is a publication that gates are taken from.
type Source struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Gate is one demand. It holds where at least AtLeast per cent of the objects that its checks apply to pass them.
type Gate struct {
	ID        string   `json:"id"`
	Dimension string   `json:"dimension"`
	Phase     string   `json:"phase"` // whose part it is: who is in the phase has passed it
	Asks      string   `json:"asks"`  // what must hold, as a sentence
	Checks    []string `json:"checks,omitempty"`
	Any       bool     `json:"any,omitempty"`      // one of the checks is enough for an object
	Kinds     []string `json:"kinds,omitempty"`    // only objects of these kinds count; none: all
	Served    bool     `json:"served,omitempty"`   // only workloads count that a Service leads to
	AtLeast   int      `json:"atLeast,omitempty"`  // per cent; 100 where it is not said
	Cluster   bool     `json:"cluster,omitempty"`  // it asks something of the cluster, and nothing of a namespace
	Declared  bool     `json:"declared,omitempty"` // nothing in the API shows it: somebody must say so
	Indirect  bool     `json:"indirect,omitempty"` // the API shows that something is there, and not that it serves its purpose
	Exit      bool     `json:"exit,omitempty"`     // one of the few that tell the phases apart first
	Sources   []string `json:"sources"`
	Why       string   `json:"why"`            // what the sources say, in our words
	Step      string   `json:"step"`           // what closes it
	Note      string   `json:"note,omitempty"` // what it cannot know
}

// Needed is the share of objects that must pass, in per cent.
func (g *Gate) Needed() int {
	if g.AtLeast == 0 {
		return 100
	}
	return g.AtLeast
}

//go:embed model.yaml
var embedded embed.FS

// Default is the model that comes with the program.
func Default() (*Model, error) {
	data, err := embedded.ReadFile("model.yaml")
	if err != nil {
		return nil, err
	}
	return Parse("model.yaml", data)
}

// Parse reads a model file. The error names the file and holds all that is wrong with it but for the checks that
// gates name: see Unknown.
func Parse(name string, data []byte) (*Model, error) {
	m := &Model{}
	if err := yaml.UnmarshalStrict(data, m); err != nil {
		return nil, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "error unmarshaling JSON: "))
	}
	if errs := m.validate(); len(errs) > 0 {
		for i := range errs {
			errs[i] = fmt.Errorf("%s: %w", name, errs[i])
		}
		return nil, utilerrors.NewAggregate(errs)
	}
	return m, nil
}

func (m *Model) validate() (errs []error) {
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if m.APIVersion != APIVersion || m.Kind != Kind {
		return []error{errors.New("a model starts with apiVersion: " + APIVersion + " and kind: " + Kind)}
	}
	if m.Version == "" {
		fail("it has no version")
	}
	if len(m.Phases) == 0 || len(m.Dimensions) == 0 {
		fail("it has no phases or no dimensions")
	}
	phases, dimensions, sources := ids(m.Phases, func(p Phase) string { return p.ID }), ids(m.Dimensions, func(d Dimension) string { return d.ID }), ids(m.Sources, func(s Source) string { return s.ID })
	known := func(gate, field, value string, list []string) {
		if slices.Contains(list, value) {
			return
		}
		if near := knowledge.Nearest(value, list); near != "" {
			fail("%s: unknown %s %q; did you mean %s?", gate, field, value, near)
			return
		}
		fail("%s: unknown %s %q: known are %s", gate, field, value, strings.Join(list, ", "))
	}
	for _, list := range [][]string{phases, dimensions, sources, ids(m.Gates, func(g Gate) string { return g.ID })} {
		for i, id := range list {
			if slices.Contains(list[:i], id) {
				fail("%q is there twice", id)
			}
		}
	}
	for i, l := range m.Lists {
		if l.ID == "" || l.Title == "" || l.Check == "" {
			fail("lists[%d]: lacks id, title or check", i)
		}
	}
	for _, p := range m.Phases {
		for _, d := range p.Requires {
			known("phase "+p.ID, "dimension", d, dimensions)
		}
	}
	for i, g := range m.Gates {
		at := "gate " + g.ID
		if g.ID == "" {
			at = fmt.Sprintf("gates[%d]", i)
			fail("%s: has no id", at)
		}
		known(at, "phase", g.Phase, phases)
		known(at, "dimension", g.Dimension, dimensions)
		for _, s := range g.Sources {
			known(at, "source", s, sources)
		}
		switch {
		case len(g.Sources) == 0:
			fail("%s: names no source", at)
		case g.Asks == "" || g.Why == "" || g.Step == "":
			fail("%s: lacks asks, why or step", at)
		case g.Declared == (len(g.Checks) > 0):
			fail("%s: must either name checks or be declared", at)
		case g.AtLeast < 0 || g.AtLeast > 100:
			fail("%s: atLeast is %d and must be a percentage", at, g.AtLeast)
		}
	}
	return errs
}

func ids[T any](list []T, id func(T) string) []string {
	out := make([]string, 0, len(list))
	for _, item := range list {
		out = append(out, id(item))
	}
	return out
}

// Checks are the ids of what the gates count and the lists show, sorted.
func (m *Model) Checks() []string {
	var list []string
	for _, g := range m.Gates {
		list = append(list, g.Checks...)
	}
	for _, l := range m.Lists {
		list = append(list, l.Check)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Unknown tells which checks a model, read from a file of that name, asks for that are not among those that are known.
func (m *Model) Unknown(name string, known []string) error {
	var errs []error
	must := func(at, id string) {
		if slices.Contains(known, id) {
			return
		}
		text := fmt.Sprintf("%s: %s: unknown check %q", name, at, id)
		if near := knowledge.Nearest(id, known); near != "" {
			text += fmt.Sprintf("; did you mean %s?", near)
		}
		errs = append(errs, errors.New(text))
	}
	for _, g := range m.Gates {
		for _, id := range g.Checks {
			must("gate "+g.ID, id)
		}
	}
	for _, l := range m.Lists {
		must("list "+l.ID, l.Check)
	}
	return utilerrors.NewAggregate(errs)
}

// Gate is the gate of a name, or nil.
func (m *Model) Gate(id string) *Gate {
	i := slices.IndexFunc(m.Gates, func(g Gate) bool { return g.ID == id })
	if i < 0 {
		return nil
	}
	return &m.Gates[i]
}

// before is where a team is that has not passed the first phase with gates: what it does there shows in no API.
func (m *Model) before() Phase {
	for i, p := range m.Phases {
		if slices.ContainsFunc(m.Gates, func(g Gate) bool { return g.Phase == p.ID }) && i > 0 {
			return m.Phases[i-1]
		}
	}
	return m.Phases[0]
}

// index is the place of a phase in the order.
func (m *Model) index(phase string) int {
	return slices.IndexFunc(m.Phases, func(p Phase) bool { return p.ID == phase })
}
