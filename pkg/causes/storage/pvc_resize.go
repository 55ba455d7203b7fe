package storage

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVCResize finds claims that ask for more than their volume has, where it does not grow.
var PVCResize = rule.Cause{
	ID: "pvc-resize", Title: "the volume does not grow as asked", Doc: rule.ReadDoc(docs, "pvc_resize.md"),
	Stage: rule.StageCondition, On: rule.Kinds(snapshot.PVCKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		r := growing(p)
		if r == nil {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantEvents(p.Object.Ref), snapshot.WantList(snapshot.PodKind, p.Object.Namespace, ""), snapshot.WantGet(snapshot.PVKind, "", r.pvc.Spec.VolumeName)}
		if class, _ := classOf(r.pvc); class != "" {
			wants = append(wants, snapshot.WantGet(snapshot.StorageClassKind, "", class))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if r := growing(p); r != nil {
			r.report(p)
		}
	},
}

// resizePatience is how long a storage may take to enlarge a volume before that means something.
const resizePatience = 2 * time.Minute

// growth is a claim that asks for more than it has.
type growth struct {
	pvc       *corev1.PersistentVolumeClaim
	asks, has resource.Quantity
}

func growing(p *rule.Pass) *growth {
	pvc, ok := p.Object.Typed.(*corev1.PersistentVolumeClaim)
	if !ok || pvc.DeletionTimestamp != nil || pvc.Status.Phase != corev1.ClaimBound {
		return nil
	}
	r := &growth{pvc: pvc, asks: pvc.Spec.Resources.Requests[corev1.ResourceStorage], has: pvc.Status.Capacity[corev1.ResourceStorage]}
	if r.has.IsZero() || r.asks.Cmp(r.has) <= 0 {
		return nil
	}
	return r
}

// condition is a condition of the claim that holds, or nil.
func (r *growth) condition(kind corev1.PersistentVolumeClaimConditionType) *corev1.PersistentVolumeClaimCondition {
	for i, c := range r.pvc.Status.Conditions {
		if c.Type == kind && c.Status == corev1.ConditionTrue {
			return &r.pvc.Status.Conditions[i]
		}
	}
	return nil
}

func (r *growth) report(p *rule.Pass) {
	size := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "resources", "requests", "storage")}
	f := rule.Finding{
		Object: size.Object, Field: size.Path, Value: r.asks.String(), Certainty: rule.Certain,
		Label:    fmt.Sprintf("the volume still has %s", r.has.String()),
		Evidence: []rule.Evidence{{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.capacity", Text: fmt.Sprintf("capacity %s, asked for %s", r.has.String(), r.asks.String())}},
	}
	controller, node := r.condition(corev1.PersistentVolumeClaimControllerResizeError), r.condition(corev1.PersistentVolumeClaimNodeResizeError)
	pending, resizing := r.condition(corev1.PersistentVolumeClaimFileSystemResizePending), r.condition(corev1.PersistentVolumeClaimResizing)
	status := r.pvc.Status.AllocatedResourceStatuses[corev1.ResourceStorage]
	switch {
	case controller != nil || status == corev1.PersistentVolumeClaimControllerResizeInfeasible:
		r.refused(p, &f, controller, "the storage behind it refuses")
	case node != nil || status == corev1.PersistentVolumeClaimNodeResizeInfeasible:
		r.refused(p, &f, node, "the node that has it mounted fails")
		f.Fix = &rule.Fix{Title: "see what the driver on that node says; a pod that is started anew mounts the volume again, and it is tried once more", Caution: "the disk itself has grown already: the request cannot be lowered any more", Applicability: rule.NeedsThought}
	case pending != nil || status == corev1.PersistentVolumeClaimNodeResizePending:
		if !r.onNode(p, &f, pending) {
			return
		}
	case p.Event(p.Object, "VolumeResizeFailed") != nil:
		r.refused(p, &f, nil, "the storage behind it fails")
	case resizing != nil:
		if p.Age(resizing.LastTransitionTime.Time) < resizePatience {
			return
		}
		f.Certainty = rule.Likely
		f.Message = fmt.Sprintf("is to grow from %s to %s; the storage behind it has been at it for %s, and has not said that it failed", r.has.String(), r.asks.String(), rule.Human(p.Age(resizing.LastTransitionTime.Time)))
		f.Evidence = append(f.Evidence, conditionText(p, *resizing))
		f.Fix = &rule.Fix{Title: "wait, and see what the log of the driver's resizer says: some storages allow one change in hours", Applicability: rule.NeedsThought}
	default:
		if !r.nobody(p, &f) {
			return
		}
	}
	p.Report(f)
}

func conditionText(p *rule.Pass, c corev1.PersistentVolumeClaimCondition) rule.Evidence {
	text := string(c.Type)
	if c.Message != "" {
		text += ": " + rule.Quote(c.Message)
	}
	return rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status.conditions[" + string(c.Type) + "]", Time: c.LastTransitionTime.Time, Text: text}
}

// refused says that somebody tried to enlarge the volume, and failed.
func (r *growth) refused(p *rule.Pass, f *rule.Finding, c *corev1.PersistentVolumeClaimCondition, who string) {
	said := ""
	if c != nil {
		f.Evidence = append(f.Evidence, conditionText(p, *c))
		said = c.Message
	}
	if e := p.Event(p.Object, "VolumeResizeFailed"); e != nil {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromEvent, Object: p.Object.Ref, Time: snapshot.EventTime(e), Text: e.Reason + ": " + rule.Quote(e.Message)})
		if said == "" {
			said = e.Message
		}
	}
	if m := rpcError.FindStringSubmatch(said); m != nil {
		said = m[2]
	}
	f.Message = fmt.Sprintf("cannot grow from %s to %s: %s", r.has.String(), r.asks.String(), who)
	if said != "" {
		f.Message += ": " + rule.Quote(head(said))
	}
	f.Fix = r.less(p, "mend what the message names, and it is tried again; or ask for a size that the storage can give")
}

