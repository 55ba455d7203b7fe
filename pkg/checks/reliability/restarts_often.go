package reliability

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// RestartsOften finds workloads whose containers end again and again.
var RestartsOften = rule.Check{
	ID: "restarts-often", Title: "containers are restarted again and again", Doc: rule.ReadDoc(docs, "restarts_often.md"),
	Dimension: rule.Reliability, Severity: rule.Low, Off: true, On: rule.Workloads,
	Needs:   []schema.GroupKind{snapshot.PodKind},
	Numbers: map[string]rule.Number{"restarts": {Value: 5, Least: 1, Most: 1000}},
	Applies: func(p *rule.Pass) bool {
		for _, t := range p.Object.Templates {
			if endless(p.Object, t) {
				return len(livePods(p)) > 0 || !p.ListRead(snapshot.PodKind, p.Object.Namespace)
			}
		}
		return false
	},
	Run: func(p *rule.Pass) {
		w := worstRestarts(p)
		if w == nil {
			return
		}
		f := rule.Finding{
			Seen: w.pod.In(w.container.Name), NoField: "what ends the container stands in its log",
			Message: fmt.Sprintf("container %s of pod %s was restarted %d times, the last time %s ago", w.container.Name, w.pod.Name, w.restarts, rule.Human(p.Age(w.end.FinishedAt.Time))),
		}
		if !w.since.IsZero() {
			f.Message += fmt.Sprintf(", in the %s that the pod has been there", rule.Human(p.Age(w.since)))
		}
		if w.pods > 1 {
			f.Message += fmt.Sprintf("; so it is in %d pods", w.pods)
		}
		f.Evidence = []rule.Evidence{{Source: rule.FromStatus, Object: w.pod.In(w.container.Name), Field: "status.containerStatuses", Time: w.end.FinishedAt.Time, Text: fmt.Sprintf("restartCount %d; last end: %s, exit %d", w.restarts, w.end.Reason, w.end.ExitCode)}}
		fix := rule.Fix{Title: "find out what ends it", Applicability: rule.NeedsThought, Caution: "a probe that is laxer or a limit that is higher may only hide it"}
		if !p.Files {
			fix.Lines = []string{p.Explain(w.pod.Ref)}
		}
		p.Report(f).WithFix(fix)
	},
}

// livePods are the pods of the object of a Pass that are there and have not ended.
func livePods(p *rule.Pass) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range p.PodsOf(p.Object) {
		if pod := o.Pod(); pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != "" {
			list = append(list, o)
		}
	}
	return list
}

// lastRestart is how long ago a container must have been restarted for the matter to be one of today.
const lastRestart = 24 * time.Hour

// seldom is how long a pod may take for one restart on average: who restarts each quarter has not done so often, if one was today.
const seldom = 7 * 24 * time.Hour

// restarts are those of one container.
type restarts struct {
	pod       *snapshot.Object
	container snapshot.Container
	restarts  int
	since     time.Time
	end       *corev1.ContainerStateTerminated
	pods      int // in which a container was restarted as often
}

// worstRestarts is the container of a workload that was restarted most; nil where none was often, and today.
func worstRestarts(p *rule.Pass) *restarts {
	var worst *restarts
	pods := 0
	for _, o := range livePods(p) {
		counted := false
		for _, c := range o.PodContainers() {
			if c.Status == nil || int(c.Status.RestartCount) < p.Number("restarts") {
				continue
			}
			end := c.Status.LastTerminationState.Terminated
			if end == nil {
				end = c.Status.State.Terminated
			}
			if end == nil || p.Age(end.FinishedAt.Time) > lastRestart {
				continue
			}
			r := &restarts{pod: o, container: c, restarts: int(c.Status.RestartCount), since: o.Meta.GetCreationTimestamp().Time, end: end}
			if !r.since.IsZero() && p.Age(r.since) > time.Duration(r.restarts)*seldom {
				continue
			}
			if !counted {
				counted = true
				pods++
			}
			if worst == nil || r.restarts > worst.restarts {
				worst = r
			}
		}
	}
	if worst != nil {
		worst.pods = pods
	}
	return worst
}
