package state

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// StorageClassImmediate finds classes that choose a zone before anybody knows where the pod will run.
var StorageClassImmediate = rule.Check{
	ID: "storageclass-immediate", Title: "volumes are put into a zone before their pods are", Doc: rule.ReadDoc(docs, "storageclass_immediate.md"),
	Dimension: rule.State, Severity: rule.Medium, On: rule.Kinds(snapshot.StorageClassKind),
	Needs: []schema.GroupKind{snapshot.NodeKind},
	Applies: func(p *rule.Pass) bool {
		c, ok := p.Object.Typed.(*storagev1.StorageClass)
		return ok && driverOf(c.Provisioner).zonal
	},
	Run: func(p *rule.Pass) {
		c, ok := p.Object.Typed.(*storagev1.StorageClass)
		if !ok || c.VolumeBindingMode != nil && *c.VolumeBindingMode != storagev1.VolumeBindingImmediate || oneZone(c) || unusedClass(p, c) {
			return
		}
		zones := zonesOf(p)
		if len(zones) < 2 {
			return
		}
		at := field.NewPath("volumeBindingMode")
		mode := "volumeBindingMode Immediate"
		f := rule.Finding{Field: at, Label: "the zone is chosen at once"}
		if c.VolumeBindingMode == nil {
			mode += " (the default)"
		} else {
			f.Value = string(*c.VolumeBindingMode)
		}
		f.Message = fmt.Sprintf("%s, and the nodes are in %d zones (%s): a volume is made in a zone where its pod may find no room, and then it stays Pending", mode, len(zones), strings.Join(zones, ", "))
		fix := rule.Fix{
			Title: "let the volume wait for its pod: WaitForFirstConsumer", Applicability: rule.NeedsThought,
			Caution: "the mode of a class cannot be changed: delete the class and create it anew, which leaves claims and volumes as they are",
		}
		fix.YAML = "volumeBindingMode: WaitForFirstConsumer\n"
		if p.Files {
			fix.Patch = p.Put(at, string(storagev1.VolumeBindingWaitForFirstConsumer))
		}
		p.Report(f).WithFix(fix)
	},
}

// oneZone tells whether a class makes volumes in a single zone, whatever its mode.
func oneZone(c *storagev1.StorageClass) bool {
	if z := c.Parameters["zone"]; z != "" && !strings.Contains(z, ",") {
		return true
	}
	if len(c.AllowedTopologies) != 1 {
		return false
	}
	for _, e := range c.AllowedTopologies[0].MatchLabelExpressions {
		if len(e.Values) == 1 && strings.HasSuffix(e.Key, "zone") {
			return true
		}
	}
	return false
}

type zonesKey struct{}

// zonesOf are the zones of the nodes that were read.
func zonesOf(p *rule.Pass) []string {
	return snapshot.Derived(p.Snapshot, zonesKey{}, func() []string {
		zones := map[string]bool{}
		for _, o := range p.List(snapshot.NodeKind, "") {
			if z := o.Meta.GetLabels()[corev1.LabelTopologyZone]; z != "" {
				zones[z] = true
			}
		}
		return slices.Sorted(maps.Keys(zones))
	})
}
