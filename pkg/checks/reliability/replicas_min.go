package reliability

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ReplicasMin finds Services that a single pod stands behind.
var ReplicasMin = rule.Check{
	ID: "replicas-min", Title: "one replica behind a Service", Doc: rule.ReadDoc(docs, "replicas_min.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Needs: []schema.GroupKind{snapshot.ServiceKind, snapshot.HPAKind}, Numbers: map[string]rule.Number{"replicas": {Value: 2, Least: 2, Most: 100}},
	Applies: func(p *rule.Pass) bool {
		s, ok := scaleOf(p, p.Object)
		return ok && (s.count > 0 || s.object != p.Object) && (len(servicesInFront(p)) > 0 || unread(p, snapshot.ServiceKind) != "")
	},
	Run: func(p *rule.Pass) {
		s, _ := scaleOf(p, p.Object)
		if s.count >= p.Number("replicas") || sharedRole(p) != nil { // of which spof-shared speaks
			return
		}
		services := depending(p, servicesInFront(p))
		if len(services) == 0 { // others answer too
			return
		}
		f := rule.Finding{
			Object:  s.object.Ref,
			Field:   s.field,
			Message: fmt.Sprintf("a single replica stands behind %s: when its pod or its node goes, nothing answers", names(services)),
			Label:   "one pod is all there is",
		}
		want := p.Number("replicas")
		switch {
		case s.count > 1: // only where somebody asked for more
			f.Message = fmt.Sprintf("%d replicas stand behind %s, and maturity.yaml asks for %d", s.count, names(services), want)
			f.Label = fmt.Sprintf("fewer than %d", want)
		case onlyMetrics(services):
			f.Severity = rule.Low
			f.Message = fmt.Sprintf("a single replica stands behind %s, from which metrics are read: while its pod or its node is away, nobody does its work", names(services))
		case s.object != p.Object && s.count == 0:
			f.Message = fmt.Sprintf("%s may scale %s behind %s down to none: the first requests after that find nobody", s.object, p.Object, names(services))
			f.Severity = rule.Low
		case s.object != p.Object:
			f.Message = fmt.Sprintf("%s scales %s behind %s down to a single replica: when its pod or its node goes, nothing answers", s.object, p.Object, names(services))
		}
		if s.unset {
			f.Message += fmt.Sprintf(" (%s is not set, and %d by default)", last(s.field), s.count)
		} else {
			f.Value = fmt.Sprint(s.count)
		}
		if d, ok := p.Object.Typed.(*appsv1.Deployment); ok && d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
			f.Message += "; strategy Recreate stops it at every rollout too"
		}
		p.Report(f).WithFix(moreOf(p, s, want))
	},
	Peers: map[string][]string{
		"popeye": {"POP-1109"}, "polaris": {"deploymentMissingReplicas", "hpaMinAvailability"}, "kube-score": {"deployment-replicas", "horizontalpodautoscaler-replicas"},
		"kube-linter": {"minimum-three-replicas", "hpa-minimum-three-replicas"},
	},
}

// moreOf is how to run more copies. A number alone does not make them of a database, whose second server knows nothing
// of the first, nor of what shares a claim that one node may mount.
func moreOf(p *rule.Pass, s scale, want int) rule.Fix {
	fix := rule.Fix{
		Title:         fmt.Sprintf("run %d, on different nodes", want),
		Caution:       "two copies must be able to work side by side: sessions, locks, and volumes that only one node may mount speak against it",
		Applicability: rule.NeedsThought,
		Object:        s.object.Ref,
	}
	for _, t := range p.Object.Templates {
		for _, c := range t.Containers() {
			if db := knowledge.DatabaseOf(c.Image, c.Command, c.Args); db != nil && !c.Init {
				fix.Title = fmt.Sprintf("set up the replication of %s itself, as its operator does", db.Name)
				fix.Caution = "more replicas alone are servers that know nothing of each other, or that write into the same files; where one is enough, keep its backups at hand"
				return fix
			}
		}
		if claim := exclusiveClaim(p, t); claim != "" {
			fix.Title = fmt.Sprintf("let claim %q be mounted by several nodes (ReadWriteMany), then run %d, on different nodes", claim, want)
			return fix
		}
	}
	fix.Patch, fix.Command = rule.PutIn(s.object, s.field, int64(want)), scaleCommand(s, want)
	return fix
}

// exclusiveClaim is a claim that all pods of a template share and that pods of one node alone may mount, as far as is known.
func exclusiveClaim(p *rule.Pass, t snapshot.Template) string {
	if t.Spec == nil {
		return ""
	}
	for _, v := range t.Spec.Volumes {
		if v.PersistentVolumeClaim == nil || v.PersistentVolumeClaim.ReadOnly || ownClaim(p.Object, v.Name) {
			continue
		}
		name := v.PersistentVolumeClaim.ClaimName
		o, _ := p.Lookup(snapshot.PVCKind, p.Object.Namespace, name)
		if o == nil {
			return name
		}
		if claim, ok := o.Typed.(*corev1.PersistentVolumeClaim); !ok || !shared(claim.Spec.AccessModes) {
			return name
		}
	}
	return ""
}

// ownClaim tells whether a volume is that of a claim template, which each pod of a StatefulSet has of its own.
func ownClaim(o *snapshot.Object, volume string) bool {
	sts, ok := o.Typed.(*appsv1.StatefulSet)
	return ok && slices.ContainsFunc(sts.Spec.VolumeClaimTemplates, func(c corev1.PersistentVolumeClaim) bool { return c.Name == volume })
}

func scaleCommand(s scale, want int) []string {
	switch s.object.GroupKind() {
	case snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.ReplicaSetKind, snapshot.RCKind:
		return []string{"scale", s.object.String(), fmt.Sprintf("--replicas=%d", want)}
	}
	return []string{"patch", s.object.String(), "--type=merge", "-p", fmt.Sprintf(`{"spec":{%q:%d}}`, last(s.field), want)}
}

// servicesInFront are the Services that send traffic to any template of the object.
func servicesInFront(p *rule.Pass) []*snapshot.Object {
	for _, t := range p.Object.Templates {
		if list := p.ServicesOf(p.Object, t); len(list) > 0 {
			return list
		}
	}
	return nil
}

// depending are those of the Services in front of an object that have nobody else to answer: a canary and what it
// stands beside answer for each other.
func depending(p *rule.Pass, services []*snapshot.Object) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range services {
		svc, ok := o.Typed.(*corev1.Service)
		if ok && !slices.ContainsFunc(selected(p, labels.SelectorFromSet(svc.Spec.Selector)), func(s snapshot.Selected) bool { return answers(p, s.Object) }) {
			list = append(list, o)
		}
	}
	return list
}

// answers tells whether another object than that of the Pass has pods that serve.
func answers(p *rule.Pass, o *snapshot.Object) bool {
	if o.Same(p.Object.Ref) || o.GroupKind() == snapshot.JobKind || o.GroupKind() == snapshot.CronJobKind {
		return false
	}
	s, ok := scaleOf(p, o)
	return !ok || s.count > 0
}

// onlyMetrics tells whether Services are there for metrics alone, and nobody else asks what stands behind them.
func onlyMetrics(services []*snapshot.Object) bool {
	for _, o := range services {
		if svc, ok := o.Typed.(*corev1.Service); !ok || !knowledge.MetricsService(svc.Name, svc.Spec.Ports) {
			return false
		}
	}
	return len(services) > 0
}
