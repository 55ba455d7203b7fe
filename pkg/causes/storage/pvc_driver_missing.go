package storage

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// patience is how long a provisioner may take before its silence means something.
const patience = 30 * time.Second

// PVCDriverMissing finds claims that wait for a provisioner which does not answer.
var PVCDriverMissing = rule.Cause{
	ID: "pvc-driver-missing", Title: "no provisioner makes the claim's volume", Doc: rule.ReadDoc(docs, "pvc_driver_missing.md"),
	Peers: map[string][]string{"popeye": {"POP-1003"}},
	Stage: rule.StageNotScheduled, On: rule.Kinds(snapshot.PVCKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		pvc := pendingClaim(p)
		if pvc == nil {
			return nil
		}
		class, _ := classOf(pvc)
		if class == "" {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantGet(snapshot.StorageClassKind, "", class)}
		if sc := storageClass(p, class); sc != nil && strings.Contains(sc.Provisioner, ".") && sc.Provisioner != noProvisioner && (askedFor(pvc, sc.Provisioner) || p.Event(p.Object, "ExternalProvisioning") != nil) {
			wants = append(wants, snapshot.WantGet(snapshot.CSIDriverKind, "", sc.Provisioner))
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		pvc := pendingClaim(p)
		if pvc == nil {
			return
		}
		class, _ := classOf(pvc)
		sc := storageClass(p, class)
		event := p.Event(p.Object, "ExternalProvisioning", "external provisioner")
		if sc == nil || sc.Provisioner == noProvisioner || p.Event(p.Object, "ProvisioningFailed") != nil {
			return
		}
		asked := askedFor(pvc, sc.Provisioner)
		if event == nil && !asked || p.Age(pvc.CreationTimestamp.Time) < 10*time.Second {
			return
		}
		reportDriver(p, sc.Name, sc.Provisioner, event, asked)
	},
}

// The volume controller notes in the claim whom it waits for.
// Source: k8s.io/component-helpers storage/volume, AnnStorageProvisioner and its beta.
const (
	provisionerAnnotation     = "volume.kubernetes.io/storage-provisioner"
	betaProvisionerAnnotation = "volume.beta.kubernetes.io/storage-provisioner"
)

// askedFor tells whether the volume controller has passed the claim on to a provisioner.
func askedFor(pvc *corev1.PersistentVolumeClaim, driver string) bool {
	return pvc.Annotations[provisionerAnnotation] == driver || pvc.Annotations[betaProvisionerAnnotation] == driver
}

func reportDriver(p *rule.Pass, class, driver string, event *corev1.Event, asked bool) {
	age := p.Age(p.Object.Meta.GetCreationTimestamp().Time)
	ref := snapshot.Ref{APIVersion: "storage.k8s.io/v1", Kind: "StorageClass", Name: class}
	f := rule.Finding{
		Object: ref, Field: field.NewPath("provisioner"), Value: driver, Certainty: rule.Likely,
		Message: fmt.Sprintf("waits for a volume from provisioner %s, and the cluster has no driver of that name", driver),
		Label:   "no CSIDriver of this name: whoever makes the volumes is not installed",
	}
	if event != nil {
		f.Evidence = append(f.Evidence, rule.EventEvidence(event))
	}
	if asked {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "metadata.annotations", Text: fmt.Sprintf("Pending for %s; the volume controller waits for provisioner %s", rule.Human(age), driver)})
	}
	f.Fix = &rule.Fix{
		Title: fmt.Sprintf("install the driver %s, or claim storage of a class whose driver is there", driver), Applicability: rule.NeedsThought,
		Caution: again(p),
	}
	_, out := p.Lookup(snapshot.CSIDriverKind, "", driver)
	switch out.State {
	case snapshot.Absent:
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Text: fmt.Sprintf("the API has no csidriver/%s", driver)})
		f.RuledOut = []string{fmt.Sprintf("the class: storageclass/%s is there", class)}
	case snapshot.Present:
		if age < patience {
			return
		}
		f.Certainty = rule.Possible
		f.Label = "the driver is registered"
		f.Message = fmt.Sprintf("waits for a volume from provisioner %s for %s without a word from it: do the pods of the driver's controller run? their log would tell", driver, rule.Human(age))
		f.Fix = &rule.Fix{Title: fmt.Sprintf("see whether the controller of %s runs, and what its log says", driver), Applicability: rule.NeedsThought}
	default:
		if age < patience {
			return
		}
		f.Certainty = rule.Possible
		f.Label = "is this driver installed?"
		f.Message = fmt.Sprintf("waits for a volume from provisioner %s for %s: is it installed, and does it run? its CSIDriver could not be read", driver, rule.Human(age))
	}
	p.Report(f)
}
