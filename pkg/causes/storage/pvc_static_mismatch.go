package storage

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVCStaticMismatch finds claims for a volume that people make by hand, where one is there and nearly
// fits, or none is there at all.
var PVCStaticMismatch = rule.Cause{
	ID: "pvc-static-mismatch", Title: "no volume made by hand fits the claim", Doc: rule.ReadDoc(docs, "pvc_static_mismatch.md"),
	Peers: map[string][]string{"popeye": {"POP-1003"}},
	Stage: rule.StageNotScheduled, On: rule.Kinds(snapshot.PVCKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		pvc := pendingClaim(p)
		if pvc == nil {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantList(snapshot.PVKind, "", "")}
		if class, _ := classOf(pvc); class != "" {
			wants = append(wants, snapshot.WantGet(snapshot.StorageClassKind, "", class))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if pvc := pendingClaim(p); pvc != nil && byHand(p, pvc) {
			switch near, fits := nearestVolume(pvc, volumes(p)); {
			case near != nil:
				reportMismatch(p, near)
			case !fits && p.ListRead(snapshot.PVKind, ""):
				reportNoVolume(p, pvc)
			}
		}
	},
}

// byHand tells whether nothing will make a volume for the claim: somebody must.
func byHand(p *rule.Pass, pvc *corev1.PersistentVolumeClaim) bool {
	class, named := classOf(pvc)
	if pvc.Spec.VolumeName != "" || named && class == "" {
		return true
	}
	if !named {
		return false
	}
	if sc := storageClass(p, class); sc != nil {
		return sc.Provisioner == noProvisioner
	}
	_, out := p.Lookup(snapshot.StorageClassKind, "", class)
	return out.State == snapshot.Absent || p.Event(p.Object, "ProvisioningFailed", fmt.Sprintf("%q not found", class)) != nil
}

// misfit is one way in which a volume does not do for a claim.
type misfit struct {
	field *field.Path // of the claim
	word  string
	asks  string
	has   string
}

// candidate is a volume, and why it does not do.
type candidate struct {
	pv      *corev1.PersistentVolume
	misfits []misfit
}

// nearestVolume is the volume that would do but for one thing or two; fits tells that one does, so
// that the controller will bind it.
func nearestVolume(pvc *corev1.PersistentVolumeClaim, all []*corev1.PersistentVolume) (best *candidate, fits bool) {
	for _, pv := range all {
		c := &candidate{pv, misfits(pvc, pv)}
		if len(c.misfits) == 0 {
			return nil, true
		}
		if related(pvc, pv, c.misfits) && (best == nil || c.distance() < best.distance()) {
			best = c
		}
	}
	return best, false
}

// reportNoVolume says that a claim wants a volume made by hand, and that nobody has made one. What names a
// class that does not exist is told by pvc-class-missing.
func reportNoVolume(p *rule.Pass, pvc *corev1.PersistentVolumeClaim) {
	class, named := classOf(pvc)
	sc := storageClass(p, class)
	if !named || class != "" && sc == nil || pvc.Spec.VolumeName != "" || sc != nil && len(users(p)) == 0 {
		return
	}
	f := rule.Finding{
		Object: p.Object.Ref, Field: field.NewPath("spec", "storageClassName"), Value: class, Certainty: rule.Likely,
		Message:  "asks for no class but a volume made by hand, and none is free that is like it",
		Label:    "an empty class means: no provisioner, only volumes that people make",
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.phase", Text: fmt.Sprintf("phase: Pending; %s of class %q", rule.Count(sameClass(p, class), "volume"), class)}},
		Fix:      &rule.Fix{Title: "make a PersistentVolume that fits, or claim storage of a class that has a provisioner", Caution: again(p), Applicability: rule.NeedsThought},
	}
	if sc != nil {
		f.Message = fmt.Sprintf("its class %q has no provisioner, and no volume made by hand is free that is like it", class)
		f.Label = "volumes of this class are made by hand"
	}
	if e := p.Event(p.Object, "FailedBinding"); e != nil {
		f.Certainty = rule.Certain
		f.Evidence = append(f.Evidence, rule.EventEvidence(e))
	}
	p.Report(f)
}

func sameClass(p *rule.Pass, class string) int {
	n := 0
	for _, pv := range volumes(p) {
		if pv.Spec.StorageClassName == class {
			n++
		}
	}
	return n
}

// distance is how much is wrong with a volume; another class is worse than all else.
func (c *candidate) distance() int {
	n := len(c.misfits)
	for _, m := range c.misfits {
		if m.word == "class" {
			n += 10
		}
	}
	return n
}

// related tells whether a volume can be the one that was meant: the claim names it, or its class and,
// for the claim, little is wrong with it.
func related(pvc *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolume, list []misfit) bool {
	if pvc.Spec.VolumeName == pv.Name {
		return true
	}
	ref := pv.Spec.ClaimRef
	if ref != nil && ref.Namespace == pvc.Namespace && ref.Name == pvc.Name {
		return true
	}
	if pvc.Spec.VolumeName != "" || pv.Status.Phase == corev1.VolumeBound || len(list) > 2 {
		return false
	}
	class := className(pvc)
	if class != pv.Spec.StorageClassName {
		return class != "" && knowledge.Nearest(class, []string{pv.Spec.StorageClassName}) != "" && len(list) == 1
	}
	return class != "" || len(list) == 1
}

// misfits compares as the volume controller does. Source: k8s.io/component-helpers storage/volume, FindMatchingVolume.
func misfits(pvc *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolume) []misfit {
	spec := field.NewPath("spec")
	var list []misfit
	if asks, has := pvc.Spec.Resources.Requests[corev1.ResourceStorage], pv.Spec.Capacity[corev1.ResourceStorage]; has.Cmp(asks) < 0 {
		list = append(list, misfit{spec.Child("resources", "requests", "storage"), "size", asks.String(), has.String()})
	}
	for _, mode := range pvc.Spec.AccessModes {
		if !slices.Contains(pv.Spec.AccessModes, mode) {
			list = append(list, misfit{spec.Child("accessModes"), "access mode", modes(pvc.Spec.AccessModes), modes(pv.Spec.AccessModes)})
			break
		}
	}
	if asks := className(pvc); asks != pv.Spec.StorageClassName {
		list = append(list, misfit{spec.Child("storageClassName"), "class", asks, pv.Spec.StorageClassName})
	}
	if asks, has := mode(pvc.Spec.VolumeMode), mode(pv.Spec.VolumeMode); asks != has {
		list = append(list, misfit{spec.Child("volumeMode"), "volume mode", asks, has})
	}
	if s := pvc.Spec.Selector; s != nil {
		if selector, err := snapshot.SelectorOf(s); err == nil && !selector.Matches(labels.Set(pv.Labels)) {
			list = append(list, misfit{spec.Child("selector"), "selector", metav1.FormatLabelSelector(s), labels.Set(pv.Labels).String()})
		}
	}
	switch ref := pv.Spec.ClaimRef; {
	case ref == nil:
	case ref.Namespace == pvc.Namespace && ref.Name == pvc.Name && ref.UID != "" && pvc.UID != "" && ref.UID != pvc.UID:
		list = append(list, misfit{nil, "owner", "uid " + string(pvc.UID), "uid " + string(ref.UID)})
	case ref.Namespace != pvc.Namespace || ref.Name != pvc.Name:
		list = append(list, misfit{nil, "owner", pvc.Namespace + "/" + pvc.Name, ref.Namespace + "/" + ref.Name})
	}
	return list
}

func mode(m *corev1.PersistentVolumeMode) string {
	if m == nil {
		return string(corev1.PersistentVolumeFilesystem)
	}
	return string(*m)
}

func modes(list []corev1.PersistentVolumeAccessMode) string {
	names := make([]string, 0, len(list))
	for _, m := range list {
		names = append(names, string(m))
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

func reportMismatch(p *rule.Pass, c *candidate) {
	first := c.misfits[0]
	ref := pvRef(c.pv.Name)
	f := rule.Finding{Object: p.Object.Ref, Certainty: rule.Likely}
	var said []string
	for _, m := range c.misfits {
		said = append(said, fmt.Sprintf("%s: asks for %s, has %s", m.word, orNone(m.asks), orNone(m.has)))
	}
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: ref, Field: "spec", Text: fmt.Sprintf("%s, %s: %s", ref.String(), phase(c.pv), strings.Join(said, "; "))})
	for _, reason := range []string{"VolumeMismatch", "FailedBinding", "ProvisioningFailed"} {
		if e := p.Event(p.Object, reason); e != nil {
			if reason == "VolumeMismatch" || strings.Contains(e.Message, "already bound") {
				f.Certainty = rule.Certain
			}
			f.Evidence = append(f.Evidence, rule.EventEvidence(e))
			break
		}
	}
	if first.field == nil {
		reportTaken(p, c, &f)
		return
	}
	f.Field, f.Value = first.field, first.asks
	f.Message = fmt.Sprintf("waits for a volume made by hand, and %s would do but for its %s: the claim asks for %s, the volume has %s", ref.String(), first.word, orNone(first.asks), orNone(first.has))
	f.Label = fmt.Sprintf("%s has %s", ref.String(), orNone(first.has))
	if len(c.misfits) > 1 {
		f.Message = fmt.Sprintf("waits for a volume made by hand, and %s, which comes nearest, does not fit: %s", ref.String(), strings.Join(said, "; "))
		for _, m := range c.misfits[1:] {
			if m.field != nil {
				f.Marks = append(f.Marks, rule.Mark{Field: m.field, Label: "does not fit either: the volume has " + orNone(m.has)})
			}
		}
	}
	f.RuledOut = []string{"a provisioner that fails: none makes volumes for this claim"}
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("ask for what %s has, or make a volume that fits", ref.String()),
		Caution:       again(p),
		Applicability: rule.NeedsThought,
		YAML:          "spec:\n",
	}
	for _, m := range c.misfits {
		switch m.word {
		case "size":
			f.Fix.YAML += "  resources:\n    requests:\n      storage: " + m.has + "\n"
		case "access mode":
			f.Fix.YAML += "  accessModes: [" + m.has + "]\n"
		case "class":
			f.Fix.YAML += fmt.Sprintf("  storageClassName: %q\n", m.has)
		case "volume mode":
			f.Fix.YAML += "  volumeMode: " + m.has + "\n"
		case "selector":
			f.Fix.YAML += "  selector:\n    matchLabels: <LABELS OF THE VOLUME>\n"
			f.Fix.Applicability = rule.Placeholders
		}
	}
	p.Report(f)
}

