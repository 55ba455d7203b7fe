package storage

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVCMissingForSTS finds StatefulSets whose pods are not created because the API server refuses their claims.
var PVCMissingForSTS = rule.Cause{
	ID: "pvc-missing-for-sts", Title: "a claim of the StatefulSet is refused", Doc: rule.ReadDoc(docs, "pvc_missing_for_sts.md"),
	Stage: rule.StageNotCreated, On: rule.Kinds(snapshot.StatefulSetKind),
	Beats: []string{"limitrange-violation", "replicafailure-quota"},
	Wants: func(p *rule.Pass) []snapshot.Want {
		r := refusedClaim(p)
		if r == nil {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantGet(snapshot.PVCKind, p.Object.Namespace, r.claim)}
		if r.quota != "" {
			wants = append(wants, snapshot.WantGet(snapshot.ResourceQuotaKind, p.Object.Namespace, r.quota))
		}
		if claimTooLarge.MatchString(r.Message) || claimTooSmall.MatchString(r.Message) {
			wants = append(wants, snapshot.WantList(snapshot.LimitRangeKind, p.Object.Namespace, ""))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if r := refusedClaim(p); r != nil {
			r.report(p)
		}
	},
}

// The words of the StatefulSet controller, before 1.34 without "for", and those of admission plugins.
var (
	claimRefused  = knowledge.Regexp(`(?i)\bcreate (?:Claim|PVC) ([a-z0-9][a-z0-9.-]*)`)
	claimDeleted  = knowledge.Regexp(`\bpvc ([a-z0-9][a-z0-9.-]*) is being deleted`)
	claimQuota    = knowledge.Regexp(`exceeded quota: ([^,\s]+), requested: (\S+), used: (\S+), limited: ([^\s;]+)`)
	claimTooLarge = knowledge.Regexp(`maximum storage usage per PersistentVolumeClaim is ([0-9.]+[A-Za-z]*), but request is ([0-9.]+[A-Za-z]*)`)
	claimTooSmall = knowledge.Regexp(`minimum storage usage per PersistentVolumeClaim is ([0-9.]+[A-Za-z]*), but request is ([0-9.]+[A-Za-z]*)`)
	claimInvalid  = knowledge.Regexp(`PersistentVolumeClaim "[^"]*" is invalid: (.*)`)
)

// refusal is a claim that could not be created for a pod of a StatefulSet.
type refusal struct {
	*rule.Refusal
	sts      *appsv1.StatefulSet
	claim    string
	template int    // of the claim; -1 where none has the name
	quota    string // the ResourceQuota that refuses it
	gone     bool   // nothing refuses it: the claim of the pod before it is still being deleted
}

func refusedClaim(p *rule.Pass) *refusal {
	sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
	if !ok || sts.DeletionTimestamp != nil {
		return nil
	}
	said := p.RefusedPods()
	if said == nil || strings.Contains(said.Message, "admission webhook") || strings.Contains(said.Message, "failed calling webhook") || strings.Contains(said.Message, "ValidatingAdmissionPolicy") {
		return nil // what is told by whoever has such a word
	}
	r := &refusal{Refusal: said, sts: sts, template: -1}
	if m := claimRefused.FindStringSubmatch(said.Message); m != nil {
		r.claim = strings.TrimRight(m[1], ".-")
	} else if m := claimDeleted.FindStringSubmatch(said.Message); m != nil {
		r.claim, r.gone = strings.TrimRight(m[1], ".-"), true
	} else {
		return nil
	}
	for i := range sts.Spec.VolumeClaimTemplates {
		if ordinal, ok := strings.CutPrefix(r.claim, sts.Spec.VolumeClaimTemplates[i].Name+"-"+sts.Name+"-"); ok && ordinal != "" && strings.Trim(ordinal, "0123456789") == "" {
			r.template = i
		}
	}
	if r.template < 0 {
		return nil // of a template that is no longer there: an old event
	}
	if m := claimQuota.FindStringSubmatch(said.Message); m != nil {
		r.quota = m[1]
	}
	return r
}

func (r *refusal) ref(p *rule.Pass) snapshot.Ref {
	return snapshot.Ref{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: p.Object.Namespace, Name: r.claim}
}

func (r *refusal) report(p *rule.Pass) {
	template, _ := rule.ClaimTemplate(p.Object, r.sts.Spec.VolumeClaimTemplates[r.template].Name)
	f := rule.Finding{
		Object: template.Object, Field: template.Path, Value: r.sts.Spec.VolumeClaimTemplates[r.template].Name, Certainty: rule.Certain, Stage: p.RefusedStage(),
		Label:    "the claims that it stands for are refused",
		Evidence: []rule.Evidence{r.Evidence},
		RuledOut: []string{"the pod itself: its claim comes first, and no pod is created without it"},
	}
	exist := fmt.Sprintf("%d of %d pods exist", r.Have, r.Want)
	if claim, _ := p.Lookup(snapshot.PVCKind, p.Object.Namespace, r.claim); r.gone || claim != nil && claim.Meta.GetDeletionTimestamp() != nil {
		r.beingDeleted(p, f, exist)
		return
	}
	switch size := template.Child("spec", "resources", "requests", "storage"); {
	case r.quota != "":
		r.overQuota(p, &f, size, exist)
	case claimTooLarge.MatchString(r.Message):
		r.ofSize(p, &f, size, claimTooLarge.FindStringSubmatch(r.Message)[1], "at most", exist)
	case claimTooSmall.MatchString(r.Message):
		r.ofSize(p, &f, size, claimTooSmall.FindStringSubmatch(r.Message)[1], "at least", exist)
	default:
		why := r.Message
		if _, rest, ok := strings.Cut(why, "failed error: "); ok {
			why = rest
		}
		if m := claimInvalid.FindStringSubmatch(why); m != nil {
			why = m[1]
		}
		f.Message = fmt.Sprintf("claim %s is refused, and no pod is created without it: %s; %s", r.claim, rule.Quote(ending(why)), exist)
		f.Fix = &rule.Fix{Title: "mend the claim template as the message says: a claim template cannot be changed, so make the StatefulSet anew around its pods", Caution: orphans, Applicability: rule.NeedsThought, Object: p.Object.Ref}
		f.Fix.Lines = []string{p.Line("get", p.Object.String(), "-o", "yaml") + " > statefulset.yaml", "mend spec.volumeClaimTemplates in the file", p.Line("replace", "--force", "--cascade=orphan", "-f", "statefulset.yaml")}
	}
	p.Report(f)
}

// orphans is what to know before a StatefulSet is made anew around its pods.
const orphans = "pods and claims that are there stay as they are, and the new StatefulSet takes them over; mend the manifest as well, or its next apply is refused"

// remake are the shell lines that make a StatefulSet anew with another claim template, around its pods.
func remake(p *rule.Pass, sts snapshot.Ref, patch *rule.Patch) []string {
	words := append(p.PatchCommand(sts, patch), "--dry-run=client", "-o", "yaml")
	return []string{p.Line(words...) + " | " + p.Line("replace", "--force", "--cascade=orphan", "-f", "-")}
}

// ofSize says that a LimitRange bounds the size of claims.
func (r *refusal) ofSize(p *rule.Pass, f *rule.Finding, size rule.Setting, bound, words, exist string) {
	asks := r.sts.Spec.VolumeClaimTemplates[r.template].Spec.Resources.Requests[corev1.ResourceStorage]
	by, to := "a LimitRange of the namespace", "<SIZE>"
	if o, q := claimBound(p, bound); o != nil { // what enters a command is the object's own, not the event's
		by, to = o.String(), q.String()
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "spec.limits", Text: fmt.Sprintf("%s: %s %s of storage per claim", o.String(), words, to)})
	}
	f.Field, f.Value = size.Path, asks.String()
	f.Label = fmt.Sprintf("%s allows %s %s per claim", by, words, bound)
	f.Message = fmt.Sprintf("claim %s asks for %s, and %s allows %s %s per claim: it is refused, and no pod is created without it; %s", r.claim, asks.String(), by, words, bound, exist)
	f.Fix = &rule.Fix{Title: fmt.Sprintf("ask for %s %s: a claim template cannot be changed, so make the StatefulSet anew around its pods", words, bound), Caution: orphans, Applicability: rule.NeedsThought, Object: p.Object.Ref}
	if to == "<SIZE>" {
		f.Fix.Applicability = rule.Placeholders
	}
	f.Fix.Patch = size.ReplaceValue(asks.String(), to)
	f.Fix.Lines = remake(p, p.Object.Ref, f.Fix.Patch)
}

