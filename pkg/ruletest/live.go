package ruletest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Live is a cluster as its lists show it: the kinds that a check names and others were read, and one was refused.
type Live struct {
	Now       time.Time // zero: 1970
	Read      []schema.GroupKind
	Refused   schema.GroupKind
	Namespace string             // in which the lists were read; "" is all
	Whole     []schema.GroupKind // that were read of all namespaces all the same
	Objects   []runtime.Object
}

// Snapshot is what such a cluster gives to checks.
func (l Live) Snapshot(t testing.TB, checks ...*rule.Check) *snapshot.Snapshot {
	t.Helper()
	eng, err := engine.New(checks, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := l.Now
	if now.IsZero() {
		now = time.Unix(0, 0)
	}
	s := snapshot.New(now)
	for _, gk := range slices.Concat(eng.Kinds(), l.Read) {
		out, namespace := snapshot.Outcome{State: snapshot.Present}, l.Namespace
		if gk == l.Refused {
			out = snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonForbidden}
		}
		if slices.Contains(l.Whole, gk) {
			namespace = ""
		}
		s.SetOutcome(snapshot.WantList(gk, namespace, ""), out)
	}
	for _, o := range l.Objects {
		gvk := o.GetObjectKind().GroupVersionKind()
		if kinds, _, err := scheme.Scheme.ObjectKinds(o); err == nil {
			gvk = kinds[0]
		}
		if _, err := s.Add(gvk, o.DeepCopyObject(), nil); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Nothing is the verdict of a check that applies to no object.
const Nothing = "nothing"

// Verdict is what the check of that name says of the cluster: "fail", "pass" or "unknown WHY" for each object that
// it applies to, joined by commas, or Nothing. A check that is off is asked all the same.
func (l Live) Verdict(t testing.TB, checks []*rule.Check, id string) string {
	t.Helper()
	check := Named(t, checks, id)
	var got []string
	for _, tally := range Judge(t, l.Snapshot(t, check), check).Tallies {
		for range tally.Fail {
			got = append(got, "fail")
		}
		for _, u := range tally.Unknown {
			got = append(got, "unknown "+u.Reason)
		}
		for range tally.Pass {
			got = append(got, "pass")
		}
	}
	if len(got) == 0 {
		return Nothing
	}
	return strings.Join(got, ", ")
}

// Named is the check of a name, turned on.
func Named(t testing.TB, checks []*rule.Check, id string) *rule.Check {
	t.Helper()
	i := slices.IndexFunc(checks, func(c *rule.Check) bool { return c.ID == id })
	if i < 0 {
		t.Fatalf("there is no check %s", id)
	}
	on := *checks[i]
	on.Off = false
	return &on
}

// Judge runs one check; a panic of it is a failure of the test.
func Judge(t testing.TB, s *snapshot.Snapshot, check *rule.Check) engine.Result {
	t.Helper()
	eng, err := engine.New([]*rule.Check{check}, nil)
	if err != nil {
		t.Fatal(err)
	}
	res := eng.Check(s, nil)
	for _, n := range res.NotEvaluated {
		if n.Reason == snapshot.ReasonFailed {
			t.Errorf("%s: %s", n.Object, n.Detail)
		}
	}
	return res
}