// reportTaken says that the volume still belongs to another claim.
func reportTaken(p *rule.Pass, c *candidate, f *rule.Finding) {
	ref := pvRef(c.pv.Name)
	at := rule.Setting{Object: ref, Path: field.NewPath("spec", "claimRef")}
	f.Object, f.Field, f.Value = ref, at.Child("name").Path, c.pv.Spec.ClaimRef.Name
	f.Seen = p.Object.Ref
	owner := c.pv.Spec.ClaimRef.Namespace + "/" + c.pv.Spec.ClaimRef.Name
	f.Message = fmt.Sprintf("waits for a volume made by hand, and %s, which would do, is kept for claim %s", ref.String(), owner)
	f.Label = "kept for this claim"
	f.Fix = &rule.Fix{Title: fmt.Sprintf("make another volume, or release %s", ref.String()), Applicability: rule.NeedsThought, Object: ref, Caution: fmt.Sprintf("what claim %s wrote is still on it, and whoever gets it can read that: keep or erase it first", owner)}
	if pvc, ok := p.Object.Typed.(*corev1.PersistentVolumeClaim); ok && c.pv.Spec.ClaimRef.Namespace == pvc.Namespace && c.pv.Spec.ClaimRef.Name == pvc.Name && c.pv.Status.Phase != corev1.VolumeBound {
		reportEarlier(p, c, f, at.Child("uid"))
		return
	}
	ops := []rule.Op{{Op: "test", Path: at.Child("name").Pointer(), Value: c.pv.Spec.ClaimRef.Name}, {Op: "remove", Path: at.Pointer()}}
	if c.pv.Status.Phase == corev1.VolumeBound {
		f.Fix.Title = "make another volume: this one is in use"
		f.Fix.Caution = ""
		p.Report(*f)
		return
	}
	f.Fix.Patch = &rule.Patch{Type: "json", Body: ops}
	f.Fix.Command = p.PatchCommand(ref, f.Fix.Patch)
	p.Report(*f)
}

