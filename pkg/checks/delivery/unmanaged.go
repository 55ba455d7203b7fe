package delivery

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Unmanaged finds workloads of a cluster that no tool keeps.
var Unmanaged = rule.Check{
	ID: "unmanaged", Title: "no tool keeps it", Doc: rule.ReadDoc(docs, "unmanaged.md"),
	Dimension: rule.Delivery, Severity: rule.Low, Off: true, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool {
		switch p.Object.GroupKind() {
		case snapshot.PodKind, snapshot.ReplicaSetKind, snapshot.JobKind: // naked-pod speaks of the first; what ends is made anew
			return false
		}
		return seenOnCluster(p.Object) && len(p.Object.Meta.GetOwnerReferences()) == 0 && !scaledToZero(p.Object)
	},
	Run: func(p *rule.Pass) {
		o := p.Object
		names := writerNames(o)
		labels, annotations := o.Meta.GetLabels(), o.Meta.GetAnnotations()
		if knowledge.KeptBy(labels, annotations, names).Tool != "" || knowledge.AddonOf(labels, annotations, names) != "" {
			return
		}
		if len(o.Managers) == 0 {
			p.Unknown("no label names a tool, and who wrote it was not read")
			return
		}
		var applied, byHand *snapshot.FieldManager
		for i := range o.Managers {
			m := &o.Managers[i]
			if !m.Wrote("spec") {
				continue
			}
			switch {
			case fromFiles(m):
				applied = later(applied, m)
			case m.Name != "node-fetch" && knowledge.ByHand(m.Name, m.Applied): // an operator in JavaScript has that name too
				byHand = later(byHand, m)
			case m.Name == "kube-controller-manager":
			default: // an operator, a pipeline with a client of its own, or something with a screen
				p.Unknown("%q wrote it, which may be a tool that keeps it", m.Name)
				return
			}
		}
		f := rule.Finding{NoField: "what is missing stands nowhere"}
		switch {
		case applied != nil:
			f.Message = fmt.Sprintf("written with kubectl apply%s, from somewhere: nothing in the cluster says which files these are, and nobody puts them back", on(applied))
			f.Evidence = wrote(o, applied)
		case byHand != nil:
			f.Message = fmt.Sprintf("made by hand, with %s%s: no file says how to make it again", knowledge.Hand(byHand.Name), on(byHand))
			f.Evidence = wrote(o, byHand)
		default:
			p.Unknown("no label names a tool, and nobody is recorded who wrote its spec")
			return
		}
		if strings.EqualFold(labels["app.kubernetes.io/managed-by"], "helm") {
			f.RuledOut = []string{"that helm keeps it: it has the label of a chart, and not the annotation of a release"}
		}
		fix := rule.Fix{
			Title: "put its manifest into Git, and let Argo CD, Flux or helm apply it from there", Applicability: rule.NeedsThought,
			Caution: "what the server filled in does not belong into the file; whoever takes it over may start its pods anew",
		}
		if !p.Files {
			fix.Command = []string{"get", o.String(), "-o", "yaml"}
		}
		p.Report(f).WithFix(fix)
	},
}

// seenOnCluster tells whether an object is one that a server has kept, also in a file: of a manifest nobody knows who
// will apply it.
func seenOnCluster(o *snapshot.Object) bool {
	return o.Origin == nil || o.Meta.GetUID() != "" || len(o.Managers) > 0
}

// scaledToZero tells whether a workload is to have no pods.
func scaledToZero(o *snapshot.Object) bool {
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		return t.Spec.Replicas != nil && *t.Spec.Replicas == 0
	case *appsv1.StatefulSet:
		return t.Spec.Replicas != nil && *t.Spec.Replicas == 0
	}
	if o.Content == nil {
		return false
	}
	v, _ := o.At("spec", "replicas")
	n, ok := snapshot.WholeIn(v)
	return ok && n == 0
}

// writerNames are the field managers that hold more of an object than labels and annotations: what only adds some does not
// keep it.
func writerNames(o *snapshot.Object) []string {
	var names []string
	for _, m := range o.Managers {
		if m.Wrote("spec") || m.Wrote("data") || m.Wrote("binaryData") {
			names = append(names, m.Name)
		}
	}
	return names
}

// fromFiles tells whether a field manager is kubectl apply, of which nobody knows who calls it.
func fromFiles(m *snapshot.FieldManager) bool {
	switch m.Name {
	case "kubectl-client-side-apply", "kubectl-last-applied", "before-first-apply":
		return true
	}
	return m.Name == "kubectl" && m.Applied
}

// later is the field manager that wrote last.
func later(a, b *snapshot.FieldManager) *snapshot.FieldManager {
	if a == nil || b.Time.After(a.Time) {
		return b
	}
	return a
}

// minuteUTC is a time as the API writes it, without seconds.
const minuteUTC = "2006-01-02 15:04Z"

// on words when a field manager wrote last: " on 2026-01-02 15:04Z".
func on(m *snapshot.FieldManager) string {
	if m.Time.IsZero() {
		return ""
	}
	return " on " + m.Time.UTC().Format(minuteUTC)
}

func wrote(o *snapshot.Object, m *snapshot.FieldManager) []rule.Evidence {
	return []rule.Evidence{{Source: rule.FromSpec, Object: o.Ref, Field: "metadata.managedFields", Time: m.Time, Text: "field manager " + m.Name}}
}
