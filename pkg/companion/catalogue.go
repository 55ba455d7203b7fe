// Package companion knows the tools that go on where the plugin stops: which there are, what each
// of them closes, what it sends, and whether it is on this machine. It never installs or runs one.
package companion

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// The version and the kind that a catalogue must name.
const (
	APIVersion = "kubectl-maturity/v1alpha1"
	Kind       = "Catalogue"
)

// Catalogue lists the companion tools.
type Catalogue struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Tools      []Tool `json:"tools"`
}

// Tool is one companion.
type Tool struct {
	Name     string `json:"name"`
	Title    string `json:"title"` // what it is for, in a few words: one cell of a table
	Homepage string `json:"homepage"`
	// Landscape is the tool's category in the CNCF landscape, when it is listed there.
	Landscape string `json:"landscape,omitempty"`
	// Krew is the name in krew's default index; empty when krew does not have the tool.
	Krew string `json:"krew,omitempty"`
	// Commands are executables that it comes with, beside kubectl-NAME.
	Commands []string `json:"commands,omitempty"`
	Runs     Place    `json:"runs"`
	Sends    Sends    `json:"sends"`
	// Closes names the checks whose setting the tool refuses, repairs, measures or watches.
	Closes []string `json:"closes,omitempty"`
	// Helps names, in words, what no check of ours looks at.
	Helps  []string `json:"helps,omitempty"`
	Traces []Trace  `json:"traces,omitempty"`
}

// Sends says what leaves the machine or the cluster.
type Sends struct {
	When When `json:"when"`
	// What is sent, where to, and how to prevent it; empty when it is never sent.
	What string `json:"what,omitempty"`
}

// When is how much it takes to make a tool send something away.
type When string

// From a tool that sends nothing to one that sends something each time it is used.
const (
	Never  When = "never"
	IfTold When = "if-told"
	Always When = "always"
)

// Place is where a tool does its work.
type Place string

// The places.
const (
	InCluster   Place = "in-cluster"
	Workstation Place = "workstation"
	CI          Place = "ci"
)

// Trace is one thing in a cluster that shows the tool's presence, which is not yet its use. Exactly
// one field is set; of a tool's traces any one suffices, the cheapest to look for stands first.
type Trace struct {
	NamespaceLabel string         `json:"namespaceLabel,omitempty"` // KEY=VALUE
	CRD            string         `json:"crd,omitempty"`
	Workload       *WorkloadTrace `json:"workload,omitempty"`
}

// WorkloadTrace is a workload that carries all of these labels.
type WorkloadTrace struct {
	Labels map[string]string `json:"labels"`
}

// String words the trace for a person.
func (t Trace) String() string {
	switch {
	case t.NamespaceLabel != "":
		return "namespace label " + t.NamespaceLabel
	case t.CRD != "":
		return "CRD " + t.CRD
	case t.Workload != nil:
		return "workload labels " + labels.FormatLabels(t.Workload.Labels)
	}
	return "no trace"
}

// Load reads a catalogue. A field it does not know is an error: a typo would hide a tool's trace.
func Load(data []byte) (*Catalogue, error) {
	c := &Catalogue{}
	if err := yaml.UnmarshalStrict(data, c); err != nil {
		return nil, fmt.Errorf("cannot read the catalogue: %w", err)
	}
	if c.APIVersion != APIVersion || c.Kind != Kind {
		return nil, fmt.Errorf("expected a %s of %s, got %q of %q", Kind, APIVersion, c.Kind, c.APIVersion)
	}
	return c, nil
}

var (
	krewName = regexp.MustCompile(`^[\w-]+$`) // krew's own rule for names
	places   = sets.New(InCluster, Workstation, CI)
	whens    = sets.New(Never, IfTold, Always)
)

// maxTitle keeps a row of the table within 100 columns.
const maxTitle = 36

// Validate returns what is wrong with the catalogue, every mistake of it. Given the IDs of the
// registered checks it also demands that each ID in a tool's closes is one of them.
func (c *Catalogue) Validate(checkIDs []string) error {
	var errs field.ErrorList
	known, seen := sets.New(checkIDs...), sets.New[string]()
	for i, t := range c.Tools {
		at := field.NewPath("tools").Index(i)
		if seen.Has(t.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), t.Name))
		}
		seen.Insert(t.Name)
		errs = append(errs, t.validate(at)...)
		for j, id := range t.Closes {
			if known.Len() > 0 && !known.Has(id) {
				errs = append(errs, field.NotFound(at.Child("closes").Index(j), id))
			}
		}
	}
	return errs.ToAggregate()
}

