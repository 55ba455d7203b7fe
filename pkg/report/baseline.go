package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Baseline is what was found once: `check --baseline` tells only what is new since. What is broken now is in
// none.
type Baseline struct {
	metav1.TypeMeta `json:",inline"`

	Findings []Known `json:"findings"`
}

// Known is a finding of a baseline. Only the fingerprint counts; the rest is for whoever reads a change of it.
type Known struct {
	Fingerprint string `json:"fingerprint"`
	Rule        string `json:"rule"`
	Namespace   string `json:"namespace,omitempty"`
	Object      string `json:"object"`
	Message     string `json:"message"`
}

// Compared is how a report differs from a baseline.
type Compared struct {
	File  string `json:"file"`
	Known int    `json:"known"` // findings that are in it, and are not listed
	Gone  int    `json:"gone"`  // entries of it that are no finding any more

	Written bool `json:"written,omitempty"` // by this run
}

const baselineKind = "Baseline"

// NewBaseline holds the settings that a report has findings of, in a stable order.
func NewBaseline(r *Report) *Baseline {
	b := &Baseline{TypeMeta: metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: baselineKind}, Findings: []Known{}}
	for _, f := range r.Findings {
		if f.isSetting() {
			b.Findings = append(b.Findings, Known{Fingerprint: f.Fingerprint, Rule: f.Rule, Namespace: f.Object.Namespace, Object: f.Object.String(), Message: f.Message})
		}
	}
	slices.SortFunc(b.Findings, func(a, b Known) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Object, b.Object), strings.Compare(a.Rule, b.Rule),
			strings.Compare(a.Fingerprint, b.Fingerprint), strings.Compare(a.Message, b.Message))
	})
	b.Findings = slices.CompactFunc(b.Findings, func(a, b Known) bool { return a.Fingerprint == b.Fingerprint })
	return b
}

// isSetting tells what checks found from what is broken now.
func (f *Finding) isSetting() bool { return f.Dimension != "" }

// Marshal is the text of a baseline: one line for each finding, so that a change of it is easy to read.
func (b *Baseline) Marshal() ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n  \"apiVersion\": %q,\n  \"kind\": %q,\n  \"findings\": [", b.APIVersion, b.Kind)
	for i, f := range b.Findings {
		line, err := plainJSON(f)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n    ")
		out.Write(line)
	}
	if len(b.Findings) > 0 {
		out.WriteString("\n  ")
	}
	out.WriteString("]\n}\n")
	return out.Bytes(), nil
}

// plainJSON leaves < and > as people write them.
func plainJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// ParseBaseline reads a baseline.
func ParseBaseline(name string, data []byte) (*Baseline, error) {
	b := &Baseline{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(b)
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: empty, and no baseline", name)
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("%s:%d: no baseline: %w", name, 1+bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n")), err)
	case err != nil:
		return nil, fmt.Errorf("%s: no baseline: %s", name, strings.TrimPrefix(err.Error(), "json: "))
	case b.APIVersion != GroupVersion.String() || b.Kind != baselineKind:
		return nil, fmt.Errorf("%s: no baseline: it must have apiVersion %s and kind %s", name, GroupVersion, baselineKind)
	}
	return b, nil
}

// Without takes out of the report what a baseline knows already. keep lets through what was judged, nil is
// everything; complete says that there is nothing else. An entry of what was not judged is not gone.
func (b *Builder) Without(base *Baseline, file string, res engine.Result, keep func(*snapshot.Object) bool, complete bool) {
	known, here := map[string]bool{}, map[string]bool{}
	for _, k := range base.Findings {
		known[k.Fingerprint] = true
	}
	c := &Compared{File: file}
	kept := []Finding{}
	for _, f := range b.Report.Findings {
		if f.isSetting() && known[f.Fingerprint] {
			here[f.Fingerprint] = true
			c.Known++
			continue
		}
		kept = append(kept, f)
	}
	for _, w := range b.Report.Waivers {
		here[w.Fingerprint] = true
	}
	judged := b.judged(res, keep, complete)
	for _, k := range base.Findings {
		if !here[k.Fingerprint] && judged(k) {
			c.Gone++
		}
	}
	b.Report.Findings, b.Report.Baseline = kept, c
}

// judged tells of an entry of a baseline whether its rule came to a verdict on its object, or there is none.
func (b *Builder) judged(res engine.Result, keep func(*snapshot.Object) bool, complete bool) func(Known) bool {
	type object struct{ namespace, name string }
	type verdict struct {
		rule string
		object
	}
	seen, ran, unknown := map[object]bool{}, map[string]bool{}, map[verdict]bool{}
	for _, o := range b.Snapshot.All() {
		if keep == nil || keep(o) {
			seen[object{o.Namespace, o.String()}] = true
		}
	}
	for _, t := range res.Tallies {
		ran[t.Rule] = true
		for _, u := range t.Unknown {
			unknown[verdict{t.Rule, object{u.Object.Namespace, u.Object.String()}}] = true
		}
	}
	return func(k Known) bool {
		at := object{k.Namespace, k.Object}
		if _, exists := b.Titles[k.Rule]; !exists {
			return true
		}
		return (complete || seen[at]) && ran[k.Rule] && !unknown[verdict{k.Rule, at}]
	}
}
