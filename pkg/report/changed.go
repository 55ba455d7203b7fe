package report

import (
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/revision"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// changed words what was changed before a verdict came about, and how to go back.
func (b *Builder) changed(d engine.Diagnosis) *Changed {
	c := d.Changed
	if c == nil {
		return nil
	}
	out := &Changed{Object: c.Workload, From: revisionOf(c.From), To: revisionOf(c.To), Others: c.Others}
	workload, _ := b.Snapshot.Lookup(c.Workload.GroupKind(), c.Workload.Namespace, c.Workload.Name)
	for _, f := range c.Fields {
		field := ChangedField{Field: f.Named, Before: f.Before, After: f.After}
		if workload != nil {
			field.SetBy = setBy(workload, f.Path.String())
		}
		out.Fields = append(out.Fields, field)
	}
	if workload == nil || says(d, "rollout undo") {
		return out
	}
	if !keeperOf(workload).Undoes && mayHaveWorked(c, workload) {
		out.Undo = b.Command(c.Workload.Namespace, "rollout", "undo", c.Workload.String(), "--to-revision="+strconv.FormatInt(c.From.Number, 10))
	}
	return out
}

// mayHaveWorked tells whether the revision before is one to go back to: its pods are ready or, where the new
// one has taken their place before it was ready itself, nothing speaks against it. A rolling update takes
// ready pods away only for ready ones, and others whenever it likes.
func mayHaveWorked(c *engine.Changed, workload *snapshot.Object) bool {
	switch t := workload.Typed.(type) {
	case *appsv1.Deployment:
		if t.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
			return c.From.Ready > 0
		}
	case *appsv1.StatefulSet, *appsv1.DaemonSet:
	default:
		return c.From.Ready > 0
	}
	return c.From.Ready > 0 || c.From.Pods == 0 && c.To.Ready == 0
}

// says tells whether the verdict's own fix has the words.
func says(d engine.Diagnosis, words string) bool {
	fix := d.Findings[0].Fix
	return fix != nil && strings.Contains(strings.Join(append([]string{strings.Join(fix.Command, " ")}, fix.Lines...), "\n"), words)
}

func revisionOf(r revision.Revision) Revision {
	return Revision{Number: r.Number, At: metav1.NewTime(r.At), ReadyPods: r.Ready}
}

// setBy is who wrote a field of an object last; nil where nobody is recorded.
func setBy(o *snapshot.Object, field string) *SetBy {
	m := o.ManagerOf(field)
	if m == nil {
		return nil
	}
	by := &SetBy{Manager: knowledge.Writer(m.Name)}
	if !m.Time.IsZero() {
		at := metav1.NewTime(m.Time)
		by.At = &at
	}
	return by
}
