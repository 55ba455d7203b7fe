package config

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// nameTaken is what runtimes say when an earlier try to create the same container has not ended.
// Sources: containerd's pkg/cri/store/registrar, CRI-O's pkg/registrar, Docker's daemon.
var (
	nameTaken   = knowledge.Regexp(`name "?[^"\s]+"? is reserved for|container name "?[^"\s]+"? is already in use|name is reserved`)
	createStuck = knowledge.Regexp(`^context deadline exceeded$|code = DeadlineExceeded desc = (?:context deadline exceeded|stream terminated)`)
)

// ContainerNameInUse finds containers whose runtime has not done with an earlier try to create them.
var ContainerNameInUse = rule.Cause{
	ID: "container-name-in-use", Title: "the node's runtime is stuck creating the container", Doc: rule.ReadDoc(docs, "container_name_in_use.md"),
	Stage: rule.StageContainerConfig, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		for _, c := range p.Object.PodContainers() {
			if taken(p, c) != "" {
				return []snapshot.Want{snapshot.WantList(snapshot.PodKind, p.Object.Namespace, "")}
			}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			if message := taken(p, c); message != "" {
				reportTaken(p, c, message)
			}
		}
	},
}

// taken is what the runtime says of a container that it is stuck with, or "".
func taken(p *rule.Pass, c snapshot.Container) string {
	if c.Status == nil || c.Status.State.Waiting == nil || p.Object.Pod().DeletionTimestamp != nil {
		return ""
	}
	w := c.Status.State.Waiting
	if w.Reason == "CreateContainerError" && (nameTaken.MatchString(w.Message) || createStuck.MatchString(w.Message)) {
		return w.Message
	}
	return ""
}

func reportTaken(p *rule.Pass, c snapshot.Container, message string) {
	node := snapshot.NodeRef(p.Object.Pod().Spec.NodeName)
	f := rule.Finding{
		Object: node, Seen: p.Object.In(c.Name), Certainty: rule.Certain,
		NoField:  "nothing in the workload is to blame: the runtime of the node does not get done",
		Message:  fmt.Sprintf("the container runtime of %s has not done with an earlier try to create the container, and takes no other", node.String()),
		Evidence: []rule.Evidence{waitingEvidence(p, c)},
		RuledOut: []string{"two containers of one name in the pod: the API does not allow them", "the image: it was pulled before"},
		Fix: &rule.Fix{
			Title:         "look at the disk of the node and the log of its runtime: to create a container unpacks and copies files; a new pod may go to another node",
			Caution:       "keep new pods away first (kubectl cordon); to restart the runtime stops no containers",
			Applicability: rule.NeedsThought, Object: node,
			Lines: []string{rule.Kubectl(p.Context, "", "describe", node.String())},
		},
	}
	if createStuck.MatchString(message) { // the first try itself: it may get done yet
		f.Certainty = rule.Likely
		f.Message = fmt.Sprintf("the container runtime of %s did not get done with creating the container in the two minutes that the kubelet waits", node.String())
	}
	others := 0
	for _, o := range p.List(snapshot.PodKind, p.Object.Namespace) {
		if pod := o.Pod(); o != p.Object && pod != nil && pod.Spec.NodeName == node.Name {
			for _, other := range o.PodContainers() {
				if taken(rule.NewPass(p.Snapshot, o, nil, nil, rule.Sink{}), other) != "" {
					others++
					break
				}
			}
		}
	}
	if others > 0 {
		f.Message += fmt.Sprintf("; %s of the namespace on it wait for the same", rule.Count(others, "other pod"))
	}
	p.Report(f)
}
