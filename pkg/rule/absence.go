package rule

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Absence is an object that a field names and that is not there.
type Absence struct {
	Ref       snapshot.Ref
	Field     *field.Path
	Where     string    // "does not exist", "is not in the input"
	Certainty Certainty // certain where a server, or who gave the files, says so
	Nearest   string    // a name of its kind and namespace that is alike; may be empty
}

// Absent looks up the object that the field at path names: nil where it is there, and where nobody can tell,
// which it has said then.
func (p *Pass) Absent(path *field.Path, ref snapshot.Ref) *Absence {
	o, out := p.Lookup(ref.GroupKind(), ref.Namespace, ref.Name)
	switch {
	case o != nil:
		return nil
	case out.State == snapshot.Absent && !p.Beside && p.namedByOperator(ref):
		p.Unknown("%s: an operator may make it", ref)
		return nil
	case out.State == snapshot.Absent:
	case out.Reason == snapshot.ReasonNotInFiles, p.Beside:
		p.Unresolved(path, ref)
		return nil
	default:
		p.Unknown("%s: %s", ref, out.Reason)
		return nil
	}
	a := &Absence{Ref: ref, Field: path, Where: "does not exist", Certainty: Proof(out), Nearest: knowledge.Nearest(ref.Name, p.Names(ref.GroupKind(), ref.Namespace))}
	switch {
	case p.Beside:
		a.Where = "is neither in the input nor in the cluster"
	case p.Files:
		a.Where = "is not in the input"
	}
	return a
}

// Proof is how certain a verdict on an outcome may be: a list that lacks a name proves nothing.
func Proof(out snapshot.Outcome) Certainty {
	if out.Proven {
		return Certain
	}
	return Likely
}

// Finding says that the object is missing: the message gets the nearest name added.
func (a *Absence) Finding(format string, args ...any) Finding {
	f := Finding{Field: a.Field, Value: a.Ref.Name, Certainty: a.Certainty, Label: a.Where, Message: fmt.Sprintf(format, args...)}
	if a.Nearest != "" {
		f.Message += fmt.Sprintf("; there is %q", a.Nearest)
	}
	return f
}

// Fix names the nearest object instead, with verb before it ("scale", "lead to"); where none is alike, it is
// otherwise in words.
func (a *Absence) Fix(p *Pass, verb, otherwise string) Fix {
	fix := Fix{Title: otherwise, Applicability: NeedsThought}
	if a.Nearest != "" {
		fix.Title = fmt.Sprintf("%s %q, the nearest that there is", verb, a.Nearest)
		fix.Caution = "the name is alike; that it is the right one, only you know"
		fix.Patch = p.Put(a.Field, a.Nearest)
		fix.Command = p.Live(fix.Patch)
	}
	return fix
}

// Live is the command that patches the object of this Pass on its cluster; nil for one of a file, which is
// mended in the file.
func (p *Pass) Live(patch *Patch) []string {
	if p.Files || patch == nil || p.sink.NoFixes {
		return nil
	}
	return p.PatchCommand(p.Object.Ref, patch)
}
