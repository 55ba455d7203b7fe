package engine

import (
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/revision"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Changed is what the newest revision of a workload changed that has to do with a verdict.
type Changed struct {
	Workload snapshot.Ref
	From, To revision.Revision
	Fields   []revision.Change // the closest to the verdict first
	Others   int               // how many more fields changed, that have nothing to do with it
}

// changed finds what was changed before a verdict came about: nil where the verdict is not of the newest
// revision, or where nothing that was changed can have to do with it. Where it is of the newest, the
// verdict's evidence says how both revisions do.
func changed(s *snapshot.Snapshot, f *rule.Finding) *Changed {
	workload, _ := s.Lookup(f.Object.GroupKind(), f.Object.Namespace, f.Object.Name)
	if f.History || workload == nil || len(workload.Templates) == 0 {
		return nil
	}
	d := revision.Last(s, workload)
	if d == nil || !ofNewest(s, f, d) {
		return nil
	}
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: workload.Ref, Field: "status", Text: d.Sides()})
	c := &Changed{Workload: workload.Ref, From: d.From, To: d.To}
	near := map[string]int{}
	for _, change := range d.Changes {
		n := nearness(f, change)
		if n == 0 {
			c.Others++
			continue
		}
		near[change.Named] = n
		c.Fields = append(c.Fields, change)
	}
	if len(c.Fields) == 0 {
		return nil
	}
	sort.SliceStable(c.Fields, func(i, j int) bool { return near[c.Fields[i].Named] > near[c.Fields[j].Named] })
	return c
}

// ofNewest tells whether a finding shows on pods of the newest revision, or on the workload itself while
// that revision is not ready.
func ofNewest(s *snapshot.Snapshot, f *rule.Finding, d *revision.Diff) bool {
	pod, _ := s.Lookup(f.Seen.GroupKind(), f.Seen.Namespace, f.Seen.Name)
	if pod == nil || pod.Pod() == nil {
		return d.To.Ready == 0
	}
	if owner := s.Owner(pod); owner != nil && owner.Same(d.To.Object.Ref) {
		return true
	}
	hash := pod.Meta.GetLabels()[appsv1.ControllerRevisionHashLabelKey]
	return hash != "" && strings.HasSuffix(d.To.Object.Name, hash)
}

const (
	near = iota + 1 // of the same container, or of the pod where the verdict is
	same            // the very setting, or one that it belongs to
)

// nearness tells how much a change has to do with a finding; 0 is nothing.
func nearness(f *rule.Finding, c revision.Change) int {
	path := c.Path.String()
	if f.Field != nil && within(path, f.Field.String()) {
		return same
	}
	for _, m := range f.Marks {
		if within(path, m.Field.String()) {
			return same
		}
	}
	_, rest, ok := strings.Cut(c.Named, "ontainers[")
	container, setting, _ := strings.Cut(rest, "]")
	switch {
	case !ok && strings.HasPrefix(path, "spec.template.metadata"):
		return 0
	case !ok, f.Seen.Container != "" && container == f.Seen.Container:
		return near
	case f.Seen.Container == "" && (strings.HasPrefix(setting, ".resources") || strings.HasPrefix(setting, ".ports")):
		return near // what a scheduler looks at
	}
	return 0
}

// within tells whether one of two paths leads to the other.
func within(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return strings.HasPrefix(b, a) && (len(a) == len(b) || b[len(a)] == '.' || b[len(a)] == '[')
}

// revisions asks for what a workload's controller keeps of older revisions, where there can be any.
func (c *chain) revisions(o *snapshot.Object) {
	if o == nil || !revision.Numbered(o) {
		return
	}
	switch o.GroupKind() {
	case snapshot.DeploymentKind:
		c.selected(o, snapshot.ReplicaSetKind)
	case snapshot.StatefulSetKind, snapshot.DaemonSetKind:
		c.selected(o, snapshot.ControllerRevisionKind)
	}
}
