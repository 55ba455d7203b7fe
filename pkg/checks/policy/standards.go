package policy

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// control is one of the Pod Security Standards in its newest version.
type control struct {
	level api.Level
	check policy.CheckPodFn
}

// controls are the standards as Kubernetes itself judges them, in the order in which it names them.
var controls = newest(policy.DefaultChecks())

func newest(checks []policy.Check) []control {
	all := make([]control, 0, len(checks))
	for _, c := range checks {
		all = append(all, control{c.Level, c.Versions[len(c.Versions)-1].CheckPod})
	}
	return all
}

// breach is a workload whose pods a level would refuse.
type breach struct {
	object *snapshot.Object
	reason string // the standard's own words
}

// levels is what the workloads of a namespace keep to.
type levels struct {
	workloads  int
	unfit      *snapshot.Object // one whose template could not be read as it is
	baseline   []breach         // what keeps the namespace from it
	restricted []breach
}

// keeps is the strictest level that refuses none of them.
func (l levels) keeps() api.Level {
	switch {
	case len(l.baseline) > 0:
		return api.LevelPrivileged
	case len(l.restricted) > 0:
		return api.LevelBaseline
	}
	return api.LevelRestricted
}

// judged are the kinds that make pods: those of a namespace must have been read before one can say what a level would
// refuse there.
var judged = []schema.GroupKind{
	snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.CronJobKind,
}

func unread(p *rule.Pass, namespace string, kinds ...schema.GroupKind) string {
	for _, gk := range kinds {
		if !p.ListRead(gk, namespace) {
			return gk.Kind + ": " + p.ListOutcome(gk, namespace).Reason
		}
	}
	return ""
}

func levelsOf(p *rule.Pass, namespace string) levels {
	var l levels
	for _, o := range p.Workloads(namespace) {
		l.workloads++
		if o.Unfit {
			l.unfit = o
		}
		var baseline, restricted string
		for _, t := range o.Templates {
			if t.Spec == nil {
				continue
			}
			meta := &metav1.ObjectMeta{Labels: t.Labels, Annotations: t.Annotations}
			for _, c := range controls {
				if baseline != "" || c.level == api.LevelRestricted && restricted != "" {
					continue
				}
				res := c.check(meta, t.Spec)
				switch {
				case res.Allowed:
				case c.level == api.LevelBaseline:
					baseline = res.ForbiddenReason
				default:
					restricted = res.ForbiddenReason
				}
			}
		}
		switch {
		case baseline != "":
			l.baseline = append(l.baseline, breach{o, baseline})
			l.restricted = append(l.restricted, breach{o, baseline})
		case restricted != "":
			l.restricted = append(l.restricted, breach{o, restricted})
		}
	}
	return l
}

// provided tells namespaces that whoever provides the cluster makes, and keeps as they are: their labels are not the
// user's to set. Source: the labels of AKS and of the add-on manager of GKE, the names of OpenShift and GKE.
func provided(o *snapshot.Object) bool {
	labels := o.Meta.GetLabels()
	for _, start := range []string{"openshift-", "gke-managed-", "gke-gmp-", "gmp-"} {
		if strings.HasPrefix(o.Name, start) {
			return true
		}
	}
	return labels["kubernetes.azure.com/managedby"] != "" || labels["addonmanager.kubernetes.io/mode"] != ""
}