// reportEarlier says that the volume is kept for a claim of the same name that is no more.
func reportEarlier(p *rule.Pass, c *candidate, f *rule.Finding, uid rule.Setting) {
	ref := uid.Object
	old := string(c.pv.Spec.ClaimRef.UID)
	f.Field, f.Value = uid.Path, old
	f.Message = fmt.Sprintf("waits for a volume made by hand, and %s, which would do, is kept for an earlier claim of this name", ref.String())
	f.Label = "the identity of the earlier claim, which is deleted; this one has another"
	f.Evidence[0].Text = fmt.Sprintf("%s, %s: kept for claim %s with uid %s; %s has uid %s", ref.String(), phase(c.pv), c.pv.Spec.ClaimRef.Name, old, p.Object.String(), p.Object.Meta.GetUID())
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("let this claim have %s: without the uid it is kept for the name alone, and nobody else can take it", ref.String()),
		Caution:       "the data of the earlier claim is still on it, and the pods will find it there: erase it first where that is not what is wanted",
		Applicability: rule.NeedsThought, Object: ref,
		Patch: &rule.Patch{Type: "json", Body: []rule.Op{{Op: "test", Path: uid.Pointer(), Value: old}, {Op: "remove", Path: uid.Pointer()}}},
	}
	f.Fix.Command = p.PatchCommand(ref, f.Fix.Patch)
	p.Report(*f)
}

func phase(pv *corev1.PersistentVolume) string {
	if pv.Status.Phase == "" {
		return "phase unknown"
	}
	return string(pv.Status.Phase)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
