package storage

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVCNoDefault finds claims that leave the class to a default which the cluster does not have.
var PVCNoDefault = rule.Cause{
	ID: "pvc-no-default", Title: "the claim names no class, and there is no default", Doc: rule.ReadDoc(docs, "pvc_no_default.md"),
	Peers: map[string][]string{"popeye": {"POP-1003"}},
	Stage: rule.StageNotScheduled, On: rule.Kinds(snapshot.PVCKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if classless(p) == nil {
			return nil
		}
		return []snapshot.Want{
			snapshot.WantList(snapshot.StorageClassKind, "", ""), snapshot.WantList(snapshot.PVCKind, p.Object.Namespace, ""),
		}
	},
	Run: func(p *rule.Pass) {
		if classless(p) == nil {
			return
		}
		event := p.Event(p.Object, "FailedBinding", "no storage class is set")
		_, standard := classesThere(p)
		if standard != "" || event == nil && !p.ListRead(snapshot.StorageClassKind, "") {
			return // a default that is there now will be put into the claim
		}
		reportClassless(p, event)
	},
}

// classless is the claim of this Pass where it waits and names neither class nor volume.
func classless(p *rule.Pass) *corev1.PersistentVolumeClaim {
	pvc := pendingClaim(p)
	if pvc == nil || pvc.Spec.VolumeName != "" {
		return nil
	}
	if _, named := classOf(pvc); named {
		return nil
	}
	return pvc
}

func reportClassless(p *rule.Pass, event *corev1.Event) {
	classes := offers(p)
	setting := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "storageClassName")}
	f := rule.Finding{
		Object: setting.Object, Field: setting.Path, Certainty: rule.Likely,
		Message:  "names no storage class, and no class of the cluster is the default for such claims: nobody makes its volume, and the pods that use it wait",
		Label:    "names no class",
		RuledOut: []string{"a class that is missing: the claim names none"},
	}
	if event != nil {
		f.Certainty = rule.Certain
		f.Evidence = append(f.Evidence, rule.EventEvidence(event))
	} else {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.phase", Text: "phase: Pending"})
	}
	if len(classes) == 0 {
		f.Fix = &rule.Fix{Title: "install a storage provisioner, which brings a class, or make a PersistentVolume by hand", Applicability: rule.NeedsThought}
		if p.ListRead(snapshot.StorageClassKind, "") {
			f.Message = "names no storage class, and the cluster has none at all: nobody makes its volume, and the pods that use it wait"
		} else {
			f.Fix = nameClass(p, "<CLASS>", "name a class, or have one made the default: which there are was not read")
		}
		p.Report(f)
		return
	}
	words, names := make([]string, 0, len(classes)), make([]string, 0, len(classes))
	for _, c := range classes {
		words, names = append(words, c.words()), append(names, c.Name)
	}
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Text: "storage classes, none of them the default: " + strings.Join(words, ", ")})
	f.Label = "names no class; there is " + strings.Join(names, ", ")
	pick, why := likelyClass(classes)
	if pick == "" {
		f.Fix = nameClass(p, "<CLASS>", fmt.Sprintf("name the class that is meant (%s), or make one of them the default", namesOf(classes)))
	} else {
		f.Fix = nameClass(p, pick, fmt.Sprintf("name the class %s, %s, or make it the default", pick, why))
	}
	to := pick
	if to == "" {
		to = "<CLASS>"
	}
	patch := &rule.Patch{Type: "merge", Body: map[string]any{"metadata": map[string]any{"annotations": map[string]any{defaultClass: "true"}}}}
	f.Fix.Lines = []string{
		"as the default it serves every claim that names none, this one too; that is for whoever runs the cluster:",
		rule.Kubectl(p.Context, "", p.PatchCommand(snapshot.Ref{APIVersion: "storage.k8s.io/v1", Kind: "StorageClass", Name: to}, patch)...),
	}
	p.Report(f)
}

// defaultClass is the annotation that makes a class the default.
const defaultClass = "storageclass.kubernetes.io/is-default-class"

