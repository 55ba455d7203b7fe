package security

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
)

// DataMounted finds workloads that mount Secrets, ConfigMaps or claims.
var DataMounted = rule.Check{
	ID: "data-mounted", Title: "mounts a Secret, a ConfigMap or a claim", Doc: rule.ReadDoc(docs, "data_mounted.md"),
	Dimension: rule.Security, Severity: rule.Info, Off: true, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil {
				continue
			}
			var at *field.Path
			var names []string
			add := func(path *field.Path, volume string, data []string) {
				if users, _ := mountedBy(t, volume); len(data) == 0 || len(users) == 0 {
					return
				}
				if at == nil {
					at = path
				}
				names = append(names, data...)
			}
			for i, v := range t.Spec.Volumes {
				add(t.SpecPath().Child("volumes").Index(i), v.Name, dataOf(v))
			}
			if set, ok := p.Object.Typed.(*appsv1.StatefulSet); ok {
				for i, claim := range set.Spec.VolumeClaimTemplates {
					add(field.NewPath("spec", "volumeClaimTemplates").Index(i), claim.Name, []string{"claims made by the template " + claim.Name})
				}
			}
			if at == nil {
				continue
			}
			p.Report(rule.Finding{
				Field: at, Label: "readable by whoever gets into the container",
				Message: fmt.Sprintf("mounts %s: whoever gets into it can read them", strings.Join(names, ", ")),
			}).WithFix(rule.Fix{
				Title: "mount what no container reads nowhere, and the rest in the one container that reads it", Applicability: rule.NeedsThought,
				Caution: "a program may read a file only once a month",
			})
		}
	},
	Peers: map[string][]string{"kubescape": {"workload-mounted-secrets", "workload-mounted-configmap", "workload-mounted-pvc"}},
}

// dataOf are the objects whose data is in a volume.
func dataOf(v corev1.Volume) []string {
	var names []string
	switch {
	case v.Secret != nil:
		names = append(names, "secret/"+v.Secret.SecretName)
	case v.ConfigMap != nil:
		names = append(names, "configmap/"+v.ConfigMap.Name)
	case v.PersistentVolumeClaim != nil:
		names = append(names, "persistentvolumeclaim/"+v.PersistentVolumeClaim.ClaimName)
	case v.Ephemeral != nil:
		names = append(names, "a claim made for volume "+v.Name)
	case v.Projected != nil:
		for _, s := range v.Projected.Sources {
			switch {
			case s.Secret != nil:
				names = append(names, "secret/"+s.Secret.Name)
			case s.ConfigMap != nil:
				names = append(names, "configmap/"+s.ConfigMap.Name)
			}
		}
	}
	return names
}
