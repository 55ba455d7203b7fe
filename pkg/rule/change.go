package rule

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Change is a JSON patch that sets the setting, whatever the object has there now. Where the object was
// not read, seen is what the pod has: it is tested first.
func (p *Pass) Change(s Setting, seen, value any) *Patch {
	if o := p.whole(s); o != nil {
		return PutIn(o, s.Path, value)
	}
	return s.ReplaceValue(seen, value)
}

// Has tells whether the setting is written down in the object that holds it; an object that was not read
// has what its pod has.
func (p *Pass) Has(s Setting) bool {
	o := p.whole(s)
	if o == nil {
		return true
	}
	v, ok := ValueAt(o, s.Path)
	return ok && v != nil
}

// whole is the object of a setting, where it was read.
func (p *Pass) whole(s Setting) *snapshot.Object {
	o, _ := p.Lookup(s.Object.GroupKind(), s.Object.Namespace, s.Object.Name)
	return o
}

// ChangeCommand are the words of `kubectl patch` with the patch. A placeholder that stands for a number
// loses its quotes: what is filled in must not become text.
func (p *Pass) ChangeCommand(o snapshot.Ref, patch *Patch, numbers ...string) []string {
	words := p.PatchCommand(o, patch)
	for i := range words {
		for _, n := range numbers {
			words[i] = strings.ReplaceAll(words[i], `"`+n+`"`, n)
		}
	}
	return words
}

// At is the setting of the same object at a path.
func (s Setting) At(path *field.Path) Setting { return Setting{s.Object, path} }
