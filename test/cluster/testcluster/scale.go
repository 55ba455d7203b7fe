package testcluster

import (
	"context"
	_ "embed" // for the stages
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/template"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// scaleControllers leaves out those whose work would change numbers while a test runs. The status of
// HorizontalPodAutoscalers is written here, since nothing measures what does not run; and a CronJob
// would make pods in the minute that it names.
const scaleControllers = "*,-horizontal-pod-autoscaler-controller,-cronjob-controller"

//go:embed kwok-stages.yaml.tmpl
var stagesTemplate string

// stage is how kwok brings a pod to where it stays.
type stage struct {
	Name    string
	Fault   fault
	Phase   corev1.PodPhase
	Ready   bool
	Done    bool   // all containers have ended
	Init    bool   // the first init container crashes
	Crash   bool   // the first container crashes
	Again   bool   // it does so every five minutes
	Exit    int    // of what ended
	Reason  string // of what ended
	Waiting string // reason of the first container to wait
	Message string // of Waiting, in kwok's template language
	Event   *stageEvent
}

type stageEvent struct{ Reason, Message string }

var stages = []stage{
	{Name: "runs", Phase: corev1.PodRunning, Ready: true},
	{Name: "done", Phase: corev1.PodSucceeded, Done: true, Reason: "Completed"},
	{Name: "failed", Fault: faultJob, Phase: corev1.PodFailed, Done: true, Exit: 1, Reason: "Error"},
	{
		Name: "crash", Fault: faultCrash, Phase: corev1.PodRunning, Crash: true, Again: true, Exit: 1, Reason: "Error",
		Event: &stageEvent{"BackOff", "Back-off restarting failed container"},
	},
	{
		Name: "oom", Fault: faultOOM, Phase: corev1.PodRunning, Crash: true, Again: true, Exit: 137, Reason: "OOMKilled",
		Event: &stageEvent{"BackOff", "Back-off restarting failed container"},
	},
	{
		Name: "init", Fault: faultInit, Phase: corev1.PodPending, Init: true, Again: true,
		Event: &stageEvent{"BackOff", "Back-off restarting failed container"},
	},
	{
		Name: "image", Fault: faultImage, Phase: corev1.PodPending, Waiting: "ImagePullBackOff",
		Message: `{{ printf "Back-off pulling image %q: ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image %q: failed to resolve reference %q: %s: not found" $c.image $c.image $c.image $c.image | Quote }}`,
		Event:   &stageEvent{"Failed", "Error: ImagePullBackOff"},
	},
	{
		Name: "config", Fault: faultConfig, Phase: corev1.PodPending, Waiting: "CreateContainerConfigError",
		Message: `{{ printf "configmap %q not found" (index $c.envFrom 0).configMapRef.name | Quote }}`,
		Event:   &stageEvent{"Failed", "Error: CreateContainerConfigError"},
	},
	{
		Name: "unready", Fault: faultUnready, Phase: corev1.PodRunning,
		Event: &stageEvent{"Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"},
	},
}

// Readiness are the conditions that say whether a pod takes traffic.
func (stage) Readiness() []corev1.PodConditionType {
	return []corev1.PodConditionType{corev1.PodReady, corev1.ContainersReady}
}

func writeStages(file string) error {
	t, err := template.New("stages").Delims("[[", "]]").Parse(stagesTemplate)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := t.Execute(&b, map[string]any{"Fault": faultAnnotation, "Stages": stages}); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(b.String()), 0o600)
}

