package controllers

import (
	"fmt"
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	helper "k8s.io/component-helpers/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The words of the quota admission plugin; several quotas may speak in one message.
var exceeded = knowledge.Regexp(`exceeded quota: ([^,\s]+), requested: (\S+), used: (\S+), limited: ([^\s;]+)`)

// ReplicaFailureQuota finds controllers that may not create pods, and Deployments that may not create a
// ReplicaSet, because a ResourceQuota is used up.
var ReplicaFailureQuota = rule.Cause{
	ID: "replicafailure-quota", Title: "a quota leaves no room for the pods", Doc: rule.ReadDoc(docs, "replicafailure_quota.md"),
	Stage: rule.StageNotCreated,
	On:    rule.Kinds(snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind, snapshot.RCKind, snapshot.DeploymentKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if p.Object.GroupKind() == snapshot.DeploymentKind {
			return wantsOfSet(p)
		}
		var wants []snapshot.Want
		if r := refusal(p); r != nil {
			for _, q := range r.quotas {
				wants = append(wants, snapshot.WantGet(snapshot.ResourceQuotaKind, p.Object.Namespace, q.name))
			}
			wants = append(wants, snapshot.WantList(snapshot.LimitRangeKind, p.Object.Namespace, ""))
			if more, _, _, known := r.quotas[0].room(p); known && more == 0 && r.have == 0 {
				wants = append(wants, snapshot.WantList(snapshot.PodKind, p.Object.Namespace, "")) // who holds it
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if p.Object.GroupKind() == snapshot.DeploymentKind {
			reportSetQuota(p)
			return
		}
		if r := refusal(p); r != nil {
			reportQuota(p, r)
		}
	},
}

// refused is what the API said to a controller that wanted to create a pod.
type refused struct {
	quotas   []quota
	evidence []rule.Evidence
	have     int32 // pods that are there
	want     int32
}

// quota is one quota's part of a refusal.
type quota struct {
	name                   string
	requested, used, limit corev1.ResourceList
}

// refusal tells what keeps a controller from creating the pods that it lacks, where that is a quota;
// nil where it lacks none, whatever old events say.
func refusal(p *rule.Pass) *refused {
	have, want, condition, ok := p.PodCount()
	if !ok || have >= want {
		return nil
	}
	r := &refused{have: have, want: want}
	if condition != nil { // where it names no quota something else keeps it now
		r.quotas = quotasIn(condition.Message)
		r.evidence = []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[ReplicaFailure]", Time: condition.LastTransitionTime.Time, Text: condition.Reason + ": " + condition.Message}}
	} else if e := p.Event(p.Object, "FailedCreate", "exceeded quota: "); e != nil {
		r.quotas = quotasIn(e.Message)
		r.evidence = []rule.Evidence{rule.EventEvidence(e)}
	}
	if len(r.quotas) == 0 {
		return nil
	}
	return r
}

func wanted(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

func quotasIn(message string) []quota {
	var list []quota
	for _, m := range exceeded.FindAllStringSubmatch(message, -1) {
		list = append(list, quota{m[1], rule.QuotaAmounts(m[2]), rule.QuotaAmounts(m[3]), rule.QuotaAmounts(m[4])})
	}
	return list
}

// room is how many more pods a quota has room for now, and the resource that is scarcest. known is
// false where that cannot be told.
func (q quota) room(p *rule.Pass) (n int32, scarce corev1.ResourceName, limit resource.Quantity, known bool) {
	hard, used := q.limit, q.used
	if o, _ := p.Lookup(snapshot.ResourceQuotaKind, p.Object.Namespace, q.name); o != nil {
		if rq, ok := o.Typed.(*corev1.ResourceQuota); ok && len(rq.Status.Hard) > 0 {
			hard, used = rq.Status.Hard, rq.Status.Used
		}
	}
	names := make([]string, 0, len(q.requested))
	for name := range q.requested {
		names = append(names, string(name))
	}
	sort.Strings(names)
	for _, s := range names {
		name := corev1.ResourceName(s)
		each := q.requested[name]
		h, bound := hard[name]
		if each.Sign() <= 0 || !bound {
			continue
		}
		free := h.DeepCopy()
		free.Sub(used[name])
		fits := int32(0)
		if free.Sign() > 0 {
			fits = int32(free.AsApproximateFloat64() / each.AsApproximateFloat64())
		}
		if !known || fits < n {
			n, scarce, limit, known = fits, name, h, true
		}
	}
	return n, scarce, limit, known
}

func reportQuota(p *rule.Pass, r *refused) {
	q := r.quotas[0]
	ref := snapshot.Ref{APIVersion: "v1", Kind: "ResourceQuota", Namespace: p.Object.Namespace, Name: q.name}
	more, scarce, limit, known := q.room(p)
	for _, other := range r.quotas[1:] {
		if n, s, l, ok := other.room(p); ok && (!known || n < more) {
			q, more, scarce, limit, known = other, n, s, l, true
			ref.Name = other.name
		}
	}
	top := topOf(p)
	f := rule.Finding{
		Object: top, Seen: p.Object.Ref, Stage: p.RefusedStage(), Certainty: rule.Certain, Evidence: r.evidence,
		Fix: &rule.Fix{
			Caution:       "a quota guards what others in the cluster have: raise it only with whoever set it",
			Applicability: rule.NeedsThought, Object: top,
		},
		RuledOut: []string{"a full cluster: the pods are refused before any node is looked for"},
	}
	allows, less := ref.String()+" has no room for more pods", "let each ask for less, "
	var by *byDefault
	if known {
		each := q.requested[scarce]
		allows = fmt.Sprintf("%s allows %s of %s in the namespace, and each pod takes %s", ref.String(), limit.String(), scarce, each.String())
		if scarce == corev1.ResourcePods || scarce == "count/pods" {
			allows, less = fmt.Sprintf("%s allows %s in the namespace", ref.String(), rule.Count(int(limit.Value()), "pod")), ""
		}
		if by = defaultOf(p, scarce); by != nil {
			allows += ", the default that " + by.words
			less = "give container " + by.container + " a value of its own that is smaller, "
		}
		f.Evidence = append(f.Evidence, quotaEvidence(q, p, ref, scarce, "pod")...)
	}
	if known && notOne(p, &f, q, ref, scarce, limit, r, by) {
		p.Report(f)
		return
	}
	f.Message = fmt.Sprintf("%s: %d of %d exist", allows, r.have, r.want)
	f.Fix.Title = fmt.Sprintf("run fewer, %sor have whoever owns %s raise it", less, ref.String())
	switch p.Object.GroupKind() {
	case snapshot.DaemonSetKind:
		f.NoField = "a DaemonSet wants one pod a node and has no number to lower; the quota has"
		f.Fix.Title = fmt.Sprintf("%shave whoever owns %s raise it", less, ref.String())
	case snapshot.JobKind:
		countField(&f, "parallelism", "run side by side", r, more, known, less, nil)
	default:
		d, _ := p.Lookup(snapshot.DeploymentKind, top.Namespace, top.Name)
		if d != nil && top.GroupKind() == snapshot.DeploymentKind {
			if surge(p, d, &f, allows, !known || q.fitsInPlace(p, d, scarce)) {
				break
			}
			t, _ := d.Typed.(*appsv1.Deployment)
			r.want, r.have = wanted(t.Spec.Replicas), max(r.have, t.Status.Replicas)
		}
		countField(&f, "replicas", "asked for", r, more, known, less, []string{"scale", top.String()})
		if d != nil {
			inPlace(p, d, &f, allows, r, more, known)
		}
	}
	if known && f.Field != nil && (f.Field.String() == "spec.replicas" || strings.HasSuffix(f.Field.String(), "spec.parallelism")) && min(r.have+more, r.want) == 0 {
		heldByOthers(p, &f, q, ref, scarce, less, r)
	}
	if by != nil && by.setting.Object.Same(f.Object) {
		f.Marks = append(f.Marks, rule.Mark{Field: by.setting.Path, Label: "not written here: " + by.source})
	}
	p.Report(f)
}

// byDefault is what a quota counts of a pod and nobody wrote into its template.
type byDefault struct {
	container, source, words string
	setting                  rule.Setting
}

// defaultOf tells whether a LimitRange gives a container of the pods what a quota counts; nil where the
// template names it for each, and where no LimitRange was read that does.
func defaultOf(p *rule.Pass, name corev1.ResourceName) *byDefault {
	kind, resource := "requests", corev1.ResourceName(strings.TrimPrefix(string(name), "requests."))
	if what, ok := strings.CutPrefix(string(name), "limits."); ok {
		kind, resource = "limits", corev1.ResourceName(what)
	}
	for _, c := range templateContainers(p) {
		_, request := c.Resources.Requests[resource]
		_, limit := c.Resources.Limits[resource]
		if limit || request && kind == "requests" { // the API takes a limit for the request
			continue
		}
		for _, o := range p.List(snapshot.LimitRangeKind, p.Object.Namespace) {
			lr, ok := o.Typed.(*corev1.LimitRange)
			if !ok {
				continue
			}
			for _, item := range lr.Spec.Limits {
				list := item.DefaultRequest
				if kind == "limits" {
					list = item.Default
				}
				if q, ok := list[resource]; ok && item.Type == corev1.LimitTypeContainer {
					gives := fmt.Sprintf("%s gives %s to a container that names no %s", o.String(), q.String(), strings.TrimSuffix(kind, "s"))
					return &byDefault{c.Name, gives, fmt.Sprintf("%s gives container %s", o.String(), c.Name), p.ContainerSetting(c).Child("resources", kind, string(resource))}
				}
			}
		}
	}
	return nil
}

// topOf is the object to change: the controller of the controller, where there is one.
func topOf(p *rule.Pass) snapshot.Ref {
	if ref, ok := p.Object.OwnerRef(); ok {
		return ref
	}
	return p.Object.Ref
}

// countField points to the number of pods that is asked for.
func countField(f *rule.Finding, name, words string, r *refused, more int32, known bool, less string, command []string) {
	f.Field, f.Value = field.NewPath("spec", name), fmt.Sprint(r.want)
	if f.Object.Kind == "CronJob" {
		f.Field = field.NewPath("spec", "jobTemplate", "spec", name)
	}
	f.Label = fmt.Sprintf("%d %s, %d exist", r.want, words, r.have)
	if !known {
		return
	}
	fit := min(r.have+more, r.want)
	f.Label = fmt.Sprintf("%d %s, and the quota has room for %d", r.want, words, fit)
	if command == nil || fit == 0 {
		return
	}
	f.Fix.Title = fmt.Sprintf("run %s, which is what fits; %sor have whoever owns the quota raise it", rule.Count(int(fit), "replica"), less)
	f.Fix.Command = append(command, fmt.Sprintf("--replicas=%d", fit))
	f.Fix.Caution = "fewer replicas carry less load. A quota guards what others have: raise it only with whoever set it"
}

// inPlace handles a Deployment that has fewer pods than it wants, some of them broken or of an older
// template: what mends them comes as an update, and that starts with an extra pod, for which there is no
// room either.
func inPlace(p *rule.Pass, o *snapshot.Object, f *rule.Finding, allows string, r *refused, more int32, known bool) {
	d, ok := o.Typed.(*appsv1.Deployment)
	if !ok || d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType || d.Spec.Paused {
		return
	}
	older := d.Status.Replicas > d.Status.UpdatedReplicas && d.Status.ObservedGeneration >= d.Generation
	if p.BrokenPod() == nil && !older {
		return
	}
	fit := min(r.have+more, r.want)
	if surge, _ := strategyOf(d, fit); !known || fit == 0 || surge == 0 {
		return
	}
	switch old := d.Status.Replicas - d.Status.UpdatedReplicas; {
	case older:
		f.Message = fmt.Sprintf("%s: %d of %d exist, %d of them of an older template; nor is there room for the extra pod with which the update goes on", allows, r.have, r.want, old)
	default:
		f.Message = fmt.Sprintf("%s: %d of %d exist; nor is there room for the extra pod with which an update starts, so a mended template would reach none of them", allows, r.have, r.want)
	}
	path := field.NewPath("spec", "strategy", "rollingUpdate", "maxSurge")
	f.Marks = append(f.Marks, rule.Mark{Field: path, Label: "an update starts with this many pods more than replicas"})
	patch := &rule.Patch{Type: "merge", Body: map[string]any{"spec": map[string]any{"replicas": fit, "strategy": map[string]any{"rollingUpdate": map[string]any{"maxSurge": 0, "maxUnavailable": 1}}}}}
	f.Fix.Title = fmt.Sprintf("run %s, which is what fits, and update without an extra pod, so that what mends them gets through; or have whoever owns the quota raise it", rule.Count(int(fit), "replica"))
	f.Fix.Caution = "fewer replicas carry less load, and during an update one of them is missing. A quota guards what others have: raise it only with whoever set it"
	f.Fix.Patch, f.Fix.Command = patch, p.PatchCommand(o.Ref, patch)
}

// surge handles a rolling update: all pods of the Deployment are there, and the quota leaves no room
// for the extra one with which an update starts.
func surge(p *rule.Pass, o *snapshot.Object, f *rule.Finding, allows string, fits bool) bool {
	d, ok := o.Typed.(*appsv1.Deployment)
	if !ok || d.Status.Replicas < wanted(d.Spec.Replicas) || d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return false
	}
	goesOn := fmt.Sprintf("the old revision goes on with %d", d.Status.Replicas)
	if ready := d.Status.ReadyReplicas; ready == 0 {
		goesOn = fmt.Sprintf("the old revision's %s not ready either, and wait for it", count(d.Status.Replicas))
	} else if ready < d.Status.Replicas {
		goesOn += fmt.Sprintf(", of which %d are ready", ready)
	}
	if !fits {
		f.Message = fmt.Sprintf("the update cannot start its pods, not even in the place of an old one: %s; %s", allows, goesOn)
		f.NoField = "what the new pods ask for in sum is more than the quota leaves when an old one is gone"
		f.Fix = &rule.Fix{
			Title:         "have the new pods ask for less, or whoever owns the quota raise it; until then go back to what fits",
			Caution:       "going back takes back all that the new revision changed",
			Applicability: rule.NeedsThought, Object: o.Ref,
		}
		if n := withPods(p, o); n != "" { // the revision before may have been refused as well
			f.Fix.Command = []string{"rollout", "undo", o.String(), "--to-revision=" + n}
		}
		return true
	}
	setting := rule.Setting{Object: o.Ref, Path: field.NewPath("spec", "strategy", "rollingUpdate", "maxSurge")}
	f.Field, f.Value = setting.Path, "25%"
	if ru := d.Spec.Strategy.RollingUpdate; ru != nil && ru.MaxSurge != nil {
		f.Value = ru.MaxSurge.String()
	}
	f.Message = fmt.Sprintf("the update cannot start its extra pod: %s; %s", allows, goesOn)
	f.Label = "an update starts with this many pods more than replicas, and the quota has no room for them"
	patch := &rule.Patch{Type: "merge", Body: map[string]any{"spec": map[string]any{"strategy": map[string]any{"rollingUpdate": map[string]any{"maxSurge": 0, "maxUnavailable": 1}}}}}
	f.Fix = &rule.Fix{
		Title:         "update without extra pods: stop an old one before each new one; or have whoever owns the quota raise it",
		Caution:       fmt.Sprintf("during an update one of %d pods is missing", wanted(d.Spec.Replicas)),
		Applicability: rule.NeedsThought, Object: o.Ref, Patch: patch, Command: p.PatchCommand(o.Ref, patch),
	}
	return true
}

// count words a number of pods as what is to follow: "1 pod is", "2 pods are".
func count(n int32) string {
	if n == 1 {
		return "1 pod is"
	}
	return fmt.Sprintf("%d pods are", n)
}

// fitsInPlace tells whether the quota would let a new pod take the place of one that is there.
func (q quota) fitsInPlace(p *rule.Pass, deployment *snapshot.Object, name corev1.ResourceName) bool {
	hard, used := q.limit[name], q.used[name]
	if o, _ := p.Lookup(snapshot.ResourceQuotaKind, p.Object.Namespace, q.name); o != nil {
		if rq, ok := o.Typed.(*corev1.ResourceQuota); ok && len(rq.Status.Hard) > 0 {
			hard, used = rq.Status.Hard[name], rq.Status.Used[name]
		}
	}
	left := hard.DeepCopy()
	left.Sub(used)
	var most resource.Quantity
	for _, pod := range p.PodsOf(deployment) {
		if has := takes(pod.Pod(), name); has.Cmp(most) > 0 {
			most = has
		}
	}
	left.Add(most)
	return left.Cmp(q.requested[name]) >= 0
}

// takes is how much of what a quota counts a pod takes.
func takes(pod *corev1.Pod, name corev1.ResourceName) resource.Quantity {
	if what, ok := strings.CutPrefix(string(name), "limits."); ok {
		return helper.PodLimits(pod, helper.PodResourcesOptions{})[corev1.ResourceName(what)]
	}
	if name == corev1.ResourcePods || name == "count/pods" {
		return *resource.NewQuantity(1, resource.DecimalSI)
	}
	return helper.PodRequests(pod, helper.PodResourcesOptions{})[corev1.ResourceName(strings.TrimPrefix(string(name), "requests."))]
}

// quotaEvidence is what of the quota is used, and what the next pod or Job needs.
func quotaEvidence(q quota, p *rule.Pass, ref snapshot.Ref, name corev1.ResourceName, of string) []rule.Evidence {
	o, _ := p.Lookup(snapshot.ResourceQuotaKind, ref.Namespace, ref.Name)
	if o == nil {
		return nil
	}
	rq, ok := o.Typed.(*corev1.ResourceQuota)
	if !ok {
		return nil
	}
	hard, used, next := rq.Status.Hard[name], rq.Status.Used[name], q.requested[name]
	free := hard.DeepCopy()
	free.Sub(used)
	if free.Sign() < 0 {
		free = resource.Quantity{}
	}
	return []rule.Evidence{{Source: rule.FromStatus, Object: ref, Field: "status", Text: fmt.Sprintf("%s: of %s %s %s are used, %s are left, and the next %s needs %s", ref.String(), hard.String(), name, used.String(), free.String(), of, next.String())}}
}
