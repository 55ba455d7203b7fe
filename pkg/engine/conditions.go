package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// condition is one entry of status.conditions of a kind that has no Go type here; where it does not say since when, since the
// object was made.
type condition struct {
	metav1.Condition
	stale bool // it speaks of an older spec
}

// conditionsIn are the conditions in the status of o, or in a part of it.
func conditionsIn(o *snapshot.Object, status map[string]any) []condition {
	var out []condition
	for _, c := range rule.ConditionsIn(status, "conditions") {
		if c.Type == "" {
			continue
		}
		if c.LastTransitionTime.IsZero() {
			c.LastTransitionTime = o.Meta.GetCreationTimestamp()
		}
		seen, ok := c.ObservedGeneration, c.ObservedGeneration != 0
		if !ok {
			seen, ok = snapshot.WholeIn(status, "observedGeneration")
		}
		out = append(out, condition{c, ok && seen < o.Meta.GetGeneration()})
	}
	return out
}

// polarity is what a condition means.
type polarity int

const (
	neutral  polarity = iota // it tells what goes on, not whether that is well: Progressing, Paused, Upgradeable
	positive                 // False is bad
	negative                 // True is bad
)

// Words that a condition's type ends with. The first are those of Kubernetes' own conventions and of the
// projects that follow them (operator SDK, kstatus, Crossplane, Knative, Cluster API, the Gateway API);
// a type that ends with another word is judged by nobody here.
var (
	goodWords = []string{
		"Ready", "Available", "Healthy", "Succeeded", "Successful", "Success", "Synced", "Reconciled", "Established", "Accepted", "Programmed", "Valid",
		"Installed", "Deployed", "Provisioned", "Connected", "Reachable", "Admitted", "Initialized",
	}
	badWords = []string{
		"Degraded", "Stalled", "Failed", "Failing", "Failure", "Error", "Errored", "Unhealthy", "Unavailable", "Unready", "Invalid", "Conflicted",
		"Pressure", "Unreachable", "Irreconcilable", "Misconfigured", "Deadlock", "Disconnected", "Lost", "Corrupted",
	}
	goodTypes = []string{"ResolvedRefs", "NamesAccepted"}
	badTypes  = []string{"ErrorOccurred", "ReadonlyFilesystem", "InvalidSpec", "OutOfDisk"}
)

// polarityOf judges a type by its last word, since the words before say of what: DeploymentAvailable,
// MemoryPressure. What negates that word (NoFailure, NotReady) is told by the one before it.
func polarityOf(kind string) polarity {
	words := camel(kind)
	if len(words) == 0 {
		return neutral
	}
	last := words[len(words)-1]
	of := neutral
	switch {
	case slices.Contains(badWords, last) || slices.Contains(badTypes, kind):
		of = negative
	case slices.Contains(goodWords, last) || slices.Contains(goodTypes, kind):
		of = positive
	}
	if len(words) > 1 {
		switch before := words[len(words)-2]; {
		case before == "Not" && of == positive:
			return negative
		case before == "Not" || before == "No" || before == "Non" || before == "Without":
			return neutral
		case before == "Last" || words[0] == "Last": // LastBackupFailed: of one run, not of the object
			return neutral
		}
	}
	return of
}

// camel splits MemoryPressure into its words.
func camel(text string) []string {
	var words []string
	start := 0
	runes := []rune(text)
	for i := 1; i <= len(runes); i++ {
		if i == len(runes) || unicode.IsUpper(runes[i]) && !unicode.IsUpper(runes[i-1]) || !unicode.IsLetter(runes[i]) {
			if part := strings.TrimFunc(string(runes[start:i]), func(r rune) bool { return !unicode.IsLetter(r) }); part != "" {
				words = append(words, part)
			}
			start = i
		}
	}
	return words
}

// summaries are the types that speak of the whole object, the most telling first. Beside one of them the
// others of an object are parts of it.
var summaries = []string{"Ready", "Available", "Healthy", "Succeeded"}

// apart are the types that say something else than that the object works: that what somebody asked for is
// what it is. They count beside a summary.
var apart = []string{"Synced", "Reconciled", "ReconcileSuccess", "Accepted", "Programmed", "ResolvedRefs"}

// busy are the types that say that a controller is at work on the object.
var busy = []string{"Progressing", "Reconciling", "Issuing", "Updating", "RolloutInProgress"}

// longWork is how long a controller may be at work on an object before that alone is a fault: what
// Kubernetes gives a Deployment (progressDeadlineSeconds).
const longWork = 10 * time.Minute

