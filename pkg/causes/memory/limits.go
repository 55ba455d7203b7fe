package memory

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// logOfKilled are the logs of the containers that the kernel killed for their memory.
func logOfKilled(p *rule.Pass) []snapshot.Want {
	return p.DeathLogs(func(c snapshot.Container) bool {
		_, killed := oomKilled(p, c)
		return killed
	})
}

// wantsOfKilled are those logs, what may keep their limits from growing, and the options of what they run.
func wantsOfKilled(p *rule.Pass) []snapshot.Want {
	wants := logOfKilled(p)
	for _, c := range p.Object.PodContainers() {
		if _, ok := oomKilled(p, c); !ok {
			continue
		}
		if limit, has := either(p, c); has {
			wants = append(wants, p.WantCeilings(corev1.ResourceMemory, twice(limit))...)
			wants = append(wants, p.WantVariables(c)...)
		}
	}
	return wants
}

// twice is a first step for a limit of which no more is known than that it was too small.
func twice(limit resource.Quantity) resource.Quantity {
	q := limit.DeepCopy()
	q.Add(limit)
	return q
}

// worthwhile is the part of a limit by which it must be able to grow for that to be worth a try: one eighth.
const worthwhile = 8

// bound mends a fix that raises a limit further than something lets it grow: it is raised as far as it may
// be, or nothing is left to command before that something has changed.
func bound(p *rule.Pass, f *rule.Finding, g rule.Growth, set func(fix *rule.Fix, to string)) {
	ceiling := p.Ceiling(g)
	if ceiling == nil {
		return
	}
	f.Evidence = append(f.Evidence, ceiling.Evidence)
	most := ceiling.Most.DeepCopy()
	most.Sub(g.From)
	if most.Value() >= g.From.Value()/worthwhile && most.Sign() > 0 {
		to := ceiling.Most.String()
		f.Fix.Title = fmt.Sprintf("raise the limit to %s, as far as it may go, then measure", to)
		f.Fix.Caution = fmt.Sprintf("%s; %s was the aim and no measurement. If %s is too little, the program must need less or %s must change", ceiling.Words, g.To.String(), to, ceiling.Owner)
		set(f.Fix, to)
		return
	}
	f.Fix.Title = fmt.Sprintf("have the program need less; a limit of %s must wait for %s", g.To.String(), ceiling.Owner)
	f.Fix.Caution = ceiling.Words + ": whoever owns that must give more first"
	if strings.HasPrefix(ceiling.Owner, "the pod's own") {
		f.Fix.Caution = ceiling.Words + ": raise that first"
	}
	if ceiling.Else != "" {
		f.Fix.Caution += "; or " + ceiling.Else
	}
	f.Fix.Patch, f.Fix.Command = nil, nil
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

// either is the memory limit that holds for a container: its own, or else its pod's.
func either(p *rule.Pass, c snapshot.Container) (resource.Quantity, bool) {
	if q, ok := own(c); ok {
		return q, true
	}
	return ofPod(p)
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
