package controllers

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// aboveLimit is what the API server says of a request above the limit. A template with both is refused as it
// is applied, so one of its pods got the limit only when it was made. What a LimitRange allows is judged later.
// Source: kubernetes pkg/apis/core/validation/validation.go and plugin/pkg/admission/limitranger/admission.go.
var aboveLimit = knowledge.Regexp(`spec\.(?:initContainers|containers)\[\d+\]\.resources\.requests: Invalid value: "([^"\s]+)": must be less than or equal to (\S+) limit of ([^\s,\]]+)`)

// given is a limit that a container does not name itself, and that is below its request.
type given struct {
	resource corev1.ResourceName
	request  resource.Quantity
	limit    resource.Quantity
	c        snapshot.Container
}

// givenIn are those of which a refusal speaks, each of the container that has the request and no limit.
func givenIn(p *rule.Pass, message string) []given {
	var list []given
	for _, m := range aboveLimit.FindAllStringSubmatch(message, -1) {
		g := given{resource: corev1.ResourceName(m[2])}
		var err, bad error
		g.request, err = resource.ParseQuantity(m[1])
		g.limit, bad = resource.ParseQuantity(m[3])
		if err != nil || bad != nil {
			continue
		}
		for _, c := range templateContainers(p) {
			own, has := amount(c, "request", g.resource)
			taken := slices.ContainsFunc(list, func(other given) bool { return other.c.Name == c.Name && other.resource == g.resource })
			if _, limited := amount(c, "limit", g.resource); has && !limited && !taken && own.Cmp(g.request) == 0 {
				g.c = c
				list = append(list, g)
				break
			}
		}
	}
	return list
}

// giver is the LimitRange whose default the limit is, and the most that any of the namespace allows.
func (g given) giver(p *rule.Pass) (by *snapshot.Ref, most *resource.Quantity) {
	for _, o := range p.List(snapshot.LimitRangeKind, p.Object.Namespace) {
		lr, ok := o.Typed.(*corev1.LimitRange)
		if !ok {
			continue
		}
		for _, item := range lr.Spec.Limits {
			if item.Type != corev1.LimitTypeContainer {
				continue
			}
			if q, ok := item.Default[g.resource]; ok && by == nil && q.Cmp(g.limit) == 0 {
				by = &o.Ref
			}
			if q, ok := item.Max[g.resource]; ok && (most == nil || q.Cmp(*most) < 0) {
				most = &q
			}
		}
	}
	return by, most
}

func reportGiven(p *rule.Pass, r *rule.Refusal, list []given) {
	g := list[0]
	limit := p.ContainerSetting(g.c).Child("resources", "limits", string(g.resource))
	request := p.ContainerSetting(g.c).Child("resources", "requests", string(g.resource))
	f := rule.Finding{
		Object: limit.Object, Field: limit.Path, Stage: p.RefusedStage(), Certainty: rule.Likely, Evidence: []rule.Evidence{r.Evidence},
		Message:  fmt.Sprintf("container %s requests %s of %s and names no limit, and as the pod is made it is given one of %s; %s", g.c.Name, g.request.String(), g.resource, g.limit.String(), exist(r)),
		Label:    fmt.Sprintf("absent, so a default gives it %s", g.limit.String()),
		Marks:    []rule.Mark{{Field: request.Path, Label: "above the limit that it is given"}},
		RuledOut: []string{"a limit of its own that is too low: the container names none", "a full cluster, a used up quota: the pod was refused before either was asked"},
		Fix: &rule.Fix{
			Title: "name a limit of its own: its request is the least", Applicability: rule.NeedsThought, Object: limit.Object,
			Caution: "a container that needs more than its memory limit is killed: choose what it needs at most",
		},
	}
	if g.resource == corev1.ResourceCPU {
		f.Fix.Caution = "a container that needs more than its CPU limit is slowed down: choose what it needs at most"
	}
	by, most := g.giver(p)
	if by != nil {
		f.Certainty = rule.Certain
		f.Message = strings.Replace(f.Message, "as the pod is made it is given one of", by.String()+" gives it one of", 1)
		f.Label = fmt.Sprintf("absent, so %s gives it %s", by.String(), g.limit.String())
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: *by, Field: "spec.limits", Text: fmt.Sprintf("default limit of a container: %s %s", g.resource, g.limit.String())})
	}
	limits, requests := map[string][]string{}, ""
	for _, other := range list {
		limits[other.c.Name] = append(limits[other.c.Name], fmt.Sprintf("%s=%s", other.resource, other.request.String()))
		if other.c.Name != g.c.Name || other.resource != g.resource {
			f.Marks = append(f.Marks, rule.Mark{Field: p.ContainerSetting(other.c).Child("resources", "requests", string(other.resource)).Path, Label: fmt.Sprintf("above the limit of %s that it is given", other.limit.String())})
		}
	}
	if most != nil && most.Cmp(g.request) < 0 { // no limit that fits the request is allowed either
		f.Field, f.Value, f.Label = request.Path, g.request.String(), fmt.Sprintf("a LimitRange allows at most %s", most.String())
		f.Marks = f.Marks[1:]
		f.Message += fmt.Sprintf("; more than %s is not allowed either", most.String())
		f.Fix.Title = "request no more than a LimitRange of the namespace allows, or have whoever owns it change it"
		requests, limits = fmt.Sprintf("%s=%s", g.resource, most.String()), map[string][]string{g.c.Name: nil}
	}
	f.Fix.Command = p.SetResources(limit.Object, g.c.Name, requests, strings.Join(limits[g.c.Name], ","))
	for _, other := range list[1:] {
		if other.c.Name != g.c.Name && len(limits[other.c.Name]) > 0 {
			f.Fix.Lines = append(f.Fix.Lines, p.Line(p.SetResources(limit.Object, other.c.Name, "", strings.Join(limits[other.c.Name], ","))...))
			delete(limits, other.c.Name)
		}
	}
	p.Report(f)
}