// nameClass gives the claim a class.
func nameClass(p *rule.Pass, class, title string) *rule.Fix {
	fix := &rule.Fix{
		Title: title, Applicability: rule.NeedsThought,
		Caution: "a class decides where the data lies and what becomes of it; a claim may be given one as long as it has none (Kubernetes 1.28 and later), and none else after that",
		Patch:   &rule.Patch{Type: "merge", Body: map[string]any{"spec": map[string]any{"storageClassName": class}}},
	}
	if class == "<CLASS>" {
		fix.Applicability = rule.Placeholders
	}
	if sts, template := madeBy(p); sts != nil {
		fix.Caution += fmt.Sprintf(". The claim comes from %s of %s, which lacks it too: its next claims wait likewise", template, sts.String())
	}
	fix.Command = p.PatchCommand(p.Object.Ref, fix.Patch)
	return fix
}

// offer is a storage class, and how many bound claims of the namespace have it.
type offer struct {
	*storagev1.StorageClass
	used int
}

func (o offer) words() string {
	switch {
	case o.Provisioner == noProvisioner:
		return o.Name + " (of volumes made by hand)"
	case removed(o.Provisioner):
		return fmt.Sprintf("%s (%s, which Kubernetes has no more)", o.Name, o.Provisioner)
	case o.used > 0:
		return fmt.Sprintf("%s (%s, of %s here)", o.Name, o.Provisioner, rule.Count(o.used, "claim"))
	}
	return fmt.Sprintf("%s (%s)", o.Name, o.Provisioner)
}

// migrated are the provisioners that were built into Kubernetes and for which it asks a CSI driver now.
// Source: k8s.io/csi-translation-lib, plugins.
var migrated = []string{"aws-ebs", "azure-disk", "azure-file", "cinder", "gce-pd", "portworx-volume", "vsphere-volume"}

// removed tells whether a provisioner was built into Kubernetes and is gone.
func removed(provisioner string) bool {
	name, builtIn := strings.CutPrefix(provisioner, "kubernetes.io/")
	return builtIn && provisioner != noProvisioner && !slices.Contains(migrated, name)
}

// offers are the storage classes that were read.
func offers(p *rule.Pass) []offer {
	used := map[string]int{}
	for _, o := range p.List(snapshot.PVCKind, p.Object.Namespace) {
		if pvc, ok := o.Typed.(*corev1.PersistentVolumeClaim); ok && pvc.Status.Phase == corev1.ClaimBound {
			used[className(pvc)]++
		}
	}
	var list []offer
	for _, o := range p.List(snapshot.StorageClassKind, "") {
		if c, ok := o.Typed.(*storagev1.StorageClass); ok {
			list = append(list, offer{c, used[c.Name]})
		}
	}
	return list
}

// namesOf names the classes that a provisioner makes volumes of, or all where there is none.
func namesOf(classes []offer) string {
	var all, made []string
	for _, c := range classes {
		all = append(all, c.Name)
		if c.Provisioner != noProvisioner && !removed(c.Provisioner) {
			made = append(made, c.Name)
		}
	}
	if len(made) == 0 {
		made = all
	}
	const few = 5
	if len(made) > few {
		made = append(made[:few:few], "...")
	}
	return strings.Join(made, ", ")
}

// likelyClass is the class that is most likely meant, and why: the only one that makes volumes, or the only one
// that claims of the namespace have. Without either only people can tell.
func likelyClass(classes []offer) (name, why string) {
	var makers, used []offer
	for _, c := range classes {
		if c.Provisioner == noProvisioner || removed(c.Provisioner) {
			continue
		}
		makers = append(makers, c)
		if c.used > 0 {
			used = append(used, c)
		}
	}
	switch {
	case len(makers) == 1 && len(classes) == 1:
		return makers[0].Name, "the only one there is"
	case len(makers) == 1:
		return makers[0].Name, "the only one of which volumes are made"
	case len(used) == 1:
		return used[0].Name, "the only one that claims of this namespace have"
	}
	return "", ""
}
