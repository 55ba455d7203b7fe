package controllers

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// exist words how many of the pods that a controller wants are there.
func exist(r *rule.Refusal) string {
	if r.Want == 1 {
		return "its pod does not exist"
	}
	return fmt.Sprintf("%d of %d pods exist", r.Have, r.Want)
}

// templateContainers are the containers of the pods that this Pass' controller wants to create.
func templateContainers(p *rule.Pass) []snapshot.Container {
	if len(p.Object.Templates) == 0 {
		return nil
	}
	return p.Object.Templates[0].Containers()
}

// named are those of the containers that have one of the names, separated by commas.
func named(list []snapshot.Container, names string) []snapshot.Container {
	var found []snapshot.Container
	for name := range strings.SplitSeq(names, ",") {
		for _, c := range list {
			if c.Name == strings.TrimSpace(name) {
				found = append(found, c)
			}
		}
	}
	return found
}

// holder is the object that s is a field of, where it was read.
func holder(p *rule.Pass, s rule.Setting) *snapshot.Object {
	o, _ := p.Lookup(s.Object.GroupKind(), s.Object.Namespace, s.Object.Name)
	return o
}

// putAll is a fix's patch that sets fields of one object, and its command; nothing where the object
// was not read.
func putAll(p *rule.Pass, fix *rule.Fix, s rule.Setting, values []rule.Value) {
	o := holder(p, s)
	if o == nil || len(values) == 0 {
		return
	}
	fix.Object = s.Object
	fix.Patch = rule.PutAllIn(o, values...)
	fix.Command = p.PatchCommand(s.Object, fix.Patch)
}

// clip is text without line breaks, short enough for a message.
func clip(text string) string { return strings.Trim(rule.Quote(text), `"`) }
