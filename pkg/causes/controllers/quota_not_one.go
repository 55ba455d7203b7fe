package controllers

import (
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// counted tells whether a quota bounds a number of objects rather than what they ask for.
func counted(name corev1.ResourceName) bool {
	return name == corev1.ResourcePods || strings.HasPrefix(string(name), "count/")
}

// notOne words a quota that is smaller than what a single pod takes: no number of replicas fits. It tells
// whether the quota is that small.
func notOne(p *rule.Pass, f *rule.Finding, q quota, ref snapshot.Ref, name corev1.ResourceName, limit resource.Quantity, r *refused, by *byDefault) bool {
	each := q.requested[name]
	if limit.Cmp(each) >= 0 {
		return false
	}
	if counted(name) {
		f.Message = fmt.Sprintf("%s allows no pod at all in the namespace: %d of %d exist", ref.String(), r.have, r.want)
		allowNone(p, f, ref, name, limit)
		return true
	}
	kind, what := "requests", corev1.ResourceName(strings.TrimPrefix(string(name), "requests."))
	if rest, ok := strings.CutPrefix(string(name), "limits."); ok {
		kind, what = "limits", corev1.ResourceName(rest)
	}
	var most snapshot.Container
	var has resource.Quantity
	for _, c := range templateContainers(p) {
		if have, ok := amount(c, strings.TrimSuffix(kind, "s"), what); ok && (most.Container == nil || have.Cmp(has) > 0) {
			most, has = c, have
		}
	}
	takes := each.String()
	if by != nil {
		takes += ", the default that " + by.words
	}
	f.Message = fmt.Sprintf("%s allows %s of %s in the whole namespace, and a single pod takes %s, so not one fits: %d of %d exist", ref.String(), limit.String(), name, takes, r.have, r.want)
	f.Fix.Title = fmt.Sprintf("let a pod ask for at most %s, or have whoever owns %s raise it", limit.String(), ref.String())
	setting := rule.Setting{}
	switch {
	case by != nil:
		setting = by.setting
		f.Label = "not written here: " + by.source
	case most.Container != nil:
		setting = p.ContainerSetting(most).Child("resources", kind, string(what))
		f.Value, f.Label = has.String(), fmt.Sprintf("the pod takes %s, and the quota has %s for all pods together", each.String(), limit.String())
	default:
		f.NoField = "no container of the template names what the quota counts"
		return true
	}
	f.Object, f.Field, f.Fix.Object = setting.Object, setting.Path, setting.Object
	container := ""
	if by != nil {
		container = by.container
	} else {
		container = most.Name
	}
	words := string(what) + "=" + placeholder(lack{snapshot.Container{}, kind, string(what)}, true)
	f.Fix.Applicability = rule.Placeholders
	f.Fix.Caution = "the quota is for all pods of the namespace together, and guards what others have: raise it only with whoever set it"
	if kind == "limits" {
		f.Fix.Command = p.SetResources(setting.Object, container, "", words)
	} else {
		f.Fix.Command = p.SetResources(setting.Object, container, words, "")
	}
	return true
}

// allowNone points to the number in a quota that allows none of what it counts: nothing that counts
// against it can be any smaller.
func allowNone(p *rule.Pass, f *rule.Finding, ref snapshot.Ref, name corev1.ResourceName, limit resource.Quantity) {
	setting := rule.Setting{Object: ref, Path: field.NewPath("spec", "hard").Key(string(name))}
	f.Object, f.Field, f.Value, f.NoField = ref, setting.Path, limit.String(), ""
	f.Label = "not even one may exist in this namespace"
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("have whoever owns %s allow some, or run it in another namespace", ref.String()),
		Caution:       "a quota of 0 is mostly meant: it keeps a namespace from running anything. Raise it only with whoever set it",
		Applicability: rule.Placeholders, Object: ref,
		Patch: setting.ReplaceValue(limit.String(), "<NUMBER>"),
	}
	f.Fix.Command = p.PatchCommand(ref, f.Fix.Patch)
}

// refusedJob words that a quota leaves a CronJob no room for its Job.
func refusedJob(p *rule.Pass, f *rule.Finding, t *timetable, q quota) {
	ref := snapshot.Ref{APIVersion: "v1", Kind: "ResourceQuota", Namespace: p.Object.Namespace, Name: q.name}
	_, scarce, limit, known := q.room(p)
	if !known {
		f.Message = ref.String() + " has no room for its Job" + t.history(p.Now)
		f.Fix.Title = fmt.Sprintf("keep fewer finished Jobs (successfulJobsHistoryLimit, failedJobsHistoryLimit), or have whoever owns %s raise it", ref.String())
		return
	}
	f.Evidence = append(f.Evidence, quotaEvidence(q, p, ref, scarce, "Job")...)
	if limit.Cmp(q.requested[scarce]) < 0 {
		f.Message = fmt.Sprintf("%s allows no Job at all in the namespace%s", ref.String(), t.history(p.Now))
		allowNone(p, f, ref, scarce, limit)
		return
	}
	own := 0
	for _, o := range runs(p) {
		if job, ok := o.Typed.(*batchv1.Job); ok && rule.JobEnded(job).Type != "" {
			own++
		}
	}
	f.Message = fmt.Sprintf("%s allows %s in the namespace, and as many are there, finished ones too%s", ref.String(), rule.Count(int(limit.Value()), "Job"), t.history(p.Now))
	f.Fix.Caution = "a quota guards what others in the cluster have: raise it only with whoever set it"
	if own == 0 {
		f.NoField = "it keeps no finished Job itself: others of the namespace use the quota up"
		f.Fix.Title = fmt.Sprintf("delete Jobs that are done with, or have whoever owns %s raise it", ref.String())
		return
	}
	path := field.NewPath("spec", "successfulJobsHistoryLimit")
	f.Field, f.Value, f.NoField = path, "", ""
	if n := t.Spec.SuccessfulJobsHistoryLimit; n != nil {
		f.Value = fmt.Sprint(*n)
	}
	f.Label = fmt.Sprintf("keeps finished Jobs, which count: %s of this CronJob are there", rule.Count(own, "Job"))
	if own == 1 {
		f.Label = "keeps finished Jobs, which count: 1 Job of this CronJob is there"
	}
	f.Fix.Title = fmt.Sprintf("keep fewer finished Jobs, or have whoever owns %s raise it", ref.String())
	f.Fix.Caution = "with a finished Job its pods and their logs go. " + strings.ToUpper(f.Fix.Caution[:1]) + f.Fix.Caution[1:]
	f.Fix.Applicability = rule.Placeholders
	f.Fix.Patch = rule.PutAllIn(p.Object, rule.Value{Path: path, Value: "<NUMBER>"}, rule.Value{Path: field.NewPath("spec", "failedJobsHistoryLimit"), Value: "<NUMBER>"})
	f.Fix.Command = p.ChangeCommand(p.Object.Ref, f.Fix.Patch, "<NUMBER>")
	f.Fix.Patch = nil // its numbers are not there yet
}
