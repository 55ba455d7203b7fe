package cluster_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
)

// scenario is one file of scenarios/: something that goes wrong, or only looks like it, on a real node.
// scenarios/README.md describes the format.
type scenario struct {
	name string

	What   string           `json:"what"`
	Target string           `json:"target"`          // TYPE/NAME, as explain takes it
	Until  until            `json:"until"`           // when to explain
	Expect expectation      `json:"expect"`          //
	Heals  *bool            `json:"heals,omitempty"` // whether the printed fix makes the target healthy
	Why    string           `json:"why,omitempty"`   // heals: false needs a reason
	Mend   []string         `json:"mend,omitempty"`  // further findings whose printed fix is run as well, after the verdict's
	Values map[string]value `json:"values,omitempty"`
	Node   nodeChange       `json:"node,omitempty"` // done to the node; such a scenario runs alone

	steps []step
}

// step is what is applied at once, and what is waited for before the next one.
type step struct {
	until   *until // nil for the last, for which the scenario's own counts
	remove  string // TYPE/NAME, deleted once that holds
	objects []string
}

// expectation is what explain must say.
type expectation struct {
	Cause     string    `json:"cause,omitempty"`     // the verdict
	Also      []further `json:"also,omitempty"`      // further findings that must be there
	Field     string    `json:"field,omitempty"`     // with list items by name, as the text prints it; "none" for a cause without one
	Certainty string    `json:"certainty,omitempty"` //
	Fix       string    `json:"fix,omitempty"`       // its applicability, or none
	State     string    `json:"state,omitempty"`     // without a cause: healthy, finished, idle, starting, unknown
	// Pending is a cause that explain should name and that is not registered yet. Nothing else is
	// compared; the cause's author fills in the rest.
	Pending string `json:"pending,omitempty"`
}

// UnmarshalJSON takes a word for a state: `expect: healthy`.
func (e *expectation) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &e.State)
	}
	type plain expectation
	return strict(data, (*plain)(e))
}

// further is a finding beside the verdict: its cause and, where they are given, what else it must say.
type further struct {
	Cause     string `json:"cause"`
	Field     string `json:"field,omitempty"`
	Certainty string `json:"certainty,omitempty"`
	Fix       string `json:"fix,omitempty"`
}

// UnmarshalJSON takes a word for a cause alone.
func (f *further) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &f.Cause)
	}
	type plain further
	return strict(data, (*plain)(f))
}

// differs is what a finding of the cause does not say as it must; "" where it does.
func (f further) differs(from report.Finding) string {
	fix := "none"
	if from.Fix != nil {
		fix = from.Fix.Applicability
	}
	field := f.Field
	if field == "none" {
		field = ""
	}
	for _, part := range []struct{ name, want, got string }{
		{"field", index.ReplaceAllString(field, "[]"), index.ReplaceAllString(from.Field, "[]")}, {"certainty", f.Certainty, from.Certainty}, {"fix", f.Fix, fix},
	} {
		if part.want != part.got && (part.want != "" || f.Field == "none" && part.name == "field") {
			return fmt.Sprintf("%s %q, want %q", part.name, part.got, part.want)
		}
	}
	return ""
}

// value fills a placeholder of a printed fix: a word, or the path of a file with this content.
type value struct {
	Word    string `json:"-"`
	Name    string `json:"name"`
	Content string `json:"content"`
}

// UnmarshalJSON takes a word, or {name, content} for a file.
func (v *value) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &v.Word)
	}
	type plain value
	return strict(data, (*plain)(v))
}

