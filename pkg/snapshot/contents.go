package snapshot

import (
	"sort"

	corev1 "k8s.io/api/core/v1"
)

// ContainerLog is the end of a container's log.
type ContainerLog struct {
	Namespace, Pod, Container string
	Previous                  bool
	Text                      string
}

// Logs are all logs that were read, in a stable order.
func (s *Snapshot) Logs() []ContainerLog {
	var list []ContainerLog
	for k, text := range s.logs {
		list = append(list, ContainerLog{k.namespace, k.pod, k.container, k.previous, text})
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.Namespace+"/"+a.Pod+"/"+a.Container != b.Namespace+"/"+b.Pod+"/"+b.Container {
			return a.Namespace+"/"+a.Pod+"/"+a.Container < b.Namespace+"/"+b.Pod+"/"+b.Container
		}
		return !a.Previous && b.Previous
	})
	return list
}

// AllEvents are all events that were read, by namespace and name.
func (s *Snapshot) AllEvents() []*corev1.Event {
	var list []*corev1.Event
	for _, events := range s.events {
		list = append(list, events...)
	}
	sort.Slice(list, func(i, j int) bool {
		return list[i].Namespace+"/"+list[i].Name < list[j].Namespace+"/"+list[j].Name
	})
	return list
}

// ListsRead are the kinds that were listed to their end, without a selector.
func (s *Snapshot) ListsRead() []Want {
	var list []Want
	for w, out := range s.outcomes {
		if w.Verb == List && w.Selector == "" && w.Fields == "" && out.State != Blind {
			list = append(list, w)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].String() < list[j].String() })
	return list
}
