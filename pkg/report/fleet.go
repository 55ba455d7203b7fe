package report

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
)

// The verdicts of a fact in several clusters.
const (
	VerdictSame    = string(model.Same)
	VerdictDiffers = string(model.Differs)
	VerdictMissing = string(model.Missing)
)

// Fleet is where several clusters stand on the maturity model, and where what is set up in them differs. Its JSON Schema
// is fleet.schema.json, beside this file.
type Fleet struct {
	metav1.TypeMeta `json:",inline"`

	At        metav1.Time    `json:"at"`                  // the latest clock of its clusters
	Namespace string         `json:"namespace,omitempty"` // "" is the whole cluster
	Contexts  []FleetContext `json:"contexts"`
	Standard  []FleetRow     `json:"standard"`
}

// FleetContext is the cluster of a context, or why it could not be read.
type FleetContext struct {
	Context string `json:"context"`
	Error   string `json:"error,omitempty"`
	Level   *Level `json:"level,omitempty"`
}

// FleetRow is one fact of what is set up for everybody, in the clusters that could be read. What is about a namespace is
// compared where that is there.
type FleetRow struct {
	Topic   string            `json:"topic"`
	Name    string            `json:"name"`
	Verdict string            `json:"verdict"` // same | differs | missing | unknown
	Values  map[string]string `json:"values"`  // by context, where it is there
	Missing []string          `json:"missing,omitempty"`
	Unknown map[string]string `json:"unknown,omitempty"` // why nobody can tell, by context
}

// NewFleet puts clusters side by side that were read, or not. standards are those of the contexts that were.
func NewFleet(namespace string, contexts []FleetContext, standards map[string]*model.Standard) *Fleet {
	f := &Fleet{
		TypeMeta:  metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: "Fleet"},
		Namespace: namespace, Contexts: contexts, Standard: []FleetRow{},
	}
	for _, c := range contexts {
		if c.Level != nil && f.At.Before(&c.Level.At) {
			f.At = c.Level.At
		}
	}
	for _, row := range model.Compare(standards) {
		f.Standard = append(f.Standard, FleetRow{Topic: row.Topic, Name: row.Name, Verdict: string(row.Verdict), Values: masked(row.Values), Missing: row.Missing, Unknown: row.Unknown})
	}
	return f
}

// Read are the contexts whose clusters could be read.
func (f *Fleet) Read() []string {
	var names []string
	for _, c := range f.Contexts {
		if c.Level != nil {
			names = append(names, c.Context)
		}
	}
	return names
}

// Of are the rows with a verdict, in their order.
func (f *Fleet) Of(verdict string) []FleetRow {
	return slices.DeleteFunc(slices.Clone(f.Standard), func(r FleetRow) bool { return r.Verdict != verdict })
}

// Twice are contexts that lead to one cluster, each with the first that does.
func (f *Fleet) Twice() [][2]string {
	var pairs [][2]string
	first := map[string]string{}
	for _, c := range f.Contexts {
		if c.Level == nil || c.Level.ClusterUID == "" {
			continue
		}
		uid := c.Level.ClusterUID
		if first[uid] != "" {
			pairs = append(pairs, [2]string{first[uid], c.Context})
		}
		first[uid] = cmp.Or(first[uid], c.Context)
	}
	return pairs
}

// Evaluated tells whether all clusters could be read, and the server failed to list nothing of them.
func (f *Fleet) Evaluated() bool {
	return !slices.ContainsFunc(f.Contexts, func(c FleetContext) bool {
		return c.Level == nil || slices.ContainsFunc(c.Level.NotEvaluated, func(n NotEvaluated) bool { return n.Fatal })
	})
}

// DeepCopyObject implements runtime.Object. Printers change nothing below the first level.
func (f *Fleet) DeepCopyObject() runtime.Object {
	c := *f
	return &c
}

// masked are values without what looks like a credential.
func masked(values map[string]string) map[string]string {
	out := make(map[string]string, len(values))
	for k, v := range values {
		out[k] = knowledge.Mask(v)
	}
	return out
}
