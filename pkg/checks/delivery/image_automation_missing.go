package delivery

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImageAutomationMissing finds clusters that nothing brings new images into.
var ImageAutomationMissing = rule.Check{
	ID: "image-automation-missing", Title: "nothing takes new images in by itself", Doc: rule.ReadDoc(docs, "image_automation_missing.md"),
	Dimension: rule.Delivery, Severity: rule.Info, Off: true, On: rule.Kinds(snapshot.ClusterKind),
	Needs: []schema.GroupKind{
		snapshot.ImageUpdateAutomationKind, snapshot.ImageUpdaterKind, snapshot.ApplicationKind,
		snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind,
	},
	Run: func(p *rule.Pass) {
		var why []string
		for _, o := range p.List(snapshot.ImageUpdateAutomationKind, "") {
			if readyAndActive(o) {
				return
			}
			why = append(why, inNamespace(o)+" is "+fluxState(o))
		}
		if o := askedOfUpdater(p); o != nil {
			if runs(p, "argocd-image-updater") {
				return
			}
			why = append(why, inNamespace(o)+" asks Argo CD's image updater, of which no pod is ready")
		}
		if o := askedOfKeel(p); o != nil {
			if runs(p, "keel") {
				return
			}
			why = append(why, inNamespace(o)+" asks Keel, of which no pod is ready")
		}
		f := rule.Finding{NoField: "what is missing stands nowhere", Message: "neither Flux nor Argo CD's image updater nor Keel is told to: a mended image waits until somebody writes its tag down"}
		if len(why) > 0 {
			f.Message = "nothing takes new images in: " + someWhy(why)
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "let one of them, or a bot in the Git repository, propose new tags; begin where a mistake costs little", Applicability: rule.NeedsThought,
			Caution: "a version that nobody has tried reaches the cluster as fast as a good one: have it tested, or tried on a few, first",
		})
	},
}

// askedOfUpdater is an object that tells Argo CD's image updater what to update; nil where none does.
// Source: its annotations up to v0, and its resource since v1.
func askedOfUpdater(p *rule.Pass) *snapshot.Object {
	for _, o := range p.List(snapshot.ImageUpdaterKind, "") {
		v, _ := o.At("spec", "applicationRefs")
		if list, _ := v.([]any); len(list) > 0 {
			return o
		}
	}
	for _, o := range p.List(snapshot.ApplicationKind, "") {
		if o.Meta.GetAnnotations()["argocd-image-updater.argoproj.io/image-list"] != "" {
			return o
		}
	}
	return nil
}

// askedOfKeel is a workload that Keel is to update; nil where none is. Source: Keel's policies, each a label or an
// annotation.
func askedOfKeel(p *rule.Pass) *snapshot.Object {
	for _, gk := range []schema.GroupKind{snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind} {
		for _, o := range p.List(gk, "") {
			for _, set := range []map[string]string{o.Meta.GetAnnotations(), o.Meta.GetLabels()} {
				if policy := set["keel.sh/policy"]; policy != "" && policy != "never" {
					return o
				}
			}
		}
	}
	return nil
}

// runs tells whether a pod with an image of that name is ready.
func runs(p *rule.Pass, image string) bool {
	for _, program := range p.Programs(image) {
		if program.Ready > 0 {
			return true
		}
	}
	return false
}
