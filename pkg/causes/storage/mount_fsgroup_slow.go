package storage

import (
	"fmt"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// MountFSGroupSlow finds pods that wait until the kubelet has given all files of a volume to their group.
var MountFSGroupSlow = rule.Cause{
	ID: "mount-fsgroup-slow", Title: "fsGroup: all files of a volume change owner", Doc: rule.ReadDoc(docs, "mount_fsgroup_slow.md"),
	Stage: rule.StageVolume, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if ownershipEvent(p) == nil {
			return nil
		}
		var wants []snapshot.Want
		for _, v := range p.Object.Pod().Spec.Volumes {
			if v.PersistentVolumeClaim != nil {
				wants = append(wants, snapshot.WantGet(snapshot.PVCKind, p.Object.Namespace, v.PersistentVolumeClaim.ClaimName))
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		if e := ownershipEvent(p); e != nil {
			reportOwnership(p, e)
		}
	},
}

// The kubelet's words, 30 seconds after it began and every minute from then on. Source: pkg/volume/volume_linux.go.
var (
	ownershipOf = knowledge.Regexp(`Setting volume ownership for ([^,\s]+)`)
	filesSoFar  = knowledge.Regexp(`processed (\d+) files`)
)

// ownershipEvent is the kubelet's word that changing owners takes long.
func ownershipEvent(p *rule.Pass) *corev1.Event {
	if !waitsForVolumes(p) {
		return nil
	}
	e := p.Event(p.Object, "VolumePermissionChangeInProgress")
	if e == nil || !ownershipOf.MatchString(e.Message) {
		return nil
	}
	return e
}

func reportOwnership(p *rule.Pass, e *corev1.Event) {
	pod := p.Object.Pod()
	spec := p.PodSpec()
	policy := spec.Child("securityContext", "fsGroupChangePolicy")
	group, name := "its fsGroup", ownedVolume(p, e)
	var have corev1.PodFSGroupChangePolicy
	if sc := pod.Spec.SecurityContext; sc != nil {
		if sc.FSGroup != nil {
			group = fmt.Sprintf("its fsGroup %d", *sc.FSGroup)
		}
		if sc.FSGroupChangePolicy != nil {
			have = *sc.FSGroupChangePolicy
		}
	}
	f := rule.Finding{
		Object: policy.Object, Seen: p.Object.Ref, Field: policy.Path, Value: string(have), Certainty: rule.Certain,
		Message:  fmt.Sprintf("no container starts before the kubelet has given every file of %s to %s: %s so far", name, group, rule.Human(p.Age(pod.CreationTimestamp.Time))),
		Label:    "the default, Always: every file, at every start of the pod",
		Evidence: []rule.Evidence{rule.EventEvidence(e)},
		RuledOut: []string{"a volume that cannot be mounted: it is, and the kubelet walks through it"},
	}
	if m := filesSoFar.FindStringSubmatch(e.Message); m != nil {
		f.Message += fmt.Sprintf(", %s files", m[1])
	}
	if have == corev1.FSGroupChangeOnRootMismatch {
		f.Field, f.Label, f.Value = nil, "", ""
		f.NoField = "fsGroupChangePolicy is OnRootMismatch already: this happens once, since the volume's top folder has another owner"
		f.Fix = &rule.Fix{Title: "wait until it is done; later starts do not do it again", Caution: "a pod that is deleted meanwhile begins anew", Applicability: rule.NeedsThought}
		p.Report(f)
		return
	}
	f.Fix = &rule.Fix{
		Title:         "change owners only where the top folder of the volume has another one; later starts are then quick",
		Caution:       "the present walk goes on until it is done, or the next pod begins it anew: where it is nearly through, let it finish first. Files deep inside that have another group stay so",
		Applicability: rule.NeedsThought, Object: policy.Object,
	}
	if o, _ := p.Lookup(policy.Object.GroupKind(), policy.Object.Namespace, policy.Object.Name); o != nil && o.Pod() == nil {
		f.Fix.Patch = rule.PutIn(o, policy.Path, string(corev1.FSGroupChangeOnRootMismatch))
		f.Fix.Command = p.PatchCommand(policy.Object, f.Fix.Patch)
	} else {
		f.Fix.YAML = "securityContext:\n  fsGroupChangePolicy: OnRootMismatch\n"
	}
	p.Report(f)
}

// ownedVolume words the volume whose folder the kubelet names: UID/volumes/PLUGIN/NAME, with /mount behind it
// for CSI drivers. NAME is the volume's own, or that of the PersistentVolume.
func ownedVolume(p *rule.Pass, e *corev1.Event) string {
	folder := strings.TrimSuffix(strings.TrimRight(ownershipOf.FindStringSubmatch(e.Message)[1], "/"), "/mount")
	base := path.Base(folder)
	for _, v := range p.Object.Pod().Spec.Volumes {
		c := v.PersistentVolumeClaim
		if v.Name == base {
			return fmt.Sprintf("volume %q", v.Name)
		}
		if c != nil && boundTo(p, c.ClaimName) == base {
			return fmt.Sprintf("volume %q (persistentvolumeclaim/%s)", v.Name, c.ClaimName)
		}
	}
	return "a volume"
}
