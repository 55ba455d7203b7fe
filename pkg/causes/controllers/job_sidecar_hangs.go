package controllers

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// JobSidecarHangs finds Jobs whose work has ended beside a container that never does.
var JobSidecarHangs = rule.Cause{
	ID: "job-sidecar-hangs", Title: "the work is done, and another container never ends", Doc: rule.ReadDoc(docs, "job_sidecar_hangs.md"),
	Stage: rule.StageController, On: rule.Kinds(snapshot.JobKind),
	Run: func(p *rule.Pass) {
		job, ok := p.Object.Typed.(*batchv1.Job)
		if !ok || job.DeletionTimestamp != nil {
			return
		}
		if rule.JobEnded(job).Type != "" {
			return
		}
		for _, pod := range p.PodsOf(p.Object) {
			if done, hangs, likely := beside(p, pod); hangs != nil {
				reportHangs(p, pod, done, *hangs, likely)
				return
			}
		}
	},
}

// sidecarName are words in the names of containers that serve another one.
var sidecarName = knowledge.Regexp(`(?i)proxy|sidecar|envoy|istio|linkerd|agent|exporter|fluent|logger|log-|filebeat|vector|tunnel|watch`)

// slowPartner is how long two workers of one pod may differ before that alone is asked about.
const slowPartner = 10 * time.Minute

// beside is the container of a Job's pod that has ended and the one that runs on; nil where none runs
// on. It is likely where the one that runs looks like a server and the other does not.
func beside(p *rule.Pass, pod *snapshot.Object) (done snapshot.Container, hangs *snapshot.Container, likely bool) {
	if pod.Pod().DeletionTimestamp != nil || pod.Pod().Status.Phase != corev1.PodRunning {
		return done, nil, false
	}
	var last time.Time
	for _, c := range pod.PodContainers() {
		if c.Init || c.Beside || c.Status == nil {
			continue
		}
		switch {
		case c.Status.State.Terminated != nil && (pod.Pod().Spec.RestartPolicy == corev1.RestartPolicyNever || c.Status.State.Terminated.ExitCode == 0):
			if end := c.Status.State.Terminated.FinishedAt.Time; end.After(last) {
				done, last = c, end
			}
		case c.Status.State.Running != nil && hangs == nil:
			hangs = &c
		}
	}
	if done.Container == nil || hangs == nil {
		return done, nil, false
	}
	serves := func(c snapshot.Container) bool {
		return len(c.Ports) > 0 || c.ReadinessProbe != nil || c.LivenessProbe != nil || c.StartupProbe != nil
	}
	likely = sidecarName.MatchString(hangs.Name) && !sidecarName.MatchString(done.Name) || serves(*hangs) && !serves(done)
	if !likely && p.Age(last) < slowPartner {
		return done, nil, false
	}
	return done, hangs, likely
}

func reportHangs(p *rule.Pass, pod *snapshot.Object, done, hangs snapshot.Container, likely bool) {
	s := rule.NewPass(p.Snapshot, pod, nil, nil, rule.Sink{}).ContainerSetting(hangs)
	end := done.Status.State.Terminated
	f := rule.Finding{
		Object: s.Object, Field: s.Path, Value: hangs.Name, Certainty: rule.Possible,
		Label: "runs on, so its pod never ends; as an init container with restartPolicy Always it would be stopped",
		Evidence: []rule.Evidence{
			{Source: rule.FromStatus, Object: pod.In(done.Name), Field: "status", Time: end.FinishedAt.Time, Text: fmt.Sprintf("container %s: %s, exit %d", done.Name, end.Reason, end.ExitCode)},
			{Source: rule.FromStatus, Object: pod.In(hangs.Name), Field: "status", Time: hangs.Status.State.Running.StartedAt.Time, Text: fmt.Sprintf("container %s: running", hangs.Name)},
		},
		Message: fmt.Sprintf("container %s has done its work %s ago, and container %s runs on, so the Job never ends", done.Name, rule.Human(p.Age(end.FinishedAt.Time)), hangs.Name),
		Fix: &rule.Fix{
			Title:         fmt.Sprintf("make container %s a sidecar: move it to initContainers, with restartPolicy Always (Kubernetes 1.29 and later stop it then)", hangs.Name),
			Caution:       "it starts before the others then, and they wait until its startupProbe succeeds",
			Applicability: rule.NeedsThought,
			YAML:          "initContainers:\n- name: " + hangs.Name + "\n  restartPolicy: Always\n  # and all that it has now\n",
		},
	}
	if likely {
		f.Certainty = rule.Likely
	} else {
		f.Message += ": is it meant to end?"
	}
	if end.ExitCode != 0 {
		f.Message = fmt.Sprintf("container %s failed with exit %d %s ago, and container %s runs on, so the Job does not count the failure and tries nothing else", done.Name, end.ExitCode, rule.Human(p.Age(end.FinishedAt.Time)), hangs.Name)
	}
	p.Report(f)
}
