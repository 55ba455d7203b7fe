package efficiency

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// MemoryUnitSlip finds quantities that can only be meant in another unit.
var MemoryUnitSlip = rule.Check{
	ID: "memory-unit-slip", Title: "quantity in the wrong unit", Doc: rule.ReadDoc(docs, "memory_unit_slip.md"),
	Dimension: rule.Efficiency, Severity: rule.High, On: rule.Workloads,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil {
				continue
			}
			if r := t.Spec.Resources; r != nil {
				slips(p, p.Object.Ref, t.SpecPath(), *r)
			}
			for _, c := range t.Containers() {
				slips(p, p.Object.In(c.Name), c.Path, c.Resources)
			}
		}
	},
}

// slip is one quantity in the wrong unit.
type slip struct {
	list    string // requests or limits
	name    corev1.ResourceName
	value   string
	message string
	meant   string // "" where that cannot be guessed
	unsure  bool
}

func (s slip) at(parent *field.Path) *field.Path { return resources(parent, s.list, s.name) }

// Nothing that Kubernetes runs lives in less than a megabyte, and few nodes have more cores than this.
var (
	leastMemory = resource.MustParse("1Mi")
	manyCores   = resource.MustParse("64")
	mostMeant   = resource.MustParse("64Gi") // a guess that comes out above is no guess
)

// slips reports the wrong units in the resources of a container, or of the pod as a whole.
func slips(p *rule.Pass, seen snapshot.Ref, parent *field.Path, r corev1.ResourceRequirements) {
	var found []slip
	for _, list := range []struct {
		name   string
		values corev1.ResourceList
	}{{"requests", r.Requests}, {"limits", r.Limits}} {
		word := strings.TrimSuffix(list.name, "s")
		if q, ok := list.values[corev1.ResourceMemory]; ok && q.Sign() > 0 && q.Cmp(leastMemory) < 0 {
			found = append(found, memorySlip(list.name, word, written(p, resources(parent, list.name, corev1.ResourceMemory), q)))
		}
		// A high limit beside a sane request is a choice; alone it is the request too.
		asked, both := r.Requests[corev1.ResourceCPU]
		if q, ok := list.values[corev1.ResourceCPU]; ok && q.Cmp(manyCores) >= 0 && (!both || asked.Cmp(manyCores) >= 0) {
			s := slip{list: list.name, name: corev1.ResourceCPU, unsure: true}
			s.value = written(p, s.at(parent), q)
			s.message = fmt.Sprintf("cpu %s %s is %s whole cores", word, s.value, q.String())
			if digits(s.value) {
				s.meant = s.value + "m"
			}
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return
	}
	f := rule.Finding{Seen: seen, Field: found[0].at(parent), Value: found[0].value, Message: found[0].message, Certainty: rule.Likely}
	if seen.Container != "" {
		f.Message = who(seen) + ": " + f.Message
	}
	f.Fix = &rule.Fix{Title: "write the unit that is meant", Caution: "the unit is guessed: 128Mi are mebibytes, 500m is half a core", Applicability: rule.NeedsThought}
	yaml, under := "resources:\n", ""
	for i, s := range found {
		if i > 0 {
			f.Message += "; " + s.message
			f.Marks = append(f.Marks, rule.Mark{Field: s.at(parent)})
		}
		if !s.unsure {
			f.Certainty = rule.Certain
		}
		meant := s.meant
		if meant == "" {
			meant, f.Fix.Applicability = "<QUANTITY>", rule.Placeholders
		}
		patch := p.Put(s.at(parent), meant)
		if f.Fix.Patch != nil {
			patch = f.Fix.Patch.And(patch)
		}
		f.Fix.Patch = patch
		if s.list != under {
			under = s.list
			yaml += "  " + under + ":\n"
		}
		yaml += "    " + string(s.name) + ": " + meant + "\n"
	}
	f.Fix.YAML = yaml
	f.Fix.Command = p.Live(f.Fix.Patch)
	p.Report(f)
}

func memorySlip(list, word, text string) slip {
	s := slip{list: list, name: corev1.ResourceMemory, value: text}
	number := s.value
	switch {
	case strings.HasSuffix(s.value, "m"):
		number = strings.TrimSuffix(s.value, "m")
		s.message = fmt.Sprintf("memory %s %s is %s thousandths of a byte", word, s.value, number)
	case digits(s.value):
		s.message = fmt.Sprintf("memory %s %s is %s bytes", word, s.value, number)
	default:
		number = strings.TrimRight(s.value, "kKi")
		s.message = fmt.Sprintf("memory %s %s is less than a megabyte", word, s.value)
	}
	if !digits(number) {
		return s
	}
	if meant, err := resource.ParseQuantity(number + "Mi"); err == nil && meant.Cmp(mostMeant) <= 0 {
		s.meant = number + "Mi"
	}
	return s
}

// written is a quantity as the file has it: the API's own spelling, which is that of q, may differ.
func written(p *rule.Pass, at *field.Path, q resource.Quantity) string {
	if v, ok := rule.ValueAt(p.Object, at); ok {
		switch v.(type) {
		case string, int64, float64:
			return fmt.Sprint(v)
		}
	}
	return q.String()
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
