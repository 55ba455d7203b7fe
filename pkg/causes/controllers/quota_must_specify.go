package controllers

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The words of the quota admission plugin, before and since Kubernetes 1.25 names the containers.
// Source: kubernetes pkg/quota/v1/evaluator/core/pods.go, Constraints.
var mustSpecify = knowledge.Regexp(`failed quota: ([^\s:]+): must specify ([^\n]+)`)

// QuotaMustSpecify finds controllers that may not create pods because a quota counts something of which
// the pods do not say how much they take.
var QuotaMustSpecify = rule.Cause{
	ID: "quota-must-specify", Title: "a quota demands requests or limits that are missing", Doc: rule.ReadDoc(docs, "quota_must_specify.md"),
	Stage: rule.StageNotCreated, On: rule.PodMakers,
	Wants: func(p *rule.Pass) []snapshot.Want {
		r := p.RefusedPods()
		if r == nil || !mustSpecify.MatchString(r.Message) {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.LimitRangeKind, p.Object.Namespace, "")}
	},
	Run: func(p *rule.Pass) {
		if r := p.RefusedPods(); r != nil {
			if m := mustSpecify.FindStringSubmatch(r.Message); m != nil {
				reportMustSpecify(p, r, m[1], lacks(p, m[2]))
			}
		}
	},
}

// lack is a quantity that a container must name and does not.
type lack struct {
	container snapshot.Container
	kind      string // requests or limits
	resource  string
}

func (l lack) String() string { return l.kind + "." + l.resource }

// lacks reads "limits.cpu for: app; requests.memory for: app,proxy", or without names "limits.cpu,memory".
func lacks(p *rule.Pass, text string) []lack {
	var list []lack
	all := templateContainers(p)
	for part := range strings.SplitSeq(text, "; ") {
		what, names, ok := strings.Cut(part, " for: ")
		if ok {
			for _, c := range named(all, names) {
				list = append(list, lackOf(c, what))
			}
			continue
		}
		for one := range strings.SplitSeq(what, ",") {
			for _, c := range all {
				if l := lackOf(c, one); !l.met() {
					list = append(list, l)
				}
			}
		}
	}
	return list
}

func lackOf(c snapshot.Container, what string) lack {
	kind, resource, ok := strings.Cut(strings.TrimSpace(what), ".")
	if !ok { // a quota on plain "cpu" is one on requests
		return lack{c, "requests", kind}
	}
	return lack{c, kind, resource}
}

// met tells whether the container does name it.
func (l lack) met() bool {
	list := l.container.Resources.Requests
	if l.kind == "limits" {
		list = l.container.Resources.Limits
	}
	for name := range list {
		if string(name) == l.resource {
			return true
		}
	}
	return false
}

func reportMustSpecify(p *rule.Pass, r *rule.Refusal, quota string, missing []lack) {
	spec := p.PodSpec()
	ref := snapshot.Ref{APIVersion: "v1", Kind: "ResourceQuota", Namespace: p.Object.Namespace, Name: quota}
	f := rule.Finding{
		Object: spec.Object, Stage: p.RefusedStage(), Field: spec.Path.Child("containers"), Certainty: rule.Certain, Evidence: []rule.Evidence{r.Evidence},
		Message:  fmt.Sprintf("%s counts what the containers do not name: %s", ref.String(), exist(r)),
		RuledOut: []string{"a quota that is used up: it refuses for want of a number, whatever is free"},
		Fix: &rule.Fix{
			Title:         "name what the quota counts; or give the namespace a LimitRange with defaults",
			Applicability: rule.Placeholders,
			Caution:       "measure first where you can: a limit that is too low stops or slows the container",
		},
	}
	if p.ListRead(snapshot.LimitRangeKind, p.Object.Namespace) && len(p.List(snapshot.LimitRangeKind, p.Object.Namespace)) == 0 {
		f.RuledOut = append(f.RuledOut, "defaults of the namespace: it has no LimitRange")
	}
	if len(missing) == 0 {
		p.Report(f)
		return
	}
	var words []string
	var values []rule.Value
	byContainer := map[string][]lack{}
	for i, l := range missing {
		s := p.ContainerSetting(l.container).Child("resources", l.kind, l.resource)
		if i == 0 {
			f.Field, f.Label = s.Path, fmt.Sprintf("%s wants a number here", ref.String())
		} else {
			f.Marks = append(f.Marks, rule.Mark{Field: s.Path, Label: "and here"})
		}
		if byContainer[l.container.Name] == nil {
			words = append(words, l.container.Name)
		}
		byContainer[l.container.Name] = append(byContainer[l.container.Name], l)
		values = append(values, rule.Value{Path: s.Path, Value: placeholder(l, false)})
	}
	for i, name := range words {
		var what []string
		for _, l := range byContainer[name] {
			what = append(what, l.String())
		}
		words[i] = fmt.Sprintf("container %s lacks %s", name, strings.Join(what, ", "))
	}
	f.Message = fmt.Sprintf("%s refuses the pods: %s; %s", ref.String(), strings.Join(words, "; "), exist(r))
	if len(byContainer) == 1 {
		given := map[string]string{}
		for _, l := range missing {
			if given[l.kind] != "" {
				given[l.kind] += ","
			}
			given[l.kind] += l.resource + "=" + placeholder(l, true)
		}
		f.Fix.Command = p.SetResources(spec.Object, missing[0].container.Name, given["requests"], given["limits"])
	} else {
		putAll(p, f.Fix, spec, values)
	}
	p.Report(f)
}

// placeholder stands for a quantity: <CPU_LIMIT>, and with several containers <CPU_LIMIT_OF_APP>.
func placeholder(l lack, alone bool) string {
	upper := func(s string) string {
		return strings.Map(func(r rune) rune {
			switch {
			case r >= 'a' && r <= 'z':
				return r - 'a' + 'A'
			case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
				return r
			}
			return '_'
		}, s)
	}
	text := upper(l.resource) + "_" + upper(strings.TrimSuffix(l.kind, "s"))
	if !alone {
		text += "_OF_" + upper(l.container.Name)
	}
	return "<" + text + ">"
}