// claimBound is the LimitRange that has the bound on the size of claims, and the bound; nil where none that was
// read has it.
func claimBound(p *rule.Pass, bound string) (*snapshot.Object, resource.Quantity) {
	want, err := resource.ParseQuantity(bound)
	if err != nil {
		return nil, want
	}
	for _, o := range p.List(snapshot.LimitRangeKind, p.Object.Namespace) {
		lr, ok := o.Typed.(*corev1.LimitRange)
		if !ok {
			continue
		}
		for _, item := range lr.Spec.Limits {
			if item.Type != corev1.LimitTypePersistentVolumeClaim {
				continue
			}
			for _, list := range []corev1.ResourceList{item.Max, item.Min} {
				if q, ok := list[corev1.ResourceStorage]; ok && q.Cmp(want) == 0 {
					return o, q
				}
			}
		}
	}
	return nil, want
}

// overQuota says that a quota has no room for the claim.
func (r *refusal) overQuota(p *rule.Pass, f *rule.Finding, size rule.Setting, exist string) {
	m := claimQuota.FindStringSubmatch(r.Message)
	ref := snapshot.Ref{APIVersion: "v1", Kind: "ResourceQuota", Namespace: p.Object.Namespace, Name: r.quota}
	name, each, used, hard, ok := over(m[2], m[3], m[4])
	o, _ := p.Lookup(snapshot.ResourceQuotaKind, ref.Namespace, ref.Name)
	inQuota := false
	if o != nil && ok {
		if q, is := o.Typed.(*corev1.ResourceQuota); is {
			var h resource.Quantity
			if h, inQuota = q.Spec.Hard[name]; inQuota {
				hard, used = h, q.Status.Used[name]
			}
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: ref, Field: "status.used", Text: fmt.Sprintf("%s: %s of %s %s used", ref.String(), used.String(), hard.String(), name)})
		}
	}
	f.Fix = &rule.Fix{Caution: "a quota guards what others have: raise it only with whoever set it. Claims of pods that are gone count too, until somebody deletes them with their data", Applicability: rule.NeedsThought, Object: p.Object.Ref}
	if !ok {
		f.Message = fmt.Sprintf("%s has no room for claim %s, and no pod is created without it; %s", ref.String(), r.claim, exist)
		f.Fix.Title = fmt.Sprintf("have whoever owns %s raise it", ref.String())
		return
	}
	if strings.HasSuffix(string(name), "requests.storage") {
		f.Field, f.Value = size.Path, each.String()
		f.Message = fmt.Sprintf("%s allows %s of %s, %s are taken, and claim %s asks for %s more: it is refused, and no pod is created without it; %s", ref.String(), hard.String(), name, used.String(), r.claim, each.String(), exist)
		f.Label = fmt.Sprintf("each pod's claim takes this, and the quota has %s left", left(hard, used))
	} else {
		f.Message = fmt.Sprintf("%s allows %s of %s, and %s are there: claim %s is refused, and no pod is created without it; %s", ref.String(), hard.String(), name, used.String(), r.claim, exist)
		f.Label = fmt.Sprintf("each pod takes one claim of it, and the quota has %s left", left(hard, used))
	}
	needs := used.DeepCopy()
	for range max(1, r.Want-r.Have) {
		needs.Add(each)
	}
	f.Fix.Title = fmt.Sprintf("have whoever owns %s raise %s to at least %s", ref.String(), name, needs.String())
	switch {
	case r.Have > 0:
		f.Marks = append(f.Marks, rule.Mark{Field: rule.FieldPath("spec.replicas"), Label: fmt.Sprintf("%d asked for, and the quota has room for %d", r.Want, r.Have)})
		f.Fix.Title = fmt.Sprintf("run %s, which is what fits; or %s", rule.Count(int(r.Have), "replica"), f.Fix.Title)
		f.Fix.Command = []string{"scale", p.Object.String(), fmt.Sprintf("--replicas=%d", r.Have)}
		f.Fix.Caution = "fewer replicas carry less load. " + upper(f.Fix.Caution)
	case inQuota: // all that enters the command is the object's own
		f.Fix.Object = ref
		f.Fix.Patch = rule.Setting{Object: ref, Path: rule.FieldPath("spec.hard").Key(string(name))}.ReplaceValue(hard.String(), needs.String())
		f.Fix.Command = p.PatchCommand(ref, f.Fix.Patch)
	}
}

