package memory

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// logOfKilled are the logs of the containers that the kernel killed for their memory.
func logOfKilled(p *rule.Pass) []snapshot.Want {
	var wants []snapshot.Want
	for _, c := range p.Object.PodContainers() {
		if _, ok := oomKilled(p, c); ok {
			wants = append(wants, p.DeathLog(c))
		}
	}
	return wants
}

// own is the memory limit of a container itself.
func own(c snapshot.Container) (resource.Quantity, bool) {
	q, ok := c.Resources.Limits[corev1.ResourceMemory]
	return q, ok
}

// ofPod is the memory limit of the pod as a whole.
func ofPod(p *rule.Pass) (resource.Quantity, bool) {
	if r := p.Object.Pod().Spec.Resources; r != nil {
		q, ok := r.Limits[corev1.ResourceMemory]
		return q, ok
	}
	return resource.Quantity{}, false
}

// size words bytes as people write memory: 342Mi.
func size(bytes int64) string {
	const mi = 1 << 20
	if bytes >= mi {
		bytes = (bytes + mi - 1) / mi * mi
	}
	return resource.NewQuantity(bytes, resource.BinarySI).String()
}

// killedText words how the container ended, for the end of a message.
func killedText(d *rule.Death) string {
	return fmt.Sprintf("killed %s after start, %s", rule.Human(d.Ran()), rule.Count(int(d.Restarts), "restart"))
}

// stage is where the end of a container strikes.
func stage(c snapshot.Container) rule.Stage {
	if c.Init {
		return rule.StageInit
	}
	return rule.StageExit
}

// certainty is that of the kernel's verdict on the last life: it says so, or said so of the life before.
func certainty(d *rule.Death) rule.Certainty {
	if d.Reason == "OOMKilled" {
		return rule.Certain
	}
	return rule.Likely
}

// notNode is what excludes the node, where its state was read.
func notNode(p *rule.Pass) []string {
	if node, _ := p.Lookup(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName); node != nil && !underPressure(node) {
		return []string{"the node: it reports no MemoryPressure"}
	}
	return nil
}
