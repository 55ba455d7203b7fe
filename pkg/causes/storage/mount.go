package storage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The kubelet's words, from its volume plugins. A projected volume has its parts in one message.
var volumeName = knowledge.Regexp(`MountVolume\.SetUp failed for volume "[^"]+"`)

// part is one ConfigMap or Secret that a volume of the pod is made from.
type part struct {
	volume   string
	setting  func(spec rule.Setting, i int) rule.Setting // of the part, in volume i
	kind     schema.GroupKind
	name     string
	nameKey  string // the field that holds the name
	items    []corev1.KeyToPath
	optional bool
}

func (p part) ref(namespace string) snapshot.Ref {
	return snapshot.Ref{APIVersion: "v1", Kind: p.kind.Kind, Namespace: namespace, Name: p.name}
}

// parts lists what a volume is made from.
func parts(v corev1.Volume) []part {
	yes := func(b *bool) bool { return b != nil && *b }
	var list []part
	if s := v.Secret; s != nil {
		at := func(spec rule.Setting, i int) rule.Setting { return spec.Child("volumes").Index(i).Child("secret") }
		list = append(list, part{v.Name, at, snapshot.SecretKind, s.SecretName, "secretName", s.Items, yes(s.Optional)})
	}
	if c := v.ConfigMap; c != nil {
		at := func(spec rule.Setting, i int) rule.Setting {
			return spec.Child("volumes").Index(i).Child("configMap")
		}
		list = append(list, part{v.Name, at, snapshot.ConfigMapKind, c.Name, "name", c.Items, yes(c.Optional)})
	}
	if v.Projected == nil {
		return list
	}
	for j, source := range v.Projected.Sources {
		at := func(kind string) func(rule.Setting, int) rule.Setting {
			return func(spec rule.Setting, i int) rule.Setting {
				return spec.Child("volumes").Index(i).Child("projected", "sources").Index(j).Child(kind)
			}
		}
		if s := source.Secret; s != nil {
			list = append(list, part{v.Name, at("secret"), snapshot.SecretKind, s.Name, "name", s.Items, yes(s.Optional)})
		}
		if c := source.ConfigMap; c != nil {
			list = append(list, part{v.Name, at("configMap"), snapshot.ConfigMapKind, c.Name, "name", c.Items, yes(c.Optional)})
		}
	}
	return list
}

// waitsForVolumes tells whether the pod has a node and none of its containers has ever run: what
// a volume lacks can only matter then.
func waitsForVolumes(p *rule.Pass) bool {
	pod := p.Object.Pod()
	if pod == nil || pod.Spec.NodeName == "" || pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodPending {
		return false
	}
	return rule.NothingMade(p.Object)
}

// missing are the parts of the pod's volumes that are not there: the kubelet's event says so, or,
// when events are gone, the API has said that there is no such object and the pod has waited.
type missing struct {
	part
	event *corev1.Event
	late  bool // it was made after the event: the kubelet has not tried again yet
}

func missingParts(p *rule.Pass, kind schema.GroupKind) []missing {
	if !waitsForVolumes(p) {
		return nil
	}
	var list []missing
	for _, v := range p.Object.Pod().Spec.Volumes {
		for _, part := range parts(v) {
			if part.kind != kind || part.optional || part.name == "" {
				continue
			}
			found, out := p.Lookup(kind, p.Object.Namespace, part.name)
			e := missingEvent(p, part)
			switch {
			case found != nil:
				if e != nil && found.Meta.GetCreationTimestamp().After(snapshot.EventTime(e)) {
					list = append(list, missing{part, e, true})
				}
			case e != nil, out.State == snapshot.Absent && (out.Proven || p.Age(p.Object.Pod().CreationTimestamp.Time) > time.Minute):
				list = append(list, missing{part, e, false})
			}
		}
	}
	return list
}

func missingEvent(p *rule.Pass, part part) *corev1.Event {
	return mountEvent(p, part.volume, fmt.Sprintf("%s %q not found", strings.ToLower(part.kind.Kind), part.name))
}

// mountEvent is the newest event of a volume that could not be mounted, with the words.
func mountEvent(p *rule.Pass, volume, text string) *corev1.Event {
	e := p.Event(p.Object, "FailedMount", fmt.Sprintf("%q", volume), text)
	if e == nil || !volumeName.MatchString(e.Message) {
		return nil
	}
	return e
}

// wantParts asks whether the parts that may be missing are there.
func wantParts(p *rule.Pass, kind schema.GroupKind) []snapshot.Want {
	if !waitsForVolumes(p) {
		return nil
	}
	var wants []snapshot.Want
	for _, v := range p.Object.Pod().Spec.Volumes {
		for _, part := range parts(v) {
			if part.kind == kind && !part.optional && part.name != "" && part.name != "kube-root-ca.crt" {
				wants = append(wants, snapshot.WantGet(kind, p.Object.Namespace, part.name))
			}
		}
	}
	return wants
}

