package state

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVCUnused finds claims that no pod and no workload names.
var PVCUnused = rule.Check{
	ID: "pvc-unused", Title: "a claim that nothing uses", Doc: rule.ReadDoc(docs, "pvc_unused.md"),
	Dimension: rule.Efficiency, Severity: rule.Low, On: rule.Kinds(snapshot.PVCKind),
	Needs: []schema.GroupKind{snapshot.PodKind, snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.ReplicaSetKind, snapshot.DaemonSetKind, snapshot.CronJobKind, snapshot.JobKind},
	Applies: func(p *rule.Pass) bool {
		pvc, ok := p.Object.Typed.(*corev1.PersistentVolumeClaim)
		// One that waits to be bound waits for its first pod, or is broken: both are told elsewhere.
		return ok && (!p.Files || p.Closed) && pvc.DeletionTimestamp == nil && pvc.Status.Phase != corev1.ClaimPending && pvc.Status.Phase != corev1.ClaimLost
	},
	Run: func(p *rule.Pass) {
		pvc, ok := p.Object.Typed.(*corev1.PersistentVolumeClaim)
		if !ok || len(pvc.OwnerReferences) > 0 || waitsForItsUser(pvc) || !pvc.CreationTimestamp.IsZero() && p.Age(pvc.CreationTimestamp.Time) < unusedFor {
			return
		}
		uses := claimUses(p)
		if uses.names[[2]string{p.Object.Namespace, p.Object.Name}] {
			return
		}
		f := rule.Finding{NoField: "no setting is at fault: nothing names it", Certainty: rule.Likely}
		size := pvc.Status.Capacity.Storage()
		if size.IsZero() {
			size = pvc.Spec.Resources.Requests.Storage()
		}
		sts, beyond := uses.setOf(p.Object.Namespace, p.Object.Name)
		switch {
		case sts != nil && !beyond:
			return
		case sts != nil:
			f.Message = fmt.Sprintf("%s that is left over from when %s had more replicas", size, sts)
		default:
			f.Message = fmt.Sprintf("%s that no pod and no workload names", size)
		}
		p.Report(f).WithFix(rule.Fix{
			Title: "find out what is in it, and delete it if nobody needs it", Applicability: rule.NeedsThought,
			Caution: "with the reclaim policy Delete its data goes with it. A tool that names claims in objects of its own kind may use it",
		})
	},
	Peers: map[string][]string{"popeye": {"POP-400"}, "clusterlint": {"unused-pvc"}},
}

// waitsForItsUser tells claims of programs that start pods when somebody comes, and that keep what is theirs meanwhile: homes
// of JupyterHub, and disks of virtual machines. Source: the labels and annotations of KubeSpawner and of KubeVirt's importer.
func waitsForItsUser(pvc *corev1.PersistentVolumeClaim) bool {
	if pvc.Annotations["hub.jupyter.org/username"] != "" || pvc.Labels["component"] == "singleuser-storage" || pvc.Labels["app"] == "containerized-data-importer" {
		return true
	}
	for key := range pvc.Annotations {
		if strings.HasPrefix(key, "cdi.kubevirt.io/") {
			return true
		}
	}
	return false
}

// unusedFor is how long a claim may be there before somebody uses it.
const unusedFor = 24 * time.Hour

type usesKey struct{}

// uses are the claims that something names.
type uses struct {
	names map[[2]string]bool
	sets  map[string][]*snapshot.Object // StatefulSets with claim templates, by namespace
}

func claimUses(p *rule.Pass) uses {
	return snapshot.Derived(p.Snapshot, usesKey{}, func() uses {
		u := uses{map[[2]string]bool{}, map[string][]*snapshot.Object{}}
		for _, o := range p.All() {
			if sts, ok := o.Typed.(*appsv1.StatefulSet); ok && len(sts.Spec.VolumeClaimTemplates) > 0 {
				u.sets[o.Namespace] = append(u.sets[o.Namespace], o)
			}
			if o.Content != nil {
				named(o.Content, func(claim string) { u.names[[2]string{o.Namespace, claim}] = true })
			}
			for _, t := range o.Templates {
				for i := range t.Spec.Volumes {
					switch v := &t.Spec.Volumes[i]; {
					case v.PersistentVolumeClaim != nil:
						u.names[[2]string{o.Namespace, v.PersistentVolumeClaim.ClaimName}] = true
					case v.Ephemeral != nil && o.Pod() != nil:
						u.names[[2]string{o.Namespace, o.Name + "-" + v.Name}] = true
					}
				}
			}
		}
		return u
	})
}

// named finds the claims that an object of others names, wherever that is: runs of pipelines and virtual machines have volumes,
// and no pod template.
func named(content any, use func(claim string)) {
	switch t := content.(type) {
	case map[string]any:
		for key, v := range t {
			if claim, ok := v.(string); ok && (key == "claimName" || key == "existingClaim") {
				use(claim)
				continue
			}
			named(v, use)
		}
	case []any:
		for _, v := range t {
			named(v, use)
		}
	}
}

// setOf is the StatefulSet that made a claim, by its name; beyond tells whether it has no pod of that number. One that is
// scaled to none keeps its claims for when it comes back.
func (u uses) setOf(namespace, claim string) (sts *snapshot.Object, beyond bool) {
	for _, o := range u.sets[namespace] {
		set, ok := o.Typed.(*appsv1.StatefulSet)
		if !ok {
			continue
		}
		for i := range set.Spec.VolumeClaimTemplates {
			rest, ok := strings.CutPrefix(claim, set.Spec.VolumeClaimTemplates[i].Name+"-"+set.Name+"-")
			n, err := strconv.Atoi(rest)
			if !ok || err != nil {
				continue
			}
			first, replicas := 0, 1
			if set.Spec.Ordinals != nil {
				first = int(set.Spec.Ordinals.Start)
			}
			if set.Spec.Replicas != nil {
				replicas = int(*set.Spec.Replicas)
			}
			return o, replicas > 0 && n >= first+replicas
		}
	}
	return nil, false
}
