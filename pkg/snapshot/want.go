package snapshot

import (
	"fmt"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Verb is what a Want asks for.
type Verb string

// The verbs of wants.
const (
	Get    Verb = "get"
	List   Verb = "list"
	Events Verb = "events" // the events of one object
	Log    Verb = "log"    // the last lines of one container's log
)

// Want is one thing that a rule needs to see. It is comparable: asking twice is asking once.
type Want struct {
	Verb      Verb
	Group     string
	Kind      string
	Namespace string // empty with List: all namespaces, or a kind without namespaces
	Name      string
	Selector  string // List: a label selector
	Fields    string // List: a field selector
	Container string // Log
	Previous  bool   // Log: of the container's previous life
	Required  bool   // without it the command cannot go on; others become blind spots
}

// WantGet asks for one object.
func WantGet(gk schema.GroupKind, namespace, name string) Want {
	return Want{Verb: Get, Group: gk.Group, Kind: gk.Kind, Namespace: namespace, Name: name}
}

// WantList asks for the objects of a kind, in one namespace or, with "", in all.
func WantList(gk schema.GroupKind, namespace, selector string) Want {
	return Want{Verb: List, Group: gk.Group, Kind: gk.Kind, Namespace: namespace, Selector: selector}
}

// WantEndpoints asks for the EndpointSlices of a Service.
func WantEndpoints(namespace, service string) Want {
	return WantList(EndpointSliceKind, namespace, discoveryv1.LabelServiceName+"="+service)
}

// WantEvents asks for the events of an object.
func WantEvents(r Ref) Want {
	return Want{Verb: Events, Group: r.Group(), Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

// WantLog asks for the end of a container's log.
func WantLog(namespace, pod, container string, previous bool) Want {
	return Want{Verb: Log, Kind: "Pod", Namespace: namespace, Name: pod, Container: container, Previous: previous}
}

// GroupKind is the kind that is wanted.
func (w Want) GroupKind() schema.GroupKind { return schema.GroupKind{Group: w.Group, Kind: w.Kind} }

// String words the want for people: "previous logs of web-1/app".
func (w Want) String() string {
	ref := Ref{APIVersion: w.Group + "/v1", Kind: w.Kind, Namespace: w.Namespace, Name: w.Name}
	if w.Group == "" {
		ref.APIVersion = "v1"
	}
	switch w.Verb {
	case Events:
		return "events of " + ref.String()
	case Log:
		if w.Previous {
			return fmt.Sprintf("previous logs of %s/%s", w.Name, w.Container)
		}
		return fmt.Sprintf("logs of %s/%s", w.Name, w.Container)
	case List:
		if w.Namespace == "" {
			return ref.Type() + " list"
		}
		return fmt.Sprintf("%s list in namespace %s", ref.Type(), w.Namespace)
	}
	return ref.String()
}

// State is what became of a want.
type State string

// The states of wants.
const (
	Present State = "present"
	Absent  State = "absent"
	Blind   State = "blind" // it may or may not be there: nobody could look
)

// Reasons why a want is blind.
const (
	ReasonForbidden   = "forbidden"
	ReasonTimeout     = "timeout"
	ReasonUnread      = "not read"
	ReasonNotInFiles  = "not in the input"
	ReasonFailed      = "failed"
	ReasonUnavailable = "not available"
	ReasonUnknownKind = "unknown kind"
)

// Outcome says what became of a want. Absence that was concluded from a list alone is not Proven:
// lists read at different moments disagree.
type Outcome struct {
	State   State
	Proven  bool
	Reason  string // one of the Reason constants, for Blind
	Message string // the server's or the file system's own words
}