// fill makes nodes and pods in the numbers that were asked for, and waits until all of them are what
// they are meant to be.
func (c *Cluster) fill(ctx context.Context, nodes, pods int) error {
	if nodes < 1 || pods < 1 {
		return fmt.Errorf("%d nodes and %d pods: both must be 1 at least", nodes, pods)
	}
	file := filepath.Join(c.dir, "kwok.yaml")
	if err := writeStages(file); err != nil {
		return err
	}
	// No leases: nobody here judges a node by them, and they would be most of what is written later.
	if _, err := c.start("kwok", childAttr(), c.programs["kwok"], "--config="+file, "--kubeconfig="+c.kubeconfig("admin"),
		"--manage-all-nodes=true", "--node-ip=192.0.2.2", "--cidr=10.64.0.0/10"); err != nil {
		return err
	}
	config := c.RESTConfig()
	config.QPS = -1 // the server's own limits are enough
	config.ContentType = runtime.ContentTypeProtobuf
	config.WarningHandler = rest.NoWarnings{}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	start := time.Now()
	content := newContent(nodes, pods)
	for i, batch := range content.batches {
		if err := c.createAll(ctx, client, batch); err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		// Pods that come before the nodes are ready are tried and put off.
		if err := c.wait(ctx, fmt.Sprintf("%d nodes", nodes), time.Minute+time.Duration(nodes)*time.Second, func(ctx context.Context) error {
			return usable(ctx, client, nodes)
		}); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.log, "%d objects in %d namespaces made in %s, %d of %d workloads broken\n", content.objects(), content.namespaces,
		time.Since(start).Round(time.Second), content.broken, content.workloads)
	limit := 5*time.Minute + time.Duration(pods)*100*time.Millisecond
	said := time.Now()
	return c.waitEvery(ctx, time.Second, fmt.Sprintf("%d nodes and %d pods", nodes, pods), limit, func(ctx context.Context) error {
		err := content.settled(ctx, client)
		if err != nil && time.Since(said) > 10*time.Second {
			said = time.Now()
			fmt.Fprintf(c.log, "after %s: %v\n", time.Since(start).Round(time.Second), err)
		}
		return err
	})
}

// createAll creates objects that do not depend on each other, several at a time.
func (c *Cluster) createAll(ctx context.Context, client kubernetes.Interface, objects []runtime.Object) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan runtime.Object)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for o := range next {
				if err := create(ctx, client, o); err != nil {
					cancel(fmt.Errorf("creating %T %s: %w", o, o.(metav1.Object).GetName(), err))
				}
			}
		})
	}
	for _, o := range objects {
		select {
		case next <- o:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// usable says how many nodes are not yet.
func usable(ctx context.Context, client kubernetes.Interface, nodes int) error {
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return err
	}
	ready := 0
	for _, n := range list.Items {
		if len(n.Spec.Taints) > 0 {
			continue
		}
		for _, cond := range n.Status.Conditions {
			if cond.Type == corev1.NodeReady && cond.Status == corev1.ConditionTrue {
				ready++
			}
		}
	}
	if ready < nodes {
		return fmt.Errorf("%d of %d nodes ready", ready, nodes)
	}
	return nil
}

// settled says what is not yet as it is meant to be. It reads from the server's cache, and pods, which
// are the most, only when all that owns them is content.
func (w *content) settled(ctx context.Context, client kubernetes.Interface) error {
	cached := metav1.ListOptions{ResourceVersion: "0"}
	ready := 0
	deployments, err := client.AppsV1().Deployments("").List(ctx, cached)
	if err != nil {
		return err
	}
	for _, d := range deployments.Items {
		if d.Status.ObservedGeneration == d.Generation {
			ready += int(d.Status.AvailableReplicas)
		}
	}
	sets, err := client.AppsV1().StatefulSets("").List(ctx, cached)
	if err != nil {
		return err
	}
	for _, s := range sets.Items {
		ready += int(s.Status.AvailableReplicas)
	}
	daemons, err := client.AppsV1().DaemonSets("").List(ctx, cached)
	if err != nil {
		return err
	}
	for _, d := range daemons.Items {
		ready += int(d.Status.NumberAvailable)
	}
	jobs, err := client.BatchV1().Jobs("").List(ctx, cached)
	if err != nil {
		return err
	}
	done := 0
	for _, j := range jobs.Items {
		done += int(j.Status.Succeeded + j.Status.Failed)
	}
	if ready != w.ready || done != w.done {
		return fmt.Errorf("%d of %d pods available, %d of %d of Jobs done", ready, w.ready, done, w.done)
	}
	pods, err := client.CoreV1().Pods("").List(ctx, cached)
	if err != nil {
		return err
	}
	settled := 0
	for _, p := range pods.Items {
		for _, cond := range p.Status.Conditions {
			unscheduled := cond.Type == corev1.PodScheduled && cond.Status == corev1.ConditionFalse
			if unscheduled || cond.Type == corev1.PodReady {
				settled++
				break
			}
		}
	}
	if settled != w.pods {
		return fmt.Errorf("%d of %d pods have a status", settled, w.pods)
	}
	return nil
}
