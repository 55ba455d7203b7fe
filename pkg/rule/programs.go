package rule

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Program is a workload that runs a well-known image.
type Program struct {
	Object     *snapshot.Object
	Image      string // the last part of its name: node-exporter
	Repository string // without registry and version: prometheus/node-exporter
	Ready      int    // how many of its pods are ready
}

type programsKey struct{}

// Programs are the workloads of the cluster with a container of an image of one of the names, its last part without
// version, in the order of the names.
func (p *Pass) Programs(names ...string) []Program {
	byName := snapshot.Derived(p.Snapshot, programsKey{}, func() map[string][]Program { return programsOf(p.Snapshot) })
	var list []Program
	for _, name := range names {
		list = append(list, byName[name]...)
	}
	return list
}

func programsOf(s *snapshot.Snapshot) map[string][]Program {
	found := map[string][]Program{}
	add := func(o *snapshot.Object) {
		ready := -1
		for _, t := range o.Templates {
			for _, c := range t.Containers() {
				ref, ok := knowledge.ParseImage(c.Image)
				if c.Init || !ok {
					continue
				}
				name := ref.Repository[strings.LastIndexByte(ref.Repository, '/')+1:]
				if list := found[name]; len(list) > 0 && list[len(list)-1].Object == o {
					continue
				}
				if ready < 0 {
					ready = readyPods(s, o)
				}
				found[name] = append(found[name], Program{o, name, ref.Repository, ready})
			}
		}
	}
	made := []schema.GroupKind{snapshot.DeploymentKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind}
	for _, gk := range made { // also those that an operator makes for a resource of its own
		for _, o := range s.List(gk, "") {
			add(o)
		}
	}
	for _, o := range s.Workloads("") {
		if !slices.Contains(made, o.GroupKind()) {
			add(o)
		}
	}
	return found
}

// readyPods is how many pods of a workload are ready, as its controller counts them, or as they themselves say.
func readyPods(s *snapshot.Snapshot, o *snapshot.Object) int {
	switch t := o.Typed.(type) {
	case *appsv1.Deployment:
		return int(t.Status.ReadyReplicas)
	case *appsv1.StatefulSet:
		return int(t.Status.ReadyReplicas)
	case *appsv1.DaemonSet:
		return int(t.Status.NumberReady)
	}
	ready := 0
	for _, pod := range s.PodsOf(o) {
		if PodReady(pod.Pod()) {
			ready++
		}
	}
	return ready
}