// nodeChange is what is done to the node before the objects are applied; it is undone afterwards.
type nodeChange struct {
	Taint  string            `json:"taint,omitempty"` // KEY=VALUE:EFFECT
	Cordon bool              `json:"cordon,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
}

func (n nodeChange) any() bool { return n.Taint != "" || n.Cordon || len(n.Labels) > 0 }

// until says when a state is reached: when all that it names holds.
type until struct {
	Restarts   int32      `json:"restarts,omitempty"`   // some container was restarted so often
	Waiting    string     `json:"waiting,omitempty"`    // and the same waits with this reason
	Down       bool       `json:"down,omitempty"`       // and the same has ended, and is not started again yet
	Terminated string     `json:"terminated,omitempty"` // and the same has ended with this reason
	Phase      string     `json:"phase,omitempty"`      // some pod is in this phase
	Running    bool       `json:"running,omitempty"`    // some container runs
	Deleting   bool       `json:"deleting,omitempty"`   // some pod is being deleted
	Event      string     `json:"event,omitempty"`      // there is an event with this reason
	Says       string     `json:"says,omitempty"`       // and this in its message
	Times      int32      `json:"times,omitempty"`      // and so often
	Ready      string     `json:"ready,omitempty"`      // TYPE/NAME has all its replicas ready
	JobFailed  bool       `json:"jobFailed,omitempty"`  // some Job has failed
	JobDone    bool       `json:"jobDone,omitempty"`    // some Job is complete
	Condition  *condition `json:"condition,omitempty"`  // an object has a condition
	Observed   string     `json:"observed,omitempty"`   // the controller of TYPE/NAME has seen it as it is
	For        duration   `json:"for,omitempty"`        // and all of it has held this long
}

// condition is one of status.conditions.
type condition struct {
	Of     string `json:"of"` // TYPE/NAME
	Type   string `json:"type"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// duration is written as Go writes it: 15s.
type duration = metav1.Duration

func (u until) empty() bool { return u == until{} }

// strict decodes and refuses what it does not know.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// readScenarios reads all scenarios, by name.
func readScenarios(t *testing.T) []*scenario {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("scenarios", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	slices.Sort(files)
	var all []*scenario
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := parseScenario(strings.TrimSuffix(filepath.Base(file), ".yaml"), string(data))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		all = append(all, s)
	}
	return all
}

func parseScenario(name, text string) (*scenario, error) {
	s := &scenario{name: name}
	at := step{}
	for i, doc := range strings.Split("\n"+text, "\n---") {
		if strings.TrimSpace(doc) == "" {
			continue
		}
		data, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", i, err)
		}
		var head struct {
			Scenario json.RawMessage `json:"scenario"`
			Step     json.RawMessage `json:"step"`
			Kind     string          `json:"kind"`
		}
		if err := json.Unmarshal(data, &head); err != nil {
			return nil, fmt.Errorf("document %d: %w", i, err)
		}
		switch {
		case head.Scenario != nil:
			if err := strict(head.Scenario, s); err != nil {
				return nil, fmt.Errorf("scenario: %w", err)
			}
		case head.Step != nil:
			var next struct {
				Until  *until `json:"until"`
				Delete string `json:"delete,omitempty"`
			}
			if err := strict(head.Step, &next); err != nil {
				return nil, fmt.Errorf("step: %w", err)
			}
			if next.Until == nil || next.Until.empty() {
				return nil, fmt.Errorf("step: says not until when what stands above is waited for")
			}
			at.until, at.remove = next.Until, next.Delete
			s.steps = append(s.steps, at)
			at = step{}
		case head.Kind == "":
			return nil, fmt.Errorf("document %d is no object, no scenario and no step", i)
		default:
			at.objects = append(at.objects, doc)
		}
	}
	s.steps = append(s.steps, at)
	return s, s.validate()
}

func (s *scenario) validate() error {
	e := s.Expect
	switch {
	case s.What == "" || strings.Contains(s.What, "\n"):
		return fmt.Errorf("what must be one line")
	case strings.Count(s.Target, "/") != 1:
		return fmt.Errorf("target %q is not TYPE/NAME", s.Target)
	case s.Until.empty():
		return fmt.Errorf("until says nothing")
	case s.Until.Event == "" && (s.Until.Says != "" || s.Until.Times != 0):
		return fmt.Errorf("says and times are of an event")
	case len(s.steps[0].objects) == 0:
		return fmt.Errorf("there are no objects")
	case count(e.Cause != "", e.State != "", e.Pending != "") != 1:
		return fmt.Errorf("expect must have one of cause, pending and a state")
	case e.Cause == "":
		if s.Heals != nil {
			return fmt.Errorf("heals is for scenarios with a cause")
		}
		return nil
	case e.Field == "" || e.Certainty == "" || e.Fix == "":
		return fmt.Errorf("expect needs field (or none), certainty and fix (or none)")
	case s.Heals == nil:
		return fmt.Errorf("heals is missing: true, or false with a why")
	case !*s.Heals && s.Why == "":
		return fmt.Errorf("heals: false needs a why")
	case len(s.Mend) > 0 && !*s.Heals:
		return fmt.Errorf("mend is for what heals")
	case *s.Heals && e.Fix == "none":
		return fmt.Errorf("without a fix nothing heals")
	}
	return nil
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// curable tells whether the printed fix must make the target healthy.
func (s *scenario) curable() bool { return s.Heals != nil && *s.Heals }
