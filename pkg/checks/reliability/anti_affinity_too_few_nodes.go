package reliability

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AntiAffinityTooFewNodes finds replicas that must keep apart, and for which there are not enough nodes.
var AntiAffinityTooFewNodes = rule.Check{
	ID: "anti-affinity-too-few-nodes", Title: "replicas must keep apart, and nodes are too few", Doc: rule.ReadDoc(docs, "anti_affinity_too_few_nodes.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Workloads,
	Needs: []schema.GroupKind{snapshot.NodeKind, snapshot.HPAKind},
	// Manifests rarely come with the nodes they are for.
	Applies: func(p *rule.Pass) bool {
		s, ok := scaleOf(p, p.Object)
		return ok && s.count > 1 && keptApart(p.Object) != nil && (!p.Files || len(p.List(snapshot.NodeKind, "")) > 0)
	},
	Run: func(p *rule.Pass) {
		a := keptApart(p.Object)
		s, ok := scaleOf(p, p.Object)
		if a == nil || !ok || growing(p.Snapshot) {
			return
		}
		places, countable := placesFor(p, a, s.count)
		if !countable || places == 0 { // that no node will do is another fault
			return
		}
		what := "nodes"
		if a.term.TopologyKey != corev1.LabelHostname {
			what = "places of " + a.term.TopologyKey
		}
		f := rule.Finding{Field: a.path, Value: a.term.TopologyKey, Certainty: rule.Likely, Label: "one replica in each of these, and no more"}
		switch {
		case s.count > places:
			f.Message = fmt.Sprintf("%s must keep apart, and there are %d %s that they may run on: %d stay Pending", rule.Count(s.count, "replica"), places, what, s.count-places)
		case s.count == places && needsExtra(p.Object, a, s.count):
			f.Message = fmt.Sprintf("%s must keep apart, and there are %d %s that they may run on: a rollout starts an extra one first, which finds no place, so no rollout ever ends",
				rule.Count(s.count, "replica"), places, what)
		default:
			return
		}
		f.Evidence = []rule.Evidence{{Source: rule.FromStatus, Object: snapshot.Ref{APIVersion: "v1", Kind: "Node"}, Text: fmt.Sprintf("%d %s fit its nodeSelector, affinity and tolerations", places, what)}}
		p.Report(f).WithFix(rule.Fix{
			Title:         "prefer to keep apart instead of requiring it, or let a rollout stop one first (maxSurge 0, maxUnavailable 1)",
			Caution:       "what must never share a node - copies of the same data - keeps the rule, and needs more nodes or fewer replicas",
			Applicability: rule.NeedsThought,
			YAML: "podAntiAffinity:\n  preferredDuringSchedulingIgnoredDuringExecution:\n  - weight: 100\n    podAffinityTerm:\n      topologyKey: " + a.term.TopologyKey +
				"\n      labelSelector: " + selectorText(a.term.LabelSelector) + "\n",
		})
	},
}

// selectorText words a selector as YAML on one line.
func selectorText(ls *metav1.LabelSelector) string {
	if ls == nil || len(ls.MatchExpressions) > 0 {
		return "<AS_IT_IS>"
	}
	return "{matchLabels: " + flow(ls.MatchLabels) + "}"
}

// apart is a required anti-affinity of pods against their own kind.
type apart struct {
	term corev1.PodAffinityTerm
	path *field.Path // of its topologyKey
	spec *corev1.PodSpec
}

// keptApart finds the anti-affinity by which two pods of an object may not be in one place; nil for none.
func keptApart(o *snapshot.Object) *apart {
	if len(o.Templates) != 1 {
		return nil
	}
	t := o.Templates[0]
	if t.Spec.Affinity == nil || t.Spec.Affinity.PodAntiAffinity == nil {
		return nil
	}
	path := t.SpecPath().Child("affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	for i, term := range t.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		if len(term.Namespaces) > 0 && !slices.Contains(term.Namespaces, o.Namespace) || len(term.MismatchLabelKeys) > 0 {
			continue
		}
		selector, err := snapshot.SelectorOf(term.LabelSelector)
		if err == nil && selector.Matches(labels.Set(t.Labels)) {
			return &apart{term, path.Index(i).Child("topologyKey"), t.Spec}
		}
	}
	return nil
}

// placesFor counts the places in which the pods may run, and stops once there are more than enough. It is not
// countable where a node without the label takes any number of them.
func placesFor(p *rule.Pass, a *apart, enough int) (places int, countable bool) {
	required := nodeaffinity.GetRequiredNodeAffinity(&corev1.Pod{Spec: *a.spec})
	seen := map[string]bool{}
	for _, o := range p.List(snapshot.NodeKind, "") {
		n, ok := o.Typed.(*corev1.Node)
		if !ok || n.DeletionTimestamp != nil {
			continue
		}
		if fits, err := required.Match(n); err != nil || !fits || !toleratesAll(a.spec.Tolerations, n) {
			continue
		}
		value, has := n.Labels[a.term.TopologyKey]
		if !has {
			return 0, false
		}
		if seen[value] = true; len(seen) > enough {
			break
		}
	}
	return len(seen), true
}

// toleratesAll tells whether pods with these tolerations may be placed on a node; taints that come and go with
// its state do not count against it. The operators Lt and Gt are taken to tolerate.
func toleratesAll(list []corev1.Toleration, n *corev1.Node) bool {
	for _, t := range n.Spec.Taints {
		if t.Effect == corev1.TaintEffectPreferNoSchedule || strings.HasPrefix(t.Key, "node.kubernetes.io/") {
			continue
		}
		if rule.TolerationFor(t, list) < 0 {
			return false
		}
	}
	return true
}

// needsExtra tells whether a rollout must start a pod beside all the old ones.
func needsExtra(o *snapshot.Object, a *apart, count int) bool {
	d, ok := o.Typed.(*appsv1.Deployment)
	if !ok || d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType || slices.Contains(a.term.MatchLabelKeys, appsv1.DefaultDeploymentUniqueLabelKey) {
		return false
	}
	var u appsv1.RollingUpdateDeployment
	if d.Spec.Strategy.RollingUpdate != nil {
		u = *d.Spec.Strategy.RollingUpdate
	}
	_, unavailable := rollingNumbers(u.MaxSurge, u.MaxUnavailable, count)
	return unavailable == 0
}

// growingKey is the key under which growing keeps what it found.
type growingKey struct{}

// growing tells whether something adds nodes when pods find no place.
func growing(s *snapshot.Snapshot) bool {
	return snapshot.Derived(s, growingKey{}, func() bool {
		if o, _ := s.Lookup(snapshot.ConfigMapKind, "kube-system", "cluster-autoscaler-status"); o != nil {
			return true
		}
		if o, _ := s.Lookup(snapshot.DeploymentKind, "kube-system", "cluster-autoscaler"); o != nil {
			return true
		}
		if len(s.List(snapshot.NodePoolKind, "")) > 0 {
			return true
		}
		for _, o := range s.List(snapshot.DeploymentKind, "") { // charts name it after their release
			for _, t := range o.Templates {
				for _, c := range t.Containers() {
					if knowledge.ImageBase(c.Image) == "cluster-autoscaler" {
						return true
					}
				}
			}
		}
		for _, o := range s.List(snapshot.NodeKind, "") {
			for key, value := range o.Meta.GetLabels() {
				if strings.HasPrefix(key, "karpenter.sh/") || key == "eks.amazonaws.com/compute-type" && value == "auto" {
					return true
				}
			}
		}
		return false
	})
}
