package network

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SvcSlicesRefused finds Services that the control plane may not write the endpoints of.
var SvcSlicesRefused = rule.Cause{
	ID: "svc-slices-refused", Title: "its EndpointSlices may not be created", Doc: rule.ReadDoc(docs, "svc_slices_refused.md"),
	Stage: rule.StageRoute, On: rule.Kinds(snapshot.ServiceKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if slicesRefused(p) == nil {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.ResourceQuotaKind, p.Object.Namespace, "")}
	},
	Run: func(p *rule.Pass) {
		if e := slicesRefused(p); e != nil {
			reportSlicesRefused(p, e)
		}
	},
}

// countedSlices is under which name a quota limits how many EndpointSlices there are.
const countedSlices corev1.ResourceName = "count/endpointslices.discovery.k8s.io"

// sliceQuota is how the admission of quotas words that one is used up.
var sliceQuota = knowledge.Regexp(`exceeded quota: ([a-z0-9.-]{1,253}), requested: `)

// slicesRefused is the event that says why a Service has no EndpointSlice with endpoints; nil where it has one,
// or where nobody has said so.
func slicesRefused(p *rule.Pass) *corev1.Event {
	svc := selectable(p)
	if svc == nil {
		return nil
	}
	e := endpointsOf(p)
	if !e.read || e.ready > 0 || len(e.notReady) > 0 {
		return nil
	}
	if podsRead(p, svc) && len(alive(p, p.Object.Namespace, labels.SelectorFromSet(svc.Spec.Selector))) == 0 {
		return nil // there would be nothing in it
	}
	for _, words := range []string{"exceeded quota: ", "denied the request"} {
		if e := p.Event(p.Object, "FailedToUpdateEndpointSlices", "failed to create EndpointSlice", words); e != nil {
			return e
		}
	}
	return nil
}

func reportSlicesRefused(p *rule.Pass, event *corev1.Event) {
	f := rule.Finding{
		NoField:   "the Service is as it should be; what refuses its EndpointSlices is not",
		Certainty: rule.Certain, Seen: p.Object.Ref,
		Message:  "has no endpoints: the API refuses the EndpointSlice that would hold them: " + rule.Quote(event.Message),
		Evidence: []rule.Evidence{rule.EventEvidence(event)},
		RuledOut: []string{"the selector and the pods: their endpoints are what could not be written"},
		Fix:      &rule.Fix{Title: "have whoever owns what refuses it let the control plane create EndpointSlices", Applicability: rule.NeedsThought},
	}
	if m := sliceQuota.FindStringSubmatch(event.Message); m != nil {
		f.Message = fmt.Sprintf("has no endpoints: resourcequota/%s allows no more EndpointSlices in the namespace, and one holds them", m[1])
		f.Fix.Title = fmt.Sprintf("have whoever owns resourcequota/%s allow one EndpointSlice for each Service, or take that limit away", m[1])
		f.Fix.Caution = "a quota guards what others have: raise it only with whoever set it"
		quotaOfSlices(p, &f, m[1])
	}
	p.Report(f)
}

// quotaOfSlices points to the quota that is used up, where it was read, and says how many it would have to allow.
func quotaOfSlices(p *rule.Pass, f *rule.Finding, name string) {
	for _, o := range p.List(snapshot.ResourceQuotaKind, p.Object.Namespace) {
		rq, ok := o.Typed.(*corev1.ResourceQuota)
		if !ok || o.Name != name {
			continue
		}
		hard, limited := rq.Spec.Hard[countedSlices]
		used := rq.Status.Used[countedSlices]
		if !limited {
			continue
		}
		setting := rule.Setting{Object: o.Ref, Path: field.NewPath("spec", "hard").Key(string(countedSlices))}
		f.NoField, f.Object, f.Field, f.Value = "", o.Ref, setting.Path, hard.String()
		f.Label = fmt.Sprintf("%s are there, and the Service needs one", used.String())
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: o.Ref, Field: "status", Text: fmt.Sprintf("%s: %s of %s are used of %s", o.String(), used.String(), hard.String(), countedSlices)})
		if used.Cmp(hard) < 0 {
			f.Certainty = rule.Possible
			f.Message = fmt.Sprintf("has no endpoints: %s had no room for an EndpointSlice, and has some now: does the next try of the control plane work?", o.String())
			f.Label = fmt.Sprintf("%s are there now", used.String())
			f.Fix = &rule.Fix{Title: "wait some minutes; later, change a label of the Service, so that the control plane tries again", Applicability: rule.NeedsThought}
			return
		}
		need := used.DeepCopy()
		need.Add(*resource.NewQuantity(int64(max(1, withoutSlices(p))), resource.DecimalSI))
		seen, _ := rule.ValueAt(o, setting.Path)
		text := strconv.FormatInt(need.Value(), 10)
		f.Fix.Title = fmt.Sprintf("allow %s EndpointSlices, which is what is there and one for each Service without", text)
		f.Fix.Caution = "a quota guards what others have: raise it only with whoever set it. A Service takes one for each IP family, and one more for each 100 pods"
		f.Fix.Patch = setting.ReplaceValue(seen, text)
		f.Fix.Command = p.PatchCommand(o.Ref, f.Fix.Patch)
	}
}

// withoutSlices counts the Services of the namespace, as far as these were read, that have a selector and no
// EndpointSlice.
func withoutSlices(p *rule.Pass) int {
	n := 0
	for _, o := range p.List(snapshot.ServiceKind, p.Object.Namespace) {
		if its := of(p, o); selectable(its) != nil && len(p.EndpointSlices(o)) == 0 && endpointsOf(its).read {
			n++
		}
	}
	return n
}
