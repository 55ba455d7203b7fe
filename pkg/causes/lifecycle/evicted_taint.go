package lifecycle

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// EvictedTaint finds pods that were deleted because their node got a taint which they do not tolerate, or not
// for as long.
var EvictedTaint = rule.Cause{
	ID: "evicted-taint", Title: "deleted for a NoExecute taint of its node", Doc: rule.ReadDoc(docs, "evicted_taint.md"),
	Stage: rule.StageFailed, On: rule.Pods,
	Wants: wantsNode(byTaintManager),
	Run: func(p *rule.Pass) {
		if c, ok := taken(p, byTaintManager); ok {
			reportTainted(p, c)
		}
	},
}

// evictor is a taint that ends the pod: at once where nothing tolerates it, else after some time.
type evictor struct {
	corev1.Taint
	toleration int // of the pod; -1 for none
	after      time.Duration
}

// evictors are the taints of the node that end the pod, the one that did so first in front.
func evictors(node *corev1.Node, pod *corev1.Pod) []evictor {
	var list []evictor
	for _, t := range node.Spec.Taints {
		if t.Effect != corev1.TaintEffectNoExecute {
			continue
		}
		e, forever := evictor{Taint: t, toleration: -1}, false
		if i := rule.TolerationFor(t, pod.Spec.Tolerations); i >= 0 {
			seconds := pod.Spec.Tolerations[i].TolerationSeconds
			if forever = seconds == nil; !forever {
				e.toleration, e.after = i, time.Duration(max(0, *seconds))*time.Second
			}
		}
		if !forever {
			list = append(list, e)
		}
	}
	for i := range list {
		if list[i].after < list[0].after {
			list[0], list[i] = list[i], list[0]
		}
	}
	return list
}

func reportTainted(p *rule.Pass, c corev1.PodCondition) {
	pod, f := p.Object.Pod(), takenFinding(p, c)
	if e := p.Event(p.Object, "TaintManagerEviction", "Marking for deletion"); e != nil {
		f.Evidence = append(f.Evidence, rule.EventEvidence(e))
	}
	f.NoField = "which taint it was is not known any more"
	f.Message = fmt.Sprintf("was deleted on %s for a NoExecute taint of the node", nodeRef(p).String())
	f.Fix = nextStep(p, rule.Fix{Object: nodeRef(p)})
	o := nodeOf(p)
	if o == nil {
		f.NoField = "the taints of the node were not read"
		p.Report(f)
		return
	}
	node, ok := o.Typed.(*corev1.Node)
	if !ok {
		return
	}
	list := evictors(node, pod)
	if len(list) == 0 {
		f.Message += ", which has no such taint any more"
		p.Report(f)
		return
	}
	t := list[0]
	text := t.ToString()
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "spec.taints", Time: timeAdded(t.Taint), Text: "taint " + text})
	switch {
	case t.Key == corev1.TaintNodeUnreachable || t.Key == corev1.TaintNodeNotReady:
		f.Because = &o.Ref
		f.NoField = "no setting is to blame: the node stopped working under it"
		f.Message = fmt.Sprintf("was deleted since %s has not been ready for longer than the %s that the pod tolerates", o.String(), rule.Seconds(t.after))
		f.Fix.Title = fmt.Sprintf("bring %s back first; %s", o.String(), f.Fix.Title)
		waitLonger(p, &f, t)
	case t.Key == corev1.TaintNodeOutOfService:
		f.NoField = "no setting is to blame: somebody has declared the node gone"
		f.Message = fmt.Sprintf("was deleted since somebody declared %s out of service (taint %s)", o.String(), text)
	case t.toleration < 0:
		intolerant(p, &f, t)
	default:
		tolerantForAWhile(p, &f, t)
	}
	p.Report(f)
}

// waitLonger tells of the time that a pod may wait for its node: admission gives it five minutes where its
// template says nothing.
func waitLonger(p *rule.Pass, f *rule.Finding, t evictor) {
	if t.toleration < 0 {
		return
	}
	if at, ok := tolerationSetting(p, t.toleration); ok {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: at.Object, Field: at.Path.String(), Text: fmt.Sprintf("tolerationSeconds: %d", int64(t.after/time.Second))})
	}
	f.Fix.Caution = "where short outages of a node should not move the pod, a longer tolerationSeconds for this taint keeps it; the same time then passes before a node that is really gone is given up"
}

