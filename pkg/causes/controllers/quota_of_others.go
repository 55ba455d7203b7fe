package controllers

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// revisionAnnotation is how a ReplicaSet says which revision of its Deployment it is.
// Source: k8s.io/kubernetes pkg/controller/deployment/util, RevisionAnnotation.
const revisionAnnotation = "deployment.kubernetes.io/revision"

// withPods is the newest revision of a Deployment that has pods and is not the present one, "" where there is
// none.
func withPods(p *rule.Pass, deployment *snapshot.Object) string {
	newest := p.NewestReplicaSet(deployment)
	best := 0
	for _, o := range p.Owned(deployment) {
		rs, ok := o.Typed.(*appsv1.ReplicaSet)
		if !ok || o == newest || rs.Status.Replicas == 0 {
			continue
		}
		if n, err := strconv.Atoi(rs.Annotations[revisionAnnotation]); err == nil && n > best {
			best = n
		}
	}
	if best == 0 {
		return ""
	}
	return strconv.Itoa(best)
}

// heldByOthers words a quota that leaves no room for a single pod, none of which is the workload's own: it
// has nothing to ask less of, so the number to change is the quota's.
func heldByOthers(p *rule.Pass, f *rule.Finding, q quota, ref snapshot.Ref, scarce corev1.ResourceName, less string, r *refused) {
	o, _ := p.Lookup(snapshot.ResourceQuotaKind, ref.Namespace, ref.Name)
	if o == nil {
		return
	}
	rq, ok := o.Typed.(*corev1.ResourceQuota)
	if !ok {
		return
	}
	hard, bound := rq.Spec.Hard[scarce]
	if !bound {
		return
	}
	each := q.requested[scarce]
	at := rule.Setting{Object: ref, Path: field.NewPath("spec", "hard").Key(string(scarce))}
	f.Marks, f.Object, f.Field, f.Value, f.NoField = nil, ref, at.Path, hard.String(), ""
	f.Label = "no room is left for a single pod more"
	needs := rq.Status.Used[scarce].DeepCopy()
	for range r.want {
		needs.Add(each)
	}
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("%shave whoever owns %s raise it to at least %s", less, ref.String(), needs.String()),
		Caution:       "a quota guards what others in the cluster have: raise it only with whoever set it",
		Applicability: rule.NeedsThought, Object: ref,
		Patch: at.ReplaceValue(hard.String(), needs.String()),
	}
	f.Fix.Command = p.PatchCommand(ref, f.Fix.Patch)
	if who := holders(p, scarce); len(who) > 0 {
		f.Message = strings.TrimSuffix(f.Message, fmt.Sprintf(": %d of %d exist", r.have, r.want)) + fmt.Sprintf("; it is held by %s: %d of %d exist", strings.Join(who, ", "), r.have, r.want)
		f.Fix.Title += ", or those who hold it run less"
	}
}

// holders are the workloads whose pods take most of what a quota counts, and how much.
func holders(p *rule.Pass, name corev1.ResourceName) []string {
	sums := map[string]*resource.Quantity{}
	for _, o := range p.List(snapshot.PodKind, p.Object.Namespace) {
		pod := o.Pod()
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue // which no quota counts
		}
		has := takes(pod, name)
		if has.Sign() <= 0 {
			continue
		}
		who := p.TopOwner(o).String()
		if sums[who] == nil {
			sums[who] = &resource.Quantity{}
		}
		sums[who].Add(has)
	}
	names := make([]string, 0, len(sums))
	for who := range sums {
		names = append(names, who)
	}
	sort.Slice(names, func(i, j int) bool {
		if c := sums[names[i]].Cmp(*sums[names[j]]); c != 0 {
			return c > 0
		}
		return names[i] < names[j]
	})
	var list []string
	for i, who := range names {
		const most = 3
		if i == most {
			list = append(list, fmt.Sprintf("%d more", len(names)-most))
			break
		}
		list = append(list, fmt.Sprintf("%s (%s)", who, sums[who].String()))
	}
	return list
}
