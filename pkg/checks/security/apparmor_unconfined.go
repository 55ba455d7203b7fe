package security

import (
	"fmt"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AppArmorUnconfined finds containers for which AppArmor is switched off.
var AppArmorUnconfined = rule.Check{
	ID: "apparmor-unconfined", Title: "AppArmor is switched off", Doc: rule.ReadDoc(docs, "apparmor_unconfined.md"),
	Dimension: rule.Security, Severity: rule.Medium, On: rule.Workloads, Applies: ofUser,
	Run: standard(appArmorUnconfined, "", "appArmorProfile"),
	Peers: map[string][]string{
		"kubesec": {"ApparmorAny", "ApparmorUnconfined"},
	},
}

// appArmorNote begins the annotation by which a container's profile was chosen before there was a field.
const appArmorNote = corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix

// appArmorOpen tells of a profile that is written and confines nothing.
func appArmorOpen(a *corev1.AppArmorProfile) bool {
	return a != nil && a.Type != corev1.AppArmorProfileTypeRuntimeDefault && a.Type != corev1.AppArmorProfileTypeLocalhost
}

func appArmorUnconfined(p *rule.Pass, t snapshot.Template) []rule.Finding {
	var found []rule.Finding
	notes := openNotes(t)
	inherit := 0
	for _, c := range containers(t) {
		var own *corev1.AppArmorProfile
		if c.SecurityContext != nil {
			own = c.SecurityContext.AppArmorProfile
		}
		_, noted := t.Annotations[appArmorNote+c.Name]
		if own == nil && !noted {
			inherit++
		}
		note := notes[c.Name]
		delete(notes, c.Name)
		if !appArmorOpen(own) && note == nil {
			continue
		}
		f := inContainer(p, c, note)
		f.Label = "AppArmor refuses it nothing"
		var fix *rule.Fix
		if appArmorOpen(own) {
			f.Field, f.Value = c.Path.Child("securityContext", "appArmorProfile", "type"), string(own.Type)
			f.Message = fmt.Sprintf("appArmorProfile of %s is %s: AppArmor refuses it nothing", named(one(c)), f.Value)
			fix = confineAppArmor(p, c.Path)
			if note != nil {
				f.Marks = append(f.Marks, rule.Mark{Field: note})
				fix.Patch = fix.Patch.And(p.Drop(note))
				fix.Command = p.Live(fix.Patch)
			}
		} else {
			f.Value = t.Annotations[appArmorNote+c.Name]
			f.Message = fmt.Sprintf("the annotation for AppArmor says %s for %s: AppArmor refuses it nothing", f.Value, named(one(c)))
			fix = dropNote(p, note)
		}
		if isPrivileged(c) {
			f.Severity = rule.Low // runtimes leave AppArmor out for these anyway
			f.Message += ", as for everything that is privileged"
		}
		found = append(found, withFix(f, c, fix))
	}
	for _, name := range sortedKeys(notes) {
		value := t.Annotations[appArmorNote+name]
		fix := dropNote(p, notes[name])
		fix.Title, fix.Caution = "take the annotation out", "where the name is misspelled, the container that was meant is confined now, and stays so"
		found = append(found, rule.Finding{
			Seen: p.Object.In(name), Field: notes[name], Value: value, Severity: rule.Low, Fix: fix,
			Message: fmt.Sprintf("the annotation for AppArmor says %s for container %q, which is not there", value, name),
		})
	}
	if sc := t.Spec.SecurityContext; sc != nil && appArmorOpen(sc.AppArmorProfile) {
		f := rule.Finding{Field: t.SpecPath().Child("securityContext", "appArmorProfile", "type"), Value: string(sc.AppArmorProfile.Type), Fix: confineAppArmor(p, t.SpecPath())}
		f.Label = "AppArmor refuses it nothing"
		f.Message = fmt.Sprintf("the pod's appArmorProfile is %s: AppArmor refuses it nothing", f.Value)
		if inherit == 0 {
			f.Severity, f.Label = rule.Low, ""
			f.Message = fmt.Sprintf("the pod's appArmorProfile is %s, though every container has a profile of its own", f.Value)
		}
		found = append(found, f)
	}
	return found
}

// openNotes are the paths of the annotations that switch AppArmor off, by the container they name.
func openNotes(t snapshot.Template) map[string]*field.Path {
	notes := map[string]*field.Path{}
	for key, value := range t.Annotations {
		name, ok := strings.CutPrefix(key, appArmorNote)
		if ok && !controls["appArmorProfile"](&metav1.ObjectMeta{Annotations: map[string]string{key: value}}, &corev1.PodSpec{}).Allowed {
			notes[name] = metadataPath(t).Child("annotations").Key(key)
		}
	}
	return notes
}

func sortedKeys(m map[string]*field.Path) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

const appArmorCaution = "what the runtime's profile forbids fails with \"permission denied\", mounting and tracing other processes above all; most services do neither"

func confineAppArmor(p *rule.Pass, base *field.Path) *rule.Fix {
	return harden(p, "set the runtime's own profile", appArmorCaution,
		p.Put(base.Child("securityContext", "appArmorProfile", "type"), string(corev1.AppArmorProfileTypeRuntimeDefault)),
		rule.Nest("RuntimeDefault", "securityContext", "appArmorProfile", "type"))
}

func dropNote(p *rule.Pass, note *field.Path) *rule.Fix {
	return harden(p, "take the annotation out: without it the runtime's own profile holds", appArmorCaution, p.Drop(note), "")
}
