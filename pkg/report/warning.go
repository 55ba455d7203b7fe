package report

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// warning is the newest event that warns of a target which is not well, or of what it controls, where no cause
// is known: what Kubernetes itself has to say. What the state says already is not said twice.
func (b *Builder) warning(d engine.Diagnosis) *Evidence {
	target, _ := b.Snapshot.Lookup(d.Target.GroupKind(), d.Target.Namespace, d.Target.Name)
	if target == nil || d.Health.State != engine.Unhealthy || len(d.Findings) > 0 {
		return nil
	}
	var newest *corev1.Event
	var of snapshot.Ref
	var look func(o *snapshot.Object, depth int)
	look = func(o *snapshot.Object, depth int) {
		if o.Pod() != nil && (rule.PodReady(o.Pod()) || o.Pod().Status.Phase == corev1.PodSucceeded) && depth > 0 {
			return // what it warned of is over
		}
		for _, e := range b.Snapshot.EventsOf(o) {
			if e.Type == corev1.EventTypeWarning && (newest == nil || !snapshot.EventTime(e).Before(snapshot.EventTime(newest))) {
				newest, of = e, o.Ref
			}
		}
		if depth == ownedLevels {
			return
		}
		for _, child := range b.Snapshot.Owned(o) {
			look(child, depth+1)
		}
	}
	look(target, 0)
	if newest == nil || strings.Contains(d.Health.Text, strings.TrimSpace(newest.Message)) {
		return nil
	}
	out := &Evidence{Source: string(rule.FromEvent), Object: of, Text: newest.Reason + ": " + ends(newest.Message)}
	if n := snapshot.EventCount(newest); n > 1 {
		out.Text += " (" + rule.Count(n, "time") + ")"
	}
	if at := snapshot.EventTime(newest); !at.IsZero() {
		t := metav1.NewTime(at)
		out.Time = &t
	}
	return out
}

// ownedLevels is how many controllers stand above a pod at most: a CronJob, a Job.
const ownedLevels = 3

const (
	startLetters = 80
	endLetters   = 160
)

// ends are the start and the end of a message, without credentials: what was wanted stands at the start, and
// what went wrong behind all who passed it on.
func ends(message string) string {
	text := []rune(knowledge.Mask(strings.Join(strings.Fields(message), " ")))
	if len(text) > startLetters+endLetters {
		return `"` + string(text[:startLetters]) + " ... " + string(text[len(text)-endLetters:]) + `"`
	}
	return `"` + string(text) + `"`
}