// conditionHealth reads the standard conditions of a kind that nobody here knows or, where it has none,
// the one word of its status that says how it does.
func conditionHealth(s *snapshot.Snapshot, o *snapshot.Object) Health {
	status, _ := o.Raw()["status"].(map[string]any)
	list := conditionsIn(o, status)
	spec, _ := o.Raw()["spec"].(map[string]any)
	if at := o.Meta.GetDeletionTimestamp(); at != nil {
		return beingDeleted(s, o)
	}
	h, decided := judge(s, list)
	if phase, said := phaseHealth(s, o, status); said && (!decided || phase.State == Unhealthy && h.State == Healthy || phase.State == Idle && h.State == Unhealthy) {
		h, decided = phase, true // what is paused need not be there
	}
	switch {
	case !decided && s.Now.Sub(o.Meta.GetCreationTimestamp().Time) < youth:
		return Health{Starting, "nobody has written how it does yet"}
	case !decided:
		return Health{Unknown, silent}
	}
	for key, text := range map[string]string{"suspend": "suspended", "suspended": "suspended", "paused": "paused"} {
		if off, _ := spec[key].(bool); off {
			h.Text += "; " + text + ", so its controller leaves it as it is"
		}
	}
	return h
}

// judge is what conditions say together; decided is false where none of them says whether all is well.
func judge(s *snapshot.Snapshot, list []condition) (h Health, decided bool) {
	at := func(kind string) *condition {
		if i := slices.IndexFunc(list, func(c condition) bool { return c.Type == kind }); i >= 0 {
			return &list[i]
		}
		return nil
	}
	working := slices.ContainsFunc(list, func(c condition) bool { return c.Status == "True" && slices.Contains(busy, c.Type) && !failing(c) })
	var summary *condition
	for _, kind := range summaries {
		if summary = at(kind); summary != nil {
			break
		}
	}
	var stale, open *condition
	var fine []string
	for i := range list {
		c := &list[i]
		of := polarityOf(c.Type)
		if c.Status == "" && strings.HasSuffix(c.Type, "Error") { // Argo CD lists only what is true
			c.Status = "True"
		}
		if summary != nil && c != summary && of == positive && !slices.Contains(apart, c.Type) {
			continue // a part of what the summary says
		}
		switch {
		case of == neutral && c.Type == "Progressing" && c.Status == "False" && failing(*c):
			return Health{Unhealthy, said(s, *c)}, true
		case of == neutral:
		case c.stale:
			stale = c
		case of == negative && c.Status == "True":
			return Health{Unhealthy, said(s, *c)}, true
		case of == positive && c.Status == "False":
			// The summary speaks for the others, unless it gives no reason and another one does.
			if open == nil || open.Status != "False" || c == summary && (c.Message != "" || open.Message == "") || open.Message == "" && c.Message != "" {
				open = c
			}
		case c.Status == "Unknown" || c.Status == "":
			if open == nil {
				open = c
			}
		default:
			fine = append(fine, c.Type)
		}
	}
	switch {
	case open != nil && open.Type == "Succeeded" && open.Status == "Unknown":
		return Health{Starting, strings.TrimSuffix("runs for "+rule.Human(s.Now.Sub(open.LastTransitionTime.Time))+": "+clip(open.Message), ": ")}, true
	case open != nil && (s.Now.Sub(open.LastTransitionTime.Time) < youth || working && s.Now.Sub(open.LastTransitionTime.Time) < longWork):
		return Health{Starting, said(s, *open)}, true
	case open != nil && open.Status == "False":
		return Health{Unhealthy, said(s, *open)}, true
	case open != nil:
		return Health{Unknown, said(s, *open)}, true
	case stale != nil:
		return Health{Unknown, fmt.Sprintf("%s is %s of an older spec: its controller has not looked at the last change", stale.Type, stale.Status)}, true
	case len(fine) == 0:
		return Health{}, false
	}
	return Health{Healthy, wellWith(list, summary, fine)}, true
}

// failing tells whether a condition that goes by its reason says that it failed.
func failing(c condition) bool {
	for _, w := range []string{"Failed", "Failure", "Error", "DeadlineExceeded", "TimedOut", "Aborted", "WithRetry"} {
		if strings.Contains(c.Reason, w) {
			return true
		}
	}
	return false
}

// wellWith words that conditions are as they should be.
func wellWith(list []condition, summary *condition, fine []string) string {
	if summary != nil && summary.Status == "True" {
		text := strings.ToLower(summary.Type)
		for _, c := range list { // of a part, or of its last backup
			if c.Status == "False" && !c.stale && (polarityOf(c.Type) == positive && !slices.Contains(summaries, c.Type) || strings.HasPrefix(c.Type, "Last") && strings.HasSuffix(c.Type, "Succeeded")) {
				return fmt.Sprintf("%s; %s is False", text, c.Type)
			}
		}
		return text
	}
	var words []string
	for _, c := range list {
		if slices.Contains(fine, c.Type) {
			words = append(words, c.Type+" is "+string(c.Status))
		}
	}
	const few = 3
	if len(words) > few {
		words = append(words[:few], fmt.Sprintf("%d more", len(words)-few))
	}
	return strings.Join(words, ", ")
}