// beingDeleted says that the claim of an earlier pod is not gone yet.
func (r *refusal) beingDeleted(p *rule.Pass, f rule.Finding, exist string) {
	ref := r.ref(p)
	f.Field, f.Value, f.Label = nil, "", ""
	f.NoField = "nothing refuses the claim: the one of the same name from before is still there, and is being deleted"
	f.Because = &ref
	f.Message = fmt.Sprintf("waits until %s, which is being deleted, is gone, to make it anew; %s", ref.String(), exist)
	f.Fix = &rule.Fix{Title: "see what keeps the claim: its finalizers, and a pod that still uses it", Applicability: rule.NeedsThought, Object: ref, Command: []string{"get", ref.String(), "-o", "jsonpath={.metadata.finalizers}"}}
	if claim, _ := p.Lookup(snapshot.PVCKind, ref.Namespace, ref.Name); claim != nil {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: ref, Field: "metadata.finalizers", Text: "kept by finalizer " + strings.Join(claim.Meta.GetFinalizers(), ", ")})
	}
	p.Report(f)
}

// over picks from a quota's words the resource that has no room left.
func over(requested, used, limited string) (name corev1.ResourceName, each, have, hard resource.Quantity, ok bool) {
	wants, has, bounds := rule.QuotaAmounts(requested), rule.QuotaAmounts(used), rule.QuotaAmounts(limited)
	for item := range strings.SplitSeq(requested, ",") {
		key, _, _ := strings.Cut(item, "=")
		n := corev1.ResourceName(key)
		sum := has[n].DeepCopy()
		sum.Add(wants[n])
		if bound, bounded := bounds[n]; bounded && sum.Cmp(bound) > 0 {
			return n, wants[n], has[n], bound, true
		}
	}
	return "", each, have, hard, false
}

func left(hard, used resource.Quantity) string {
	free := hard.DeepCopy()
	free.Sub(used)
	if free.Sign() < 0 {
		return "0"
	}
	return free.String()
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
