package storage

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The volume controller's words.
var classMissing = knowledge.Regexp(`storageclass\.storage\.k8s\.io "([^"]+)" not found`)

// PVCClassMissing finds claims that name a storage class that does not exist.
var PVCClassMissing = rule.Cause{
	ID: "pvc-class-missing", Title: "the claim's storage class does not exist", Doc: rule.ReadDoc(docs, "pvc_class_missing.md"),
	Peers: map[string][]string{"popeye": {"POP-1003"}},
	Stage: rule.StageNotScheduled, On: rule.Kinds(snapshot.PVCKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		class, _, ok := pendingClass(p)
		if !ok {
			return nil
		}
		return []snapshot.Want{
			snapshot.WantGet(snapshot.StorageClassKind, "", class),
			snapshot.WantList(snapshot.StorageClassKind, "", ""),
			snapshot.WantList(snapshot.PVKind, "", ""),
		}
	},
	Run: func(p *rule.Pass) {
		class, event, ok := pendingClass(p)
		if !ok {
			return
		}
		found, out := p.Lookup(snapshot.StorageClassKind, "", class)
		if found != nil || event == nil && out.State != snapshot.Absent {
			return
		}
		for _, pv := range volumes(p) {
			if pv.Spec.StorageClassName == class { // a name that people gave to volumes they make by hand
				return
			}
		}
		if pvc := pendingClaim(p); pvc != nil {
			if near, _ := nearestVolume(pvc, volumes(p)); near != nil {
				return
			}
		}
		reportClass(p, class, event)
	},
}

// pendingClass is the class that an unbound claim names, and what the controller says of it.
func pendingClass(p *rule.Pass) (class string, event *corev1.Event, ok bool) {
	pvc, is := p.Object.Typed.(*corev1.PersistentVolumeClaim)
	if !is || pvc.Status.Phase == corev1.ClaimBound || pvc.Spec.VolumeName != "" || pvc.DeletionTimestamp != nil || pvc.Spec.StorageClassName == nil || *pvc.Spec.StorageClassName == "" {
		return "", nil, false
	}
	class = *pvc.Spec.StorageClassName
	if e := p.Event(p.Object, "ProvisioningFailed", fmt.Sprintf("%q not found", class)); e != nil && classMissing.MatchString(e.Message) {
		event = e
	}
	return class, event, true
}

func reportClass(p *rule.Pass, class string, event *corev1.Event) {
	setting := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "storageClassName")}
	f := rule.Finding{
		Object: setting.Object, Field: setting.Path, Value: class, Certainty: rule.Likely,
		Message: fmt.Sprintf("asks for storage class %q, which does not exist: no volume is made, and the claim stays Pending", class),
		Label:   "no StorageClass of this name",
	}
	if event != nil {
		f.Certainty = rule.Certain
		f.Evidence = append(f.Evidence, rule.EventEvidence(event))
	}
	if _, out := p.Lookup(snapshot.StorageClassKind, "", class); out.State == snapshot.Absent && out.Proven {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Text: fmt.Sprintf("the API has no storageclass/%s", class)})
	}
	if event == nil {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.phase", Text: "phase: Pending"})
	}
	fix := &rule.Fix{
		Title:         "name a class that exists; a claim's class cannot be changed, so delete the claim and create it again",
		Caution:       "the claim was never bound and holds no data. A volume made by hand, with this class's name, would do as well",
		Applicability: rule.Placeholders,
	}
	to := "<CLASS>"
	if classes, standard := classesThere(p); p.ListRead(snapshot.StorageClassKind, "") {
		text := "there is no StorageClass at all"
		if len(classes) > 0 {
			text = "storage classes: " + strings.Join(classes, ", ")
		}
		if standard != "" {
			text += fmt.Sprintf("; default: %s", standard)
		}
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: text})
		if near := knowledge.Nearest(class, classes); near != "" {
			to, fix.Applicability = near, rule.NeedsThought
			fix.Title = fmt.Sprintf("name the class %s, the nearest that exists; a claim's class cannot be changed, so delete the claim and create it again", near)
			f.Label = fmt.Sprintf("no StorageClass of this name; there is %s", near)
		}
	}
	fix.YAML = "spec:\n  storageClassName: " + to
	if sts, template := madeBy(p); sts != nil {
		fix.Title = strings.Replace(fix.Title, "delete the claim and create it again", "delete the claim, and the StatefulSet makes it anew from its mended template", 1)
		fix.YAML = fmt.Sprintf("# %s %s\nspec:\n  storageClassName: %s", sts.String(), template, to)
		fix.Caution = fmt.Sprintf("%s makes the claim: its claim templates cannot be changed either, so delete it with --cascade=orphan and apply it mended. The claim was never bound and holds no data", sts.String())
	}
	f.Fix = fix
	p.Report(f)
}

// classesThere are the storage classes that were read, and the default one.
func classesThere(p *rule.Pass) (names []string, standard string) {
	for _, o := range p.List(snapshot.StorageClassKind, "") {
		names = append(names, o.Name)
		if c, ok := o.Typed.(*storagev1.StorageClass); ok && c.Annotations["storageclass.kubernetes.io/is-default-class"] == "true" {
			standard = o.Name
		}
	}
	return names, standard
}

// madeBy is the StatefulSet whose claim template the claim comes from, and that template.
func madeBy(p *rule.Pass) (*snapshot.Object, string) {
	for _, o := range p.List(snapshot.PodKind, p.Object.Namespace) {
		owner := p.Owner(o)
		if owner == nil {
			continue
		}
		for _, v := range o.Pod().Spec.Volumes {
			if v.PersistentVolumeClaim == nil || v.PersistentVolumeClaim.ClaimName != p.Object.Name {
				continue
			}
			if s, ok := rule.ClaimTemplate(owner, v.Name); ok {
				return owner, s.Path.String()
			}
		}
	}
	return nil, ""
}
