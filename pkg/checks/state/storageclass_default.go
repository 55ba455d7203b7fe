package state

import (
	"fmt"
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// StorageClassDefault finds classes of which several are the default, and claims that wait for one that is.
var StorageClassDefault = rule.Check{
	ID: "storageclass-default", Title: "no default storage class, or several", Doc: rule.ReadDoc(docs, "storageclass_default.md"),
	Dimension: rule.State, Severity: rule.Medium, On: rule.Kinds(snapshot.StorageClassKind, snapshot.PVCKind, snapshot.StatefulSetKind),
	Needs: []schema.GroupKind{snapshot.StorageClassKind},
	Applies: func(p *rule.Pass) bool {
		switch t := p.Object.Typed.(type) {
		case *storagev1.StorageClass:
			return isDefault(t)
		case *corev1.PersistentVolumeClaim: // one that waits on a cluster is broken now
			_, named := classOf(t.Annotations, &t.Spec)
			return p.Files && !named && t.Spec.VolumeName == ""
		case *appsv1.StatefulSet:
			for i := range t.Spec.VolumeClaimTemplates {
				c := &t.Spec.VolumeClaimTemplates[i]
				if _, named := classOf(c.Annotations, &c.Spec); !named {
					return true
				}
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		defaults := defaultClasses(p)
		switch t := p.Object.Typed.(type) {
		case *storagev1.StorageClass:
			if len(defaults) > 1 && defaults[0] != t.Name {
				reportTwoDefaults(p, defaults)
			}
		case *corev1.PersistentVolumeClaim:
			if none(p, defaults) {
				reportNoDefault(p, field.NewPath("spec", "storageClassName"), "")
			}
		case *appsv1.StatefulSet:
			if !none(p, defaults) || waits(p, t) {
				return
			}
			for i := range t.Spec.VolumeClaimTemplates {
				c := &t.Spec.VolumeClaimTemplates[i]
				if _, named := classOf(c.Annotations, &c.Spec); !named && !has(p, t, c.Name) {
					reportNoDefault(p, field.NewPath("spec", "volumeClaimTemplates").Index(i).Child("spec", "storageClassName"), "claim "+c.Name+" ")
				}
			}
		}
	},
}

// Annotations that make a class the default. Source: k8s.io/kubernetes, pkg/volume/util/storageclass.go.
const (
	defaultClass     = "storageclass.kubernetes.io/is-default-class"
	defaultClassBeta = "storageclass.beta.kubernetes.io/is-default-class"
)

func isDefault(c *storagev1.StorageClass) bool {
	return c.Annotations[defaultClass] == "true" || c.Annotations[defaultClassBeta] == "true"
}

type defaultsKey struct{}

// defaultClasses are the default classes in the order in which the API server prefers them: the newest first, then by name.
func defaultClasses(p *rule.Pass) []string {
	return snapshot.Derived(p.Snapshot, defaultsKey{}, func() []string {
		var list []*storagev1.StorageClass
		for _, o := range p.List(snapshot.StorageClassKind, "") {
			if c, ok := o.Typed.(*storagev1.StorageClass); ok && isDefault(c) {
				list = append(list, c)
			}
		}
		sort.SliceStable(list, func(i, j int) bool {
			if !list[i].CreationTimestamp.Equal(&list[j].CreationTimestamp) {
				return list[j].CreationTimestamp.Before(&list[i].CreationTimestamp)
			}
			return list[i].Name < list[j].Name
		})
		names := make([]string, len(list))
		for i, c := range list {
			names[i] = c.Name
		}
		return names
	})
}

// none tells whether there are classes and none of them is the default. Of manifests that is known only where they are complete.
func none(p *rule.Pass, defaults []string) bool {
	return len(defaults) == 0 && (!p.Files || p.Closed) && len(p.List(snapshot.StorageClassKind, "")) > 0
}

// waits tells whether a claim of the StatefulSet waits already: what is broken now is told elsewhere.
func waits(p *rule.Pass, sts *appsv1.StatefulSet) bool {
	for _, o := range p.List(snapshot.PVCKind, p.Object.Namespace) {
		pvc, ok := o.Typed.(*corev1.PersistentVolumeClaim)
		if !ok || pvc.Status.Phase != corev1.ClaimPending {
			continue
		}
		for i := range sts.Spec.VolumeClaimTemplates {
			if strings.HasPrefix(o.Name, sts.Spec.VolumeClaimTemplates[i].Name+"-"+sts.Name+"-") {
				return true
			}
		}
	}
	return false
}

// has tells whether every pod of the StatefulSet has its claim: they were made while a class was the default, or by hand, and
// go on as they are.
func has(p *rule.Pass, sts *appsv1.StatefulSet, name string) bool {
	m, ok := mostPods(p, p.Object)
	if p.Files || !ok || m.pods == 0 {
		return false
	}
	first := 0
	if sts.Spec.Ordinals != nil {
		first = int(sts.Spec.Ordinals.Start)
	}
	for n := first; n < first+m.pods; n++ {
		if o, _ := p.Lookup(snapshot.PVCKind, p.Object.Namespace, fmt.Sprintf("%s-%s-%d", name, sts.Name, n)); o == nil {
			return false
		}
	}
	return true
}

func reportTwoDefaults(p *rule.Pass, defaults []string) {
	name := defaultClass
	if c, ok := p.Object.Typed.(*storagev1.StorageClass); ok && c.Annotations[defaultClass] != "true" {
		name = defaultClassBeta
	}
	at := field.NewPath("metadata", "annotations").Key(name)
	f := rule.Finding{Field: at, Value: "true", Label: "one of several"}
	f.Message = fmt.Sprintf("%d classes are the default (%s): claims that name none get the one that was made last, whichever that is", len(defaults), strings.Join(defaults, ", "))
	if !p.Files {
		f.Message = fmt.Sprintf("%d classes are the default (%s): claims that name none get %s, which was made last", len(defaults), strings.Join(defaults, ", "), defaults[0])
	}
	patch := p.Put(at, "false")
	p.Report(f).WithFix(rule.Fix{
		Title: "leave one of them the default", Applicability: rule.NeedsThought, Caution: "which of them is meant, only you know; claims that exist keep their class",
		Patch: patch, Command: p.Live(patch),
	})
}

func reportNoDefault(p *rule.Pass, at *field.Path, which string) {
	classes := p.Names(snapshot.StorageClassKind, "")
	f := rule.Finding{
		Field: at, Label: "names no class", Certainty: rule.Likely,
		Message: fmt.Sprintf("%snames no storage class, and none of %s is the default: nobody makes its volume", which, strings.Join(classes[:min(len(classes), 5)], ", ")),
	}
	fix := rule.Fix{Title: "name a class, or make one of them the default", Applicability: rule.Placeholders, YAML: "storageClassName: <CLASS>\n"}
	if p.Files || p.Object.GroupKind() == snapshot.PVCKind {
		fix.Patch = p.Put(at, "<CLASS>")
	}
	p.Report(f).WithFix(fix)
}