// onNode says that the file system on the volume is still the small one: the kubelet enlarges it when it mounts
// the volume, and for most drivers also while it is mounted.
func (r *growth) onNode(p *rule.Pass, f *rule.Finding, c *corev1.PersistentVolumeClaimCondition) bool {
	list := users(p)
	if !p.ListRead(snapshot.PodKind, p.Object.Namespace) {
		list = nil
	}
	if c != nil {
		f.Evidence = append(f.Evidence, conditionText(p, *c))
		if len(list) > 0 && p.Age(c.LastTransitionTime.Time) < resizePatience {
			return false
		}
	}
	f.Message = fmt.Sprintf("its disk has grown to %s, the file system on it has still %s: the kubelet enlarges that when a pod mounts it", r.asks.String(), r.has.String())
	if len(list) == 0 {
		f.Message += ", and no pod was found that uses it"
		f.Fix = &rule.Fix{Title: "nothing: it grows with the next pod that uses the claim", Applicability: rule.NeedsThought}
		return true
	}
	f.RuledOut = []string{"the storage behind it: the disk itself has its new size"}
	pod := list[0]
	top := p.TopOwner(pod)
	f.Fix = &rule.Fix{Title: fmt.Sprintf("start the pod that uses it (%s) anew, so that the volume is mounted again", pod.String()), Caution: "nothing serves from it meanwhile", Applicability: rule.NeedsThought, Object: pod.Ref, Command: []string{"delete", pod.String()}}
	if top == pod {
		f.Fix.Caution = "nobody makes a pod without a controller again: keep its manifest first"
		f.Fix.Command = nil
	}
	return true
}

// nobody says that nobody enlarges the volume; false where it is too early to tell.
func (r *growth) nobody(p *rule.Pass, f *rule.Finding) bool {
	at := time.Time{}
	if m := p.Object.ManagerOf("spec.resources.requests.storage"); m != nil {
		at = m.Time
	}
	e := p.Event(p.Object, "ExternalExpanding")
	if e != nil {
		at = snapshot.EventTime(e)
		f.Evidence = append(f.Evidence, rule.EventEvidence(e))
	}
	if !at.IsZero() && p.Age(at) < patience {
		return false
	}
	driver, byHand, known := r.driver(p)
	f.Message = fmt.Sprintf("asks for %s and has %s, and nobody enlarges the volume", r.asks.String(), r.has.String())
	f.Fix = &rule.Fix{Title: "where the room is needed, make a larger volume with a claim of its own and move the data there", Applicability: rule.NeedsThought, Caution: "nothing is broken meanwhile: the claim works with what it has. The request cannot be taken back to that"}
	switch {
	case byHand:
		f.Message += fmt.Sprintf(": it was made by hand (%s), and Kubernetes enlarges only what a storage driver makes", driver)
		f.RuledOut = []string{"a driver that fails: this kind of volume has none that could enlarge it"}
		if e == nil {
			f.Certainty = rule.Likely
		}
	case known:
		f.Certainty = rule.Possible
		f.Message += fmt.Sprintf(": does the resizer of the driver %s run? the log of the driver's controller would tell", driver)
		f.Fix.Title, f.Fix.Caution = fmt.Sprintf("see whether the controller of %s runs, and has a resizer beside it (csi-resizer)", driver), ""
	default:
		f.Certainty = rule.Possible
		f.Message += fmt.Sprintf(": persistentvolume/%s, which was not read, would tell who should", r.pvc.Spec.VolumeName)
	}
	return true
}

// driver is who made the volume, and whether it was made by hand of something that cannot grow.
func (r *growth) driver(p *rule.Pass) (name string, byHand, known bool) {
	o, _ := p.Lookup(snapshot.PVKind, "", r.pvc.Spec.VolumeName)
	if o == nil {
		return "", false, false
	}
	pv, ok := o.Typed.(*corev1.PersistentVolume)
	if !ok {
		return "", false, false
	}
	switch s := pv.Spec.PersistentVolumeSource; {
	case s.CSI != nil:
		return s.CSI.Driver, false, true
	case s.HostPath != nil:
		return "hostPath", true, true
	case s.Local != nil:
		return "local", true, true
	case s.NFS != nil:
		return "nfs", true, true
	case s.ISCSI != nil:
		return "iscsi", true, true
	case s.FC != nil:
		return "fc", true, true
	}
	class, _ := classOf(r.pvc)
	if sc := storageClass(p, class); sc != nil {
		return sc.Provisioner, sc.Provisioner == noProvisioner, true
	}
	return "", false, false
}

// less asks for a size between what the volume has and what was asked for. The API takes nothing below that, and
// not the size that it has. Source: kubernetes, ValidatePersistentVolumeClaimUpdate, 1.34 and later.
func (r *growth) less(p *rule.Pass, title string) *rule.Fix {
	size := rule.Setting{Object: p.Object.Ref, Path: field.NewPath("spec", "resources", "requests", "storage")}
	patch := size.ReplaceValue(r.asks.String(), "<SIZE>")
	return &rule.Fix{
		Title: title, Applicability: rule.Placeholders, Object: p.Object.Ref, Patch: patch, Command: p.PatchCommand(p.Object.Ref, patch),
		Caution: fmt.Sprintf("the command asks for less than %s; it must be more than the %s that the volume has, and Kubernetes before 1.34 may refuse it", r.asks.String(), r.has.String()),
	}
}