// said quotes a condition.
func said(s *snapshot.Snapshot, c condition) string {
	text := fmt.Sprintf("%s is %s", c.Type, c.Status)
	if age := s.Now.Sub(c.LastTransitionTime.Time); age >= 0 && !c.LastTransitionTime.IsZero() {
		text += " for " + rule.Human(age)
	}
	if c.Reason != "" && c.Reason != c.Type {
		text += " (" + clip(c.Reason) + ")"
	}
	if m := clip(c.Message); m != "" {
		text += ": " + m
	}
	return text
}

// clip is the beginning of what a controller says.
func clip(message string) string {
	text := []rune(knowledge.Mask(strings.Join(strings.Fields(message), " ")))
	if len(text) > endLetters {
		return string(text[:endLetters]) + "..."
	}
	return string(text)
}

// phases are the words with which a status without conditions says how the object does. What is no word of
// these says nothing to anybody but its controller.
var phases = map[string]State{
	"ready": Healthy, "running": Healthy, "active": Healthy, "bound": Healthy, "available": Healthy, "healthy": Healthy, "deployed": Healthy, "online": Healthy, "released": Idle,
	"succeeded": Finished, "completed": Finished, "complete": Finished, "finished": Finished,
	"paused": Idle, "suspended": Idle, "hibernated": Idle, "stopped": Idle,
	"pending": Starting, "creating": Starting, "provisioning": Starting, "progressing": Starting, "initializing": Starting, "updating": Starting, "upgrading": Starting, "deploying": Starting, "deleting": Starting, "terminating": Starting,
	"failed": Unhealthy, "error": Unhealthy, "degraded": Unhealthy, "unhealthy": Unhealthy, "lost": Unhealthy, "missing": Unhealthy, "rejected": Unhealthy, "invalid": Unhealthy,
}

// phaseHealth reads status.phase, status.state or status.health.
func phaseHealth(s *snapshot.Snapshot, o *snapshot.Object, status map[string]any) (Health, bool) {
	for _, at := range []struct {
		name, value, message string
	}{
		{"health", snapshot.TextIn(status, "health", "status"), snapshot.TextIn(status, "health", "message")}, {"health", snapshot.TextIn(status, "health"), ""},
		{"phase", snapshot.TextIn(status, "phase"), snapshot.TextIn(status, "message")}, {"state", snapshot.TextIn(status, "state"), snapshot.TextIn(status, "message")},
	} {
		state, known := phases[strings.ToLower(at.value)]
		if !known {
			continue
		}
		if state == Starting && s.Now.Sub(o.Meta.GetCreationTimestamp().Time) >= longWork {
			state = Unknown // nothing says since when
		}
		text := at.name + " " + at.value
		if at.message != "" {
			text += ": " + clip(at.message)
		}
		return Health{state, text}, true
	}
	return Health{}, false
}

// beingDeleted judges an object that was deleted and is still there.
func beingDeleted(s *snapshot.Snapshot, o *snapshot.Object) Health {
	age := s.Now.Sub(o.Meta.GetDeletionTimestamp().Time)
	text := "is being deleted for " + rule.Human(max(0, age))
	if list := o.Meta.GetFinalizers(); len(list) > 0 {
		text += ", kept by finalizer " + strings.Join(list, ", ")
	}
	if age < youth {
		return Health{Starting, text}
	}
	return Health{Unhealthy, text}
}

// customHealth judges a kind of others: by its conditions and, where it makes pods or those say that it is
// not well, by its pods.
func customHealth(s *snapshot.Snapshot, o *snapshot.Object) Health {
	h := conditionHealth(s, o)
	if o.Meta.GetDeletionTimestamp() != nil || len(o.Templates) == 0 && h.State != Unhealthy && h.State != Unknown {
		return h
	}
	pods := s.PodsOf(o)
	ready := 0
	for _, pod := range pods {
		switch p := podHealth(s, pod, pod.Pod()); {
		case p.State == Unhealthy && !replaced(s, pod):
			text := fmt.Sprintf("pod/%s %s", pod.Name, p.Text)
			if h.State == Unhealthy {
				text = h.Text + "; " + text
			}
			return Health{Unhealthy, text}
		case p.State == Healthy:
			ready++
		}
	}
	if h.State == Unknown && len(pods) > 0 && ready == len(pods) && h.Text == silent {
		return Health{Healthy, rule.Count(ready, "pod") + " ready"}
	}
	return h
}

// silent is the text of what has no sign of health in its status.
const silent = "its status says nothing of its health"