// intolerant points at the toleration that is missing.
func intolerant(p *rule.Pass, f *rule.Finding, t evictor) {
	setting := p.PodSpec().Child("tolerations")
	f.Object, f.Field, f.NoField = setting.Object, setting.Path, ""
	f.Label = "nothing here tolerates " + t.ToString()
	f.Message = fmt.Sprintf("was deleted at once: node/%s has the taint %s, which the pod does not tolerate", p.Object.Pod().Spec.NodeName, t.ToString())
	f.Fix.Caution = "a taint is there to keep pods away: tolerate it only if this workload is meant to run there. " + upper(f.Fix.Caution)
	f.Fix.Title += "; where it is meant for that node, tolerate the taint"
	f.Fix.YAML = fmt.Sprintf("tolerations:\n- key: %s\n  operator: Exists\n  effect: NoExecute\n", t.Key)
	if t.Value != "" {
		f.Fix.YAML = fmt.Sprintf("tolerations:\n- key: %s\n  operator: Equal\n  value: %q\n  effect: NoExecute\n", t.Key, t.Value)
	}
	f.Fix.Object = setting.Object
}

// tolerantForAWhile points at a toleration that ends: the scheduler goes by the toleration alone and may
// place the next pod on the same node, where it ends after the same time.
func tolerantForAWhile(p *rule.Pass, f *rule.Finding, t evictor) {
	text, seconds := t.ToString(), rule.Seconds(t.after)
	node := p.Object.Pod().Spec.NodeName
	f.Message = fmt.Sprintf("was deleted %s after it met the taint %s on node/%s: that is how long it tolerates it", seconds, text, node)
	switch next := successor(p); {
	case next == nil || next.Pod().Spec.NodeName == "":
		f.Message += "; the next pod may be placed there just the same"
	case next.Pod().Spec.NodeName == node:
		f.History = false
		f.Message += fmt.Sprintf("; %s is there again, and has as long", next.String())
		f.RuledOut = append(f.RuledOut, "a taint that empties the node: the scheduler goes by the toleration alone, and places pods there again")
	}
	at, ok := tolerationSetting(p, t.toleration)
	if !ok {
		f.NoField = "the toleration is not in what makes the pod: something else added it"
		return
	}
	f.Object, f.Field, f.NoField, f.Value = at.Object, at.Path, "", fmt.Sprint(int64(t.after/time.Second))
	f.Label = "tolerated for so long, then the pod is deleted"
	f.Fix = &rule.Fix{
		Title: "tolerate the taint for good, where the workload is meant for that node; else leave the toleration out", Applicability: rule.NeedsThought, Object: at.Object,
		Caution: "a node with this taint then keeps the pod for as long as it is there, also when the taint is meant to empty it",
	}
	if o, _ := p.Lookup(at.Object.GroupKind(), at.Object.Namespace, at.Object.Name); o != nil && o.Pod() == nil {
		f.Fix.Patch = &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: at.Pointer(), Value: int64(t.after / time.Second)}, {Op: "remove", Path: at.Pointer()}}}
		f.Fix.Command = p.PatchCommand(at.Object, f.Fix.Patch)
	}
}

// successor is the newest other pod of what controls this one, or nil.
func successor(p *rule.Pass) *snapshot.Object {
	owner := p.Owner(p.Object)
	if owner == nil {
		return nil
	}
	var newest *snapshot.Object
	for _, o := range p.PodsOf(owner) {
		made := o.Meta.GetCreationTimestamp()
		if o == p.Object || made.Time.Before(p.Object.Pod().CreationTimestamp.Time) || o.Meta.GetDeletionTimestamp() != nil {
			continue
		}
		if newest == nil || newest.Meta.GetCreationTimestamp().Time.Before(made.Time) {
			newest = o
		}
	}
	return newest
}

// tolerationSetting is the tolerationSeconds of one of the pod's tolerations in what people edit.
func tolerationSetting(p *rule.Pass, i int) (rule.Setting, bool) {
	spec, tol := p.PodSpec(), p.Object.Pod().Spec.Tolerations[i]
	if spec.Object.Same(p.Object.Ref) {
		return spec.Child("tolerations").Index(i).Child("tolerationSeconds"), true
	}
	owner, _ := p.Lookup(spec.Object.GroupKind(), spec.Object.Namespace, spec.Object.Name)
	if owner == nil || len(owner.Templates) == 0 {
		return rule.Setting{}, false
	}
	for j, of := range owner.Templates[0].Spec.Tolerations {
		if of.Key == tol.Key && of.Value == tol.Value && of.Effect == tol.Effect && of.TolerationSeconds != nil && *of.TolerationSeconds == *tol.TolerationSeconds {
			return spec.Child("tolerations").Index(j).Child("tolerationSeconds"), true
		}
	}
	return rule.Setting{}, false
}

func timeAdded(t corev1.Taint) time.Time {
	if t.TimeAdded == nil {
		return time.Time{}
	}
	return t.TimeAdded.Time
}

func upper(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
