package memory

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// OOMTmpfs finds containers that were killed at a memory limit against which a volume counts that they
// may fill.
var OOMTmpfs = rule.Cause{
	ID: "oom-tmpfs", Title: "a volume in memory counts against its limit", Doc: rule.ReadDoc(docs, "oom_tmpfs.md"),
	Stage: rule.StageExit, Beats: []string{"oom-own-limit", "app-exit", "init-failing", "restart-after-long-run"}, On: rule.Pods,
	Wants: wantsOfKilled,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			d, ok := oomKilled(p, c)
			if !ok {
				continue
			}
			limit, ok := own(c)
			if !ok || limit.Value() <= 0 {
				continue
			}
			if v := inMemory(p, c, limit); v != nil {
				reportTmpfs(p, c, d, limit, v)
			}
		}
	},
}

// smallVolume is the part of a limit below which a volume's own limit makes it an unlikely reason: one
// fourth.
const smallVolume = 4

// inMemory is the largest volume in memory into which the container may write and which may take a good
// part of its limit; nil for none.
func inMemory(p *rule.Pass, c snapshot.Container, limit resource.Quantity) *corev1.Volume {
	var found *corev1.Volume
	volumes := p.Object.Pod().Spec.Volumes
	for _, m := range c.VolumeMounts {
		for i := range volumes {
			v := &volumes[i]
			if v.Name != m.Name || m.ReadOnly || v.EmptyDir == nil || v.EmptyDir.Medium != corev1.StorageMediumMemory {
				continue
			}
			most := v.EmptyDir.SizeLimit
			if most != nil && !most.IsZero() && most.Value() < limit.Value()/smallVolume {
				continue
			}
			if found == nil || most == nil || found.EmptyDir.SizeLimit != nil && most.Cmp(*found.EmptyDir.SizeLimit) > 0 {
				found = v
			}
		}
	}
	return found
}

// volumeSetting is a volume of the pod in the object to change.
func volumeSetting(p *rule.Pass, name string) rule.Setting {
	spec := p.PodSpec()
	list := p.Object.Pod().Spec.Volumes
	if top := p.TopOwner(p.Object); top.Same(spec.Object) && len(top.Templates) > 0 && top.Templates[0].Spec != nil {
		list = top.Templates[0].Spec.Volumes
	}
	for i := range list {
		if list[i].Name == name {
			return spec.Child("volumes").Index(i)
		}
	}
	return spec.Child("volumes")
}

func reportTmpfs(p *rule.Pass, c snapshot.Container, d *rule.Death, limit resource.Quantity, v *corev1.Volume) {
	volume := volumeSetting(p, v.Name).Child("emptyDir")
	most, value := "without a limit of its own", "Memory"
	setting := volume.Child("medium")
	sized := v.EmptyDir.SizeLimit != nil && !v.EmptyDir.SizeLimit.IsZero()
	if sized {
		setting, value = volume.Child("sizeLimit"), v.EmptyDir.SizeLimit.String()
		most = "up to " + value
	}
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: value,
		Message: fmt.Sprintf("hits its own %s memory limit, against which all files in volume %s count (%s): %s", limit.String(), v.Name, most, killedText(d)),
		Label:   "lies in memory: each file counts as memory of the container that writes it",
		Evidence: append([]rule.Evidence{p.DeathEvidence(c, d),
			{Source: rule.FromSpec, Object: p.Object.Ref, Field: "spec.volumes", Text: fmt.Sprintf("volume %s: emptyDir in memory, %s; mounted to write", v.Name, most)},
		}, p.LastLogLines(c, 1)...),
		Certainty: rule.Likely, // how much of it was files is in no status
		History:   d.Over,
		Stage:     stage(c),
		RuledOut:  notNode(p),
	}
	limits := p.ContainerSetting(c).Child("resources", "limits", "memory")
	if limits.Object.Same(f.Object) && p.Has(limits) {
		f.Marks = []rule.Mark{{Field: limits.Path, Label: "the kernel kills the container here"}}
	}
	caution := "how much lies in it only df in the container tells; its files outlive the container, and the next life starts with them"
	if sized {
		sum := limit.DeepCopy()
		sum.Add(*v.EmptyDir.SizeLimit)
		f.Fix = &rule.Fix{
			Title:         fmt.Sprintf("let the limit hold both: %s for the volume and the %s that it has now", value, limit.String()),
			Caution:       caution + ". Or have the volume on disk, or a smaller sizeLimit",
			Applicability: rule.NeedsThought,
			Object:        limits.Object,
		}
		set := func(fix *rule.Fix, to string) {
			fix.Patch = p.Change(limits, limit.String(), to)
			fix.Command = p.SetResources(limits.Object, c.Name, "", "memory="+to)
		}
		set(f.Fix, sum.String())
		bound(p, &f, rule.Growth{Container: c, Resource: corev1.ResourceMemory, From: limit, To: sum}, set)
	} else {
		patch := p.Change(setting, "Memory", "")
		f.Fix = &rule.Fix{
			Title:         "have the volume on disk; or give it a sizeLimit, and add that to the memory limit",
			Caution:       caution + ". On disk it is slower, counts as ephemeral storage, and what is secret in it is written to the node's disk",
			Applicability: rule.NeedsThought,
			Patch:         patch,
			Command:       p.PatchCommand(setting.Object, patch),
		}
	}
	p.Report(f)
}
