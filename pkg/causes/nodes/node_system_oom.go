package nodes

import (
	"fmt"
	"sort"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// NodeSystemOOM tells of nodes whose kernel had no memory left and killed a process.
var NodeSystemOOM = rule.Cause{
	ID: "node-system-oom", Title: "the kernel of the node had no memory left", Doc: rule.ReadDoc(docs, "node_system_oom.md"),
	Stage: rule.StageHistory, On: rule.Kinds(snapshot.NodeKind), History: true,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if systemOOM(p) == nil {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.PodKind, "", "")}
	},
	Run: func(p *rule.Pass) {
		if e := systemOOM(p); e != nil {
			reportSystemOOM(p, e)
		}
	},
}

// The kubelet's words. It speaks of kills for the whole machine only, not of those for a container's limit.
// Source: pkg/kubelet/oom/oom_watcher_linux.go.
var victimOf = knowledge.Regexp(`victim process: ([^,]+), pid: (\d+)`)

// systemOOM is the newest event of the node which says that its memory was used up.
func systemOOM(p *rule.Pass) *corev1.Event { return p.Event(p.Object, "SystemOOM") }

func reportSystemOOM(p *rule.Pass, e *corev1.Event) {
	at := snapshot.EventTime(e)
	f := rule.Finding{
		NoField:   "no single setting is to blame: all that runs on the machine takes part of its memory",
		Message:   fmt.Sprintf("had no memory left %s ago, and its kernel killed a process", rule.Human(p.Age(at))),
		Evidence:  []rule.Evidence{rule.EventEvidence(e)},
		Certainty: rule.Certain,
		RuledOut:  []string{"the memory limit of one container: the kubelet tells of the whole machine"},
		Fix:       &rule.Fix{Title: "see who takes most there, and give all pods requests of what they need", Applicability: rule.NeedsThought, Lines: []string{rule.Kubectl(p.Context, "", "describe", "node", p.Object.Name)}},
	}
	if m := victimOf.FindStringSubmatch(e.Message); m != nil {
		f.Message = fmt.Sprintf("had no memory left %s ago, and its kernel killed %s", rule.Human(p.Age(at)), rule.Quote(m[1]))
	}
	times := 0
	for _, other := range p.EventsOf(p.Object) {
		if other.Reason == e.Reason {
			times += snapshot.EventCount(other)
		}
	}
	if times > 1 {
		f.Message += fmt.Sprintf(", the last of %d times", times)
	}
	u := uses(p, at)
	if u.pods > 0 {
		text := fmt.Sprintf("%s request %s", rule.Count(u.pods, "pod"), u.requests.String())
		if u.limits.Sign() > 0 {
			text += fmt.Sprintf(" and are limited to %s together", u.limits.String())
		}
		if q, ok := memoryOf(p.Object); ok {
			text += fmt.Sprintf("; the node has %s for pods", q.String())
		}
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Text: text})
	}
	if len(u.victims) > 0 {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Text: "containers that were killed then: " + strings.Join(u.victims, ", ")})
	}
	if len(u.unbound) > 0 {
		f.Fix.Title = "give these, which have no memory limit, a request and a limit: " + strings.Join(u.unbound, ", ")
		f.Fix.Caution = "which of them took most is not written down: measurements of that time would tell"
	}
	p.Report(f)
}

// usage is what the pods of a node may take of its memory.
type usage struct {
	pods             int
	requests, limits resource.Quantity
	unbound          []string // without a limit, by request
	victims          []string // containers that ended when the memory was used up
}

// aMoment is how far an end and the kubelet's word for it may lie apart.
const aMoment = time.Minute

// uses sums up the pods of the node that were read.
func uses(p *rule.Pass, at time.Time) usage {
	const few = 5
	u := usage{}
	for _, o := range p.List(snapshot.PodKind, "") {
		pod := o.Pod()
		if pod.Spec.NodeName != p.Object.Name {
			continue
		}
		for _, c := range o.PodContainers() {
			if d := p.LastDeath(c); d != nil && (d.Reason == "OOMKilled" || d.ExitCode == 137) && d.FinishedAt.Sub(at).Abs() <= aMoment {
				u.victims = append(u.victims, o.Name+"/"+c.Name)
			}
		}
		if pod.Status.Phase != corev1.PodRunning {
			continue
		}
		u.pods++
		u.requests.Add(helper.PodRequests(pod, helper.PodResourcesOptions{})[corev1.ResourceMemory])
		for _, c := range o.PodContainers() {
			limit, bounded := c.Resources.Limits[corev1.ResourceMemory]
			if !bounded && pod.Spec.Resources != nil {
				limit, bounded = pod.Spec.Resources.Limits[corev1.ResourceMemory]
			}
			if !bounded {
				u.unbound = append(u.unbound, o.String())
				break
			}
			u.limits.Add(limit)
		}
	}
	sort.Strings(u.unbound)
	if len(u.unbound) > few {
		u.unbound = append(u.unbound[:few:few], fmt.Sprintf("%d more", len(u.unbound)-few))
	}
	return u
}

// memoryOf is the memory that a node has for pods.
func memoryOf(o *snapshot.Object) (resource.Quantity, bool) {
	node, ok := o.Typed.(*corev1.Node)
	if !ok {
		return resource.Quantity{}, false
	}
	q, ok := node.Status.Allocatable[corev1.ResourceMemory]
	return q, ok
}