func (t Tool) validate(at *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, problem := range validation.IsDNS1123Label(t.Name) {
		errs = append(errs, field.Invalid(at.Child("name"), t.Name, problem))
	}
	switch {
	case t.Title == "":
		errs = append(errs, field.Required(at.Child("title"), "says what the tool is for"))
	case len(t.Title) > maxTitle:
		errs = append(errs, field.TooLong(at.Child("title"), t.Title, maxTitle))
	}
	if u, err := url.Parse(t.Homepage); err != nil || u.Scheme != "https" || u.Host == "" {
		errs = append(errs, field.Invalid(at.Child("homepage"), t.Homepage, "must be an https address"))
	}
	if t.Krew != "" && !krewName.MatchString(t.Krew) {
		errs = append(errs, field.Invalid(at.Child("krew"), t.Krew, "must be a plugin's name, as in 'kubectl krew install NAME'"))
	}
	for i, name := range t.Commands {
		if name == "" || name != filepath.Base(name) {
			errs = append(errs, field.Invalid(at.Child("commands").Index(i), name, "must be the name of an executable, without a folder"))
		}
	}
	if !places.Has(t.Runs) {
		errs = append(errs, field.NotSupported(at.Child("runs"), t.Runs, sets.List(places)))
	}
	switch sends := at.Child("sends"); {
	case !whens.Has(t.Sends.When):
		errs = append(errs, field.NotSupported(sends.Child("when"), t.Sends.When, sets.List(whens)))
	case t.Sends.When != Never && t.Sends.What == "":
		errs = append(errs, field.Required(sends.Child("what"), "says what is sent, and where to"))
	case t.Sends.When == Never && t.Sends.What != "":
		errs = append(errs, field.Forbidden(sends.Child("what"), "it is never sent"))
	}
	if len(t.Closes)+len(t.Helps) == 0 {
		errs = append(errs, field.Required(at.Child("closes"), "name a check, or a topic in helps"))
	}
	errs = append(errs, repeated(at.Child("closes"), t.Closes)...)
	errs = append(errs, repeated(at.Child("helps"), t.Helps)...)
	for i, id := range t.Closes {
		for _, problem := range validation.IsDNS1123Label(id) {
			errs = append(errs, field.Invalid(at.Child("closes").Index(i), id, problem))
		}
	}
	if t.Runs == InCluster && len(t.Traces) == 0 {
		errs = append(errs, field.Required(at.Child("traces"), "says how a tool that runs in the cluster is seen there"))
	}
	for i, trace := range t.Traces {
		errs = append(errs, trace.validate(at.Child("traces").Index(i))...)
	}
	return errs
}

func (t Trace) validate(at *field.Path) field.ErrorList {
	var errs field.ErrorList
	set := 0
	if t.NamespaceLabel != "" {
		set++
		if pair, err := labels.ConvertSelectorToLabelsMap(t.NamespaceLabel); err != nil || len(pair) != 1 {
			errs = append(errs, field.Invalid(at.Child("namespaceLabel"), t.NamespaceLabel, "must be one KEY=VALUE"))
		}
	}
	if t.CRD != "" {
		set++
		for _, problem := range validation.IsDNS1123Subdomain(t.CRD) {
			errs = append(errs, field.Invalid(at.Child("crd"), t.CRD, problem))
		}
	}
	if t.Workload != nil {
		set++
		if len(t.Workload.Labels) == 0 {
			errs = append(errs, field.Required(at.Child("workload", "labels"), "any workload would match"))
		}
	}
	if set != 1 {
		errs = append(errs, field.Forbidden(at, "a trace is exactly one of namespaceLabel, crd, workload"))
	}
	return errs
}

func repeated(at *field.Path, words []string) field.ErrorList {
	var errs field.ErrorList
	for i, w := range words {
		if slices.Contains(words[:i], w) {
			errs = append(errs, field.Duplicate(at.Index(i), w))
		}
	}
	return errs
}
