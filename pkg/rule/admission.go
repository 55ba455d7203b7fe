package rule

import (
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AdmissionPolicy is a policy to which a cluster holds what people create, and what it does.
type AdmissionPolicy struct {
	Object  *snapshot.Object
	Judges  bool   // what breaks it is refused, or somebody is told
	Refuses bool   // what breaks it is refused
	Changes bool   // it sets defaults, or makes objects
	Signed  bool   // what it judges are the signatures of images
	Idle    string // why it does nothing at all: "no binding names it"; "" where it is in effect
	Soft    string // why it judges and refuses nothing: "it only reports"
	Unclear string // why nobody can tell whether it refuses
}

// The kinds that AdmissionPolicies looks at: those that judge, those that change, and those that judge the signatures
// of images.
var (
	JudgingKinds = []schema.GroupKind{
		snapshot.AdmissionPolicyKind, snapshot.AdmissionBindingKind, snapshot.KyvernoPolicyKind, snapshot.KyvernoClusterKind,
		snapshot.KyvernoValidatingKind, snapshot.KyvernoValidatingLocalKind, snapshot.KyvernoImagesKind, snapshot.KyvernoImagesLocalKind,
		snapshot.ConstraintTemplateKind, snapshot.KubewardenPolicyKind, snapshot.KubewardenClusterKind, snapshot.KubewardenGroupKind, snapshot.KubewardenClusterGroupKind,
	}
	ChangingKinds = []schema.GroupKind{
		snapshot.MutatingPolicyKind, snapshot.MutatingBindingKind, snapshot.KyvernoPolicyKind, snapshot.KyvernoClusterKind,
		snapshot.KyvernoMutatingKind, snapshot.KyvernoMutatingLocalKind, snapshot.KyvernoGeneratingKind, snapshot.KyvernoGeneratingLocalKind,
		snapshot.GatekeeperAssignKind, snapshot.GatekeeperMetadataKind, snapshot.GatekeeperImageKind, snapshot.GatekeeperModifySetKind,
		snapshot.KubewardenPolicyKind, snapshot.KubewardenClusterKind,
	}
	SigningKinds = []schema.GroupKind{
		snapshot.KyvernoPolicyKind, snapshot.KyvernoClusterKind, snapshot.KyvernoImagesKind, snapshot.KyvernoImagesLocalKind,
		snapshot.KubewardenPolicyKind, snapshot.KubewardenClusterKind,
	}
)

// LibraryConstraints are the kinds of the templates that most people take from Gatekeeper's own library: where they are
// read, it shows whether their constraints refuse. Source: github.com/open-policy-agent/gatekeeper-library.
func LibraryConstraints() []schema.GroupKind {
	var kinds []schema.GroupKind
	for _, kind := range []string{
		"K8sAllowedRepos", "K8sBlockNodePort", "K8sContainerLimits", "K8sContainerRequests", "K8sDisallowedTags", "K8sHttpsOnly", "K8sImageDigests",
		"K8sPSPAllowPrivilegeEscalationContainer", "K8sPSPAllowedUsers", "K8sPSPCapabilities", "K8sPSPHostFilesystem", "K8sPSPHostNamespace",
		"K8sPSPHostNetworkingPorts", "K8sPSPPrivilegedContainer", "K8sPSPReadOnlyRootFilesystem", "K8sPSPSeccomp", "K8sPSPVolumeTypes",
		"K8sReplicaLimits", "K8sRequiredAnnotations", "K8sRequiredLabels", "K8sRequiredProbes", "K8sRequiredResources",
	} {
		kinds = append(kinds, schema.GroupKind{Group: snapshot.ConstraintGroup, Kind: kind})
	}
	return kinds
}

type admissionKey struct{}

// AdmissionPolicies are the policies of a cluster, by kind and name. What belongs to whoever provides the cluster, and
// what is only about the kinds of one add-on, is left out: it came with something, and says nothing of how a team works.
func AdmissionPolicies(s *snapshot.Snapshot) []AdmissionPolicy {
	return snapshot.Derived(s, admissionKey{}, func() []AdmissionPolicy {
		var all []AdmissionPolicy
		each := func(judge func(*snapshot.Snapshot, *snapshot.Object) AdmissionPolicy, kinds ...schema.GroupKind) {
			for _, gk := range kinds {
				for _, o := range s.List(gk, "") {
					if o.Meta.GetDeletionTimestamp() != nil || Shipped(o) {
						continue
					}
					a := judge(s, o)
					a.Object = o
					all = append(all, a)
				}
			}
		}
		each(judgeOwn, snapshot.AdmissionPolicyKind)
		each(judgeKyverno, snapshot.KyvernoPolicyKind, snapshot.KyvernoClusterKind)
		each(judgeKyvernoCEL, snapshot.KyvernoValidatingKind, snapshot.KyvernoValidatingLocalKind, snapshot.KyvernoImagesKind, snapshot.KyvernoImagesLocalKind,
			snapshot.KyvernoMutatingKind, snapshot.KyvernoMutatingLocalKind, snapshot.KyvernoGeneratingKind, snapshot.KyvernoGeneratingLocalKind)
		each(judgeTemplate, snapshot.ConstraintTemplateKind)
		each(judgeKubewarden, snapshot.KubewardenPolicyKind, snapshot.KubewardenClusterKind, snapshot.KubewardenGroupKind, snapshot.KubewardenClusterGroupKind)
		each(judgeMutating, snapshot.MutatingPolicyKind)
		each(judgeMutator, snapshot.GatekeeperAssignKind, snapshot.GatekeeperMetadataKind, snapshot.GatekeeperImageKind, snapshot.GatekeeperModifySetKind)
		return all
	})
}

// Shipped tells what whoever provides the cluster made, and keeps as it is. Source: the labels of AKS and of the add-on
// manager of GKE, and the names that OpenShift, GKE, AKS and EKS give. Of kinds of others these names are anybody's.
func Shipped(o *snapshot.Object) bool {
	for _, start := range []string{"openshift-", "gke-", "aks-", "eks-"} {
		if strings.HasPrefix(o.Name, start) && (start == "openshift-" || o.Group() == snapshot.AdmissionPolicyKind.Group) {
			return true
		}
	}
	l := o.Meta.GetLabels()
	return l["kubernetes.azure.com/managedby"] != "" || l["addonmanager.kubernetes.io/mode"] != "" || strings.Contains(o.Name, ".gke.io")
}

const (
	unbound   = "no binding names it"
	onlyTells = "it only reports"
	ignores   = "failurePolicy Ignore lets pass what it cannot judge"
)

// judgeOwn judges a ValidatingAdmissionPolicy by itself and its bindings.
func judgeOwn(s *snapshot.Snapshot, o *snapshot.Object) AdmissionPolicy {
	t, ok := o.Typed.(*admissionv1.ValidatingAdmissionPolicy)
	if !ok {
		return AdmissionPolicy{Idle: "it could not be read as it is"}
	}
	if !common(t.Spec.MatchConstraints) {
		return AdmissionPolicy{Idle: "it is about the kinds of an add-on"}
	}
	a := AdmissionPolicy{Idle: unbound}
	for _, bound := range s.List(snapshot.AdmissionBindingKind, "") {
		b, ok := bound.Typed.(*admissionv1.ValidatingAdmissionPolicyBinding)
		if !ok || b.Spec.PolicyName != o.Name || bound.Meta.GetDeletionTimestamp() != nil || len(b.Spec.ValidationActions) == 0 {
			continue
		}
		if !reaches(s, t.Spec.MatchConstraints, b.Spec.MatchResources) {
			if !a.Judges {
				a.Idle = "its namespaceSelector finds no namespace of yours"
			}
			continue
		}
		a.Judges, a.Idle = true, ""
		a.Refuses = a.Refuses || len(t.Spec.Validations) > 0 && slices.Contains(b.Spec.ValidationActions, admissionv1.Deny)
	}
	switch {
	case a.Refuses && t.Spec.FailurePolicy != nil && *t.Spec.FailurePolicy == admissionv1.Ignore:
		a.Refuses, a.Soft = false, ignores
	case a.Judges && !a.Refuses:
		a.Soft = "no binding of it denies"
	}
	return a
}

// common tells rules of admission about kinds that teams deploy: those of Kubernetes itself, without the definitions of
// others' kinds, which the installers of add-ons guard.
func common(m *admissionv1.MatchResources) bool {
	if m == nil {
		return true
	}
	return slices.ContainsFunc(m.ResourceRules, func(r admissionv1.NamedRuleWithOperations) bool {
		return slices.ContainsFunc(r.APIGroups, func(group string) bool {
			return group == "*" || !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && group != "apiextensions.k8s.io" && !strings.Contains(group, ".x-k8s.io")
		})
	})
}

// reaches tells whether the namespace selectors of a policy and its binding find a namespace of somebody.
func reaches(s *snapshot.Snapshot, list ...*admissionv1.MatchResources) bool {
	var selectors []labels.Selector
	for _, m := range list {
		if m == nil || m.NamespaceSelector == nil {
			continue
		}
		selector, err := snapshot.SelectorOf(m.NamespaceSelector)
		if err != nil {
			return false
		}
		if !selector.Empty() {
			selectors = append(selectors, selector)
		}
	}
	return SelectsNamespace(s, selectors...)
}

// SelectsNamespace tells whether some namespace that is not Kubernetes' own is found by all of the selectors. Where
// namespaces were not read it says yes.
func SelectsNamespace(s *snapshot.Snapshot, selectors ...labels.Selector) bool {
	all := s.List(snapshot.NamespaceKind, "")
	if len(selectors) == 0 || len(all) == 0 {
		return true
	}
	return slices.ContainsFunc(all, func(o *snapshot.Object) bool {
		if knowledge.SystemNamespace(o.Name) {
			return false
		}
		set := labels.Merge(o.Meta.GetLabels(), labels.Set{corev1.LabelMetadataName: o.Name})
		return !slices.ContainsFunc(selectors, func(sel labels.Selector) bool { return !sel.Matches(set) })
	})
}

// judgeMutating judges a MutatingAdmissionPolicy.
func judgeMutating(s *snapshot.Snapshot, o *snapshot.Object) AdmissionPolicy {
	for _, b := range s.List(snapshot.MutatingBindingKind, "") {
		if name, _ := b.At("spec", "policyName"); name == o.Name && b.Meta.GetDeletionTimestamp() == nil {
			return AdmissionPolicy{Changes: true}
		}
	}
	return AdmissionPolicy{Idle: unbound}
}

// judgeKyverno judges a Policy or ClusterPolicy of Kyverno. Source: api/kyverno/v1 of the project: what is not set is
// Audit, Fail, and true for admission and background.
func judgeKyverno(_ *snapshot.Snapshot, o *snapshot.Object) AdmissionPolicy {
	if !StatusTrue(o, "Ready") {
		if old, _ := o.At("status", "ready"); old != true {
			return AdmissionPolicy{Idle: "its status does not say that it is ready"}
		}
	}
	spec := mapAt(o, "spec")
	admission, background := notFalse(spec["admission"]), notFalse(spec["background"])
	action, _ := spec["validationFailureAction"].(string)
	enforced := func(rule map[string]any) bool {
		own, _ := rule["failureAction"].(string)
		if own == "" {
			own = action
		}
		return strings.EqualFold(own, "Enforce") || overridden(spec["validationFailureActionOverrides"]) || overridden(rule["failureActionOverrides"])
	}
	a := AdmissionPolicy{}
	for _, rule := range snapshot.MapsIn(spec["rules"]) {
		if validate, ok := rule["validate"].(map[string]any); ok && (admission || background) {
			a.Judges = true
			a.Refuses = a.Refuses || admission && enforced(validate)
		}
		for _, images := range snapshot.MapsIn(rule["verifyImages"]) {
			signed := slices.ContainsFunc([]string{"attestors", "attestations", "key", "issuer", "roots"}, func(key string) bool { return images[key] != nil })
			if !signed || !admission && !background {
				continue
			}
			a.Judges, a.Signed = true, true
			a.Refuses = a.Refuses || admission && enforced(images)
		}
		a.Changes = a.Changes || admission && (rule["mutate"] != nil || rule["generate"] != nil)
	}
	failure, _ := spec["failurePolicy"].(string)
	if set, ok := snapshot.MapIn(spec, "webhookConfiguration")["failurePolicy"].(string); ok {
		failure = set
	}
	switch {
	case !a.Judges && !a.Changes:
		a.Idle = "no rule of it is in effect"
	case a.Refuses && failure == "Ignore":
		a.Refuses, a.Soft = false, ignores
	case a.Judges && !a.Refuses:
		a.Soft = onlyTells
	}
	return a
}

// overridden tells whether one of Kyverno's exceptions per namespace enforces.
func overridden(v any) bool {
	return slices.ContainsFunc(snapshot.MapsIn(v), func(m map[string]any) bool {
		action, _ := m["action"].(string)
		return strings.EqualFold(action, "Enforce")
	})
}

// judgeKyvernoCEL judges one of the kinds that Kyverno has beside Policy. Source: api/policies.kyverno.io of the project,
// where what is not set is Deny and Fail.
func judgeKyvernoCEL(_ *snapshot.Snapshot, o *snapshot.Object) AdmissionPolicy {
	if ready, _ := o.At("status", "conditionStatus", "ready"); ready != true {
		return AdmissionPolicy{Idle: "its status does not say that it is ready"}
	}
	spec := mapAt(o, "spec")
	evaluation := snapshot.MapIn(spec, "evaluation")
	admission, background := notFalse(snapshot.MapIn(evaluation, "admission")["enabled"]), notFalse(snapshot.MapIn(evaluation, "background")["enabled"])
	if mode, _ := evaluation["mode"].(string); mode != "" && mode != "Kubernetes" {
		return AdmissionPolicy{Idle: "it is not about objects of Kubernetes"}
	}
	switch {
	case !admission && !background:
		return AdmissionPolicy{Idle: "it is evaluated nowhere"}
	case strings.HasSuffix(o.Kind, "MutatingPolicy"), strings.HasSuffix(o.Kind, "GeneratingPolicy"):
		return AdmissionPolicy{Changes: true}
	}
	actions := snapshot.ListIn(spec["validationActions"])
	failure, _ := spec["failurePolicy"].(string)
	a := AdmissionPolicy{Judges: true, Signed: strings.HasSuffix(o.Kind, "ImageValidatingPolicy")}
	switch {
	case !admission, len(actions) > 0 && !slices.Contains(actions, any("Deny")):
		a.Soft = onlyTells
	case failure == "Ignore":
		a.Soft = ignores
	default:
		a.Refuses = true
	}
	return a
}

// judgeTemplate judges a ConstraintTemplate of Gatekeeper by the constraints that make use of it. These are of a kind
// that the template itself defines: where that was not read, they are taken to be there, and whether they refuse is
// not known. Source: frameworks/constraint of open-policy-agent, where the action is deny unless set.
func judgeTemplate(s *snapshot.Snapshot, o *snapshot.Object) AdmissionPolicy {
	if created, _ := o.At("status", "created"); created != true || faulty(o) {
		return AdmissionPolicy{Idle: "its status does not say that it works"}
	}
	name, _ := o.At("spec", "crd", "spec", "names", "kind")
	kind, _ := name.(string)
	gk := schema.GroupKind{Group: snapshot.ConstraintGroup, Kind: kind}
	constraints := s.List(gk, "")
	if len(constraints) == 0 && !s.ListRead(gk, "") {
		return AdmissionPolicy{Judges: true, Unclear: "its constraints, of the kind " + kind + ", are not read"}
	}
	a := AdmissionPolicy{Idle: "no constraint makes use of it"}
	for _, c := range constraints {
		if c.Meta.GetDeletionTimestamp() != nil || faulty(c) {
			continue
		}
		a.Judges, a.Idle = true, ""
		a.Refuses = a.Refuses || Denies(c)
		a.Signed = a.Signed || gk == snapshot.RatifyConstraintKind
	}
	if a.Judges && !a.Refuses {
		a.Soft = onlyTells
	}
	return a
}

// Denies tells whether a constraint of Gatekeeper refuses what breaks it.
func Denies(constraint *snapshot.Object) bool {
	spec := mapAt(constraint, "spec")
	action, _ := spec["enforcementAction"].(string)
	if action != "scoped" {
		return action == "" || action == "deny"
	}
	return slices.ContainsFunc(snapshot.MapsIn(spec["scopedEnforcementActions"]), func(m map[string]any) bool {
		return m["action"] == "deny" && slices.ContainsFunc(snapshot.MapsIn(m["enforcementPoints"]), func(p map[string]any) bool {
			return p["name"] == "*" || p["name"] == "validation.gatekeeper.sh"
		})
	})
}

// faulty tells whether some pod of Gatekeeper has an error with an object.
func faulty(o *snapshot.Object) bool {
	v, _ := o.At("status", "byPod")
	return slices.ContainsFunc(snapshot.MapsIn(v), func(m map[string]any) bool {
		return len(snapshot.ListIn(m["errors"])) > 0
	})
}

// judgeMutator judges what Gatekeeper changes.
func judgeMutator(_ *snapshot.Snapshot, o *snapshot.Object) AdmissionPolicy {
	if v, _ := o.At("status", "byPod"); len(snapshot.MapsIn(v)) == 0 || faulty(o) {
		return AdmissionPolicy{Idle: "its status does not say that it works"}
	}
	return AdmissionPolicy{Changes: true}
}

// judgeKubewarden judges a policy of Kubewarden. Source: api/policies/v1 of its controller: what is not set is protect
// and Fail.
func judgeKubewarden(_ *snapshot.Snapshot, o *snapshot.Object) AdmissionPolicy {
	if status, _ := o.At("status", "policyStatus"); status != "active" {
		return AdmissionPolicy{Idle: "its status does not say that it is active"}
	}
	spec := mapAt(o, "spec")
	mode, _ := spec["mode"].(string)
	failure, _ := spec["failurePolicy"].(string)
	module, _ := spec["module"].(string)
	a := AdmissionPolicy{Judges: true, Changes: spec["mutating"] == true && mode != "monitor", Signed: strings.Contains(module, "verify-image-signatures")}
	switch {
	case mode == "monitor":
		a.Soft = onlyTells
	case failure == "Ignore":
		a.Soft = ignores
	default:
		a.Refuses = true
	}
	return a
}

func notFalse(v any) bool { return v != false }

func mapAt(o *snapshot.Object, keys ...string) map[string]any {
	v, _ := o.At(keys...)
	m, _ := v.(map[string]any)
	return m
}