// settingOf is a part in the object to change; a volume that its template does not have, because
// admission added it, is the pod's own.
func settingOf(p *rule.Pass, part part) rule.Setting {
	spec := p.PodSpec()
	owner, _ := p.Lookup(spec.Object.GroupKind(), spec.Object.Namespace, spec.Object.Name)
	if owner != nil && len(owner.Templates) > 0 {
		for i, v := range owner.Templates[0].Spec.Volumes {
			if v.Name == part.volume {
				return part.setting(spec, i)
			}
		}
	}
	for i, v := range p.Object.Pod().Spec.Volumes {
		if v.Name == part.volume {
			if owner != nil {
				spec = rule.Setting{Object: p.Object.Ref, Path: p.Object.Templates[0].SpecPath()}
			}
			return part.setting(spec, i)
		}
	}
	return spec
}

// reportParts says that ConfigMaps or Secrets of volumes are not there: all of a pod's in one finding, on what the
// kubelet speaks of. It speaks of one volume at a time, and of env only once all volumes are there.
func reportParts(p *rule.Pass, kind schema.GroupKind) {
	var said *missing
	for _, m := range append(missingParts(p, snapshot.ConfigMapKind), missingParts(p, snapshot.SecretKind)...) {
		if !m.late && (said == nil || said.event == nil && m.event != nil) {
			said = &m
		}
	}
	names := p.Missing()
	for _, m := range missingParts(p, kind) {
		first := said != nil && m.kind == said.kind && m.name == said.name
		named := slices.ContainsFunc(names, func(r rule.Reference) bool { return r.Kind == m.kind && r.Name == m.name })
		switch {
		case first && m.volume != said.volume: // another volume of the same
		case m.late, first, !named:
			reportMissing(p, m)
		}
	}
}

// reportMissing says that a volume's ConfigMap or Secret is not there.
func reportMissing(p *rule.Pass, m missing) {
	setting := settingOf(p, m.part).Child(m.nameKey)
	ref := m.ref(p.Object.Namespace)
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.Ref, Field: setting.Path, Value: m.name,
		Message:   fmt.Sprintf("%s does not exist, which volume %q is made from: no container can start", ref.String(), m.volume),
		Label:     fmt.Sprintf("no %s of this name in namespace %s", m.kind.Kind, ref.Namespace),
		Certainty: rule.Likely,
	}
	if m.late {
		reportLate(p, m, f)
		return
	}
	_, out := p.Lookup(m.kind, ref.Namespace, m.name)
	if m.event != nil {
		f.Certainty = rule.Certain
		f.Evidence = append(f.Evidence, rule.EventEvidence(m.event))
	}
	if out.State == snapshot.Absent {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: ref, Text: fmt.Sprintf("the API has no %s in namespace %s", ref.String(), ref.Namespace)})
	}
	if m.event == nil {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Field: "status", Text: fmt.Sprintf("Pending on node/%s for %s, no container has started", p.Object.Pod().Spec.NodeName, rule.Human(p.Age(p.Object.Pod().CreationTimestamp.Time)))})
	}
	if m.event != nil {
		f.RuledOut = []string{fmt.Sprintf("a key that is missing: the kubelet did not find %s itself", ref.String())}
	}
	names := p.Names(m.kind, ref.Namespace)
	if near := knowledge.Nearest(m.name, names); near != "" {
		patch := setting.ReplaceValue(m.name, near)
		f.Label = fmt.Sprintf("not there; there is %q", near)
		f.Fix = &rule.Fix{
			Title:         fmt.Sprintf("use %s, the nearest that is there", strings.ToLower(m.kind.Kind)+"/"+near),
			Caution:       "the name is alike; that its content is meant, only you know",
			Applicability: rule.NeedsThought, Patch: patch, Command: p.PatchCommand(setting.Object, patch),
		}
		p.AlsoMissing(&f, m.kind, m.name)
		p.Report(f)
		return
	}
	create := []string{"create", "configmap", m.name, "--from-file=<FILE>"}
	if m.kind == snapshot.SecretKind {
		create = []string{"create", "secret", "generic", m.name, "--from-file=<FILE>"}
	}
	f.Fix = &rule.Fix{
		Title:         fmt.Sprintf("create %s in namespace %s, or name one that is there in %s", ref.String(), ref.Namespace, setting.Object.String()),
		Caution:       "the pod starts by itself within two minutes after that",
		Applicability: rule.Placeholders, Object: ref, Command: create,
	}
	p.AlsoMissing(&f, m.kind, m.name)
	p.Report(f)
}

// reportLate says that what was missing is there now: nothing is left to change.
func reportLate(p *rule.Pass, m missing, f rule.Finding) {
	ref := m.ref(p.Object.Namespace)
	made, _ := p.Lookup(m.kind, ref.Namespace, m.name)
	at := made.Meta.GetCreationTimestamp().Time
	f.Field, f.Value, f.Label = nil, "", ""
	f.NoField = "nothing is left to change: what the volume is made from is there now"
	f.Message = fmt.Sprintf("waited for %s, which is there since %s: the kubelet tries again within two minutes", ref.String(), rule.Human(p.Age(at)))
	f.Evidence = []rule.Evidence{
		rule.EventEvidence(m.event),
		{Source: rule.FromStatus, Object: ref, Field: "metadata.creationTimestamp", Time: at, Text: ref.String() + " was created"},
	}
	f.Fix = &rule.Fix{Title: "wait for two minutes; a new pod would not wait at all", Applicability: rule.NeedsThought}
	p.Report(f)
}
