package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

// A placed cluster is a folder of manifests, of a shop as a team of some maturity would have it, and of what level must
// say of it. Real controllers make of it what they make of it anywhere: pods, endpoints, the status of budgets. Where the
// test stands in for what is not there - kubelets, a metrics server - it says so below, and what the operators of others
// would have written stands in the manifests.
//
// In the manifests, ${NOW-24h} is a moment and ${DAY-24h} its day, ${HOST} an address of this machine and ${METRICS_PORT}
// the port at which it answers for a metrics server. Annotations of the test say how a document is to be taken, and do
// not get into the cluster:
const (
	// byManager is who writes it, "kubectl-client-side-apply" where it is not said. A second document of an object is a
	// change of it, by whom it names.
	byManager = "test.kubectl-maturity/manager"
	// eachOf makes one of every object of these kinds: ${API}, ${KIND}, ${TYPE} (small letters), ${NAME}, ${NAMESPACE},
	// ${UID} and ${CONTAINER}, the first one, are of that object. It is for what scanners report.
	eachOf = "test.kubectl-maturity/each"
	// statusOf writes the status to all pods with the labels of the document, once they run. It is for what does not run well.
	statusOf = "test.kubectl-maturity/status-of"
)

var placedValue = regexp.MustCompile(`\$\{(NOW|DAY)([+-][0-9a-z]+)?\}|\$\{([A-Z_]+)\}`)

// placedCluster is one that is filled already.
type placedCluster struct {
	*testcluster.Cluster
	*client
	name   string
	config string // file of --config
	values map[string]string
	others []string // groups of the kinds of others
	ips    int
}

// placedClusters are those of this binary; a test that comes later finds what was filled before.
var placedClusters = struct {
	sync.Mutex
	filled map[string]*placedCluster
}{filled: map[string]*placedCluster{}}

// placed gives a cluster with the manifests of a folder.
func placed(t *testing.T, name string) *placedCluster {
	t.Helper()
	c := testcluster.Named(t, testcluster.ControlKind, "placed-"+name)
	placedClusters.Lock()
	defer placedClusters.Unlock()
	if p := placedClusters.filled[name]; p != nil {
		return p
	}
	p := &placedCluster{Cluster: c, client: newClient(t, c.RESTConfig()), name: name, values: map[string]string{}}
	p.values["HOST"], p.values["METRICS_PORT"] = serveMetrics(t)
	// Nobody measures what does not run: the status of autoscalers is what the manifests say.
	if err := c.Client().RbacV1().ClusterRoleBindings().Delete(t.Context(), "system:controller:horizontal-pod-autoscaler", metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	// Where endpoints are reconciled, which is everywhere else, each API server names itself.
	p.write(t, p.decode(t, "kubernetes", p.fill(t, ownEndpoints, nil))[0])
	documents := p.documents(t, filepath.Join("placed", name))
	p.define(t, documents)
	var later []*unstructured.Unstructured
	for _, o := range documents {
		if a := o.GetAnnotations(); a[eachOf] != "" || a[statusOf] != "" {
			later = append(later, o)
			continue
		}
		p.write(t, o)
	}
	p.settle(t)
	for _, o := range later {
		if o.GetAnnotations()[statusOf] != "" {
			p.writeStatusOf(t, o)
		} else {
			p.writeEach(t, o)
		}
	}
	p.config = p.declarations(t)
	p.still(t)
	placedClusters.filled[name] = p
	return p
}

const ownEndpoints = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}, annotations: {` + byManager + `: kube-apiserver}}
addressType: IPv4
endpoints: [{addresses: ["${HOST}"], conditions: {ready: true}}]
ports: [{name: https, port: 6443, protocol: TCP}]
`

// serveMetrics answers, at an address that is not this machine's own, what the API server asks of a metrics server.
func serveMetrics(t *testing.T) (host, port string) {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			host = n.IP.String()
			break
		}
	}
	if host == "" {
		t.Skip("SKIPPED: this machine has no address at which an API server may look for a metrics server")
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const group = "metrics.k8s.io/v1beta1"
		var answer any = metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: group, APIResources: []metav1.APIResource{
			{Name: "nodes", Kind: "NodeMetrics", Verbs: metav1.Verbs{"get", "list"}}, {Name: "pods", Namespaced: true, Kind: "PodMetrics", Verbs: metav1.Verbs{"get", "list"}},
		}}
		switch {
		case strings.HasSuffix(r.URL.Path, "/nodes"):
			answer = map[string]any{"kind": "NodeMetricsList", "apiVersion": group, "metadata": map[string]any{}, "items": []any{}}
		case strings.HasSuffix(r.URL.Path, "/pods"):
			answer = map[string]any{"kind": "PodMetricsList", "apiVersion": group, "metadata": map[string]any{}, "items": []any{}}
		case !strings.HasSuffix(r.URL.Path, group):
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	_ = server.Listener.Close()
	server.Listener = listener
	server.StartTLS() // for as long as the cluster, which ends with this process
	return host, strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// fill puts in what the placeholders of a text stand for.
func (p *placedCluster) fill(t *testing.T, text string, more map[string]string) string {
	t.Helper()
	return placedValue.ReplaceAllStringFunc(text, func(found string) string {
		m := placedValue.FindStringSubmatch(found)
		if m[1] == "" {
			if v, ok := more[m[3]]; ok {
				return v
			}
			if v, ok := p.values[m[3]]; ok {
				return v
			}
			return found // of an object that is to come: see eachOf
		}
		at := time.Now().UTC()
		if m[2] != "" {
			d, err := time.ParseDuration(m[2])
			if err != nil {
				t.Fatalf("%s: %v", found, err)
			}
			at = at.Add(d)
		}
		if m[1] == "DAY" {
			return at.Format(time.DateOnly)
		}
		return at.Format(time.RFC3339)
	})
}

// documents are the objects of a folder, by the names of its files.
func (p *placedCluster) documents(t *testing.T, dir string) []*unstructured.Unstructured {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no manifests: %v", dir, err)
	}
	var list []*unstructured.Unstructured
	for _, file := range files {
		if filepath.Base(file) == "maturity.yaml" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p.decode(t, file, p.fill(t, string(data), nil))...)
	}
	return list
}

func (p *placedCluster) decode(t *testing.T, file, text string) (list []*unstructured.Unstructured) {
	t.Helper()
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		o := &unstructured.Unstructured{}
		if err := decoder.Decode(&o.Object); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(o.Object) > 0 {
			list = append(list, o)
		}
	}
}

// define defines those kinds of others of which there are documents.
func (p *placedCluster) define(t *testing.T, documents []*unstructured.Unstructured) {
	t.Helper()
	var crds []*unstructured.Unstructured
	for _, crd := range p.documents(t, filepath.Join("placed", "crds")) {
		group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
		if slices.ContainsFunc(documents, func(o *unstructured.Unstructured) bool {
			return o.GroupVersionKind().GroupKind() == schema.GroupKind{Group: group, Kind: kind}
		}) {
			p.others = append(p.others, group)
			crds = append(crds, crd)
			p.write(t, crd)
		}
	}
	p.Eventually(t, "the kinds of others", time.Minute, func(context.Context) error { return p.served(crds) })
}

// served tells whether the API server knows all kinds that were defined.
func (p *placedCluster) served(crds []*unstructured.Unstructured) error {
	meta.MaybeResetRESTMapper(p.mapper)
	for _, crd := range crds {
		group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
		if _, err := p.mapper.RESTMapping(schema.GroupKind{Group: group, Kind: kind}); err != nil {
			return err
		}
	}
	return nil
}

// write makes an object as whoever its annotation names, and then its status, which Kubernetes' own kinds take apart from
// the rest. An object that is there already is changed.
func (p *placedCluster) write(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	ctx := t.Context()
	by, status := p.takeOut(o)
	mapping, err := p.mapper.RESTMapping(o.GroupVersionKind().GroupKind(), o.GroupVersionKind().Version)
	if err != nil {
		t.Fatalf("%s %s: %v", o.GetKind(), o.GetName(), err)
	}
	at := p.resource(mapping, o.GetNamespace())
	own := !slices.Contains(p.others, mapping.Resource.Group) // a kind that was defined here keeps its status when it is made
	p.owned(t, o)
	if status != nil && !own {
		o.Object["status"] = status
	}
	data, err := o.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if by == "kubectl-client-side-apply" || by == "argocd-controller" { // both apply on their own side
		annotations := o.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[corev1.LastAppliedConfigAnnotation] = string(bytes.TrimSpace(data))
		o.SetAnnotations(annotations)
		if data, err = o.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err = at.Get(ctx, o.GetName(), metav1.GetOptions{}); err == nil {
		// Who wrote what is recorded with its second, and this is later.
		if err := sleep(ctx, 1100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		_, err = at.Patch(ctx, o.GetName(), types.MergePatchType, data, metav1.PatchOptions{FieldManager: by})
	} else if apierrors.IsNotFound(err) {
		err = p.create(ctx, at, o, by)
	}
	if err == nil && status != nil && own {
		err = p.writeStatus(ctx, at.Patch, o.GetName(), status)
	}
	if err != nil {
		t.Fatalf("%s %s/%s: %v", o.GetKind(), o.GetNamespace(), o.GetName(), err)
	}
}

// owned fills in which object an owner is that a document names.
func (p *placedCluster) owned(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	owners := o.GetOwnerReferences()
	for i, owner := range owners {
		if owner.UID != "" {
			continue
		}
		gvk := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind)
		mapping, err := p.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
		if err != nil {
			t.Fatal(err)
		}
		of, err := p.resource(mapping, o.GetNamespace()).Get(t.Context(), owner.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatalf("%s %s: its owner: %v", o.GetKind(), o.GetName(), err)
		}
		owners[i].UID = of.GetUID()
	}
	if owners != nil {
		o.SetOwnerReferences(owners)
	}
}

func (p *placedCluster) create(ctx context.Context, at dynamic.ResourceInterface, o *unstructured.Unstructured, by string) error {
	for range 40 {
		_, err := at.Create(ctx, o, metav1.CreateOptions{FieldManager: by})
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "error looking up service account") {
			return err
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil { // the namespace's own comes a moment later than the namespace
			return err
		}
	}
	return fmt.Errorf("%s has no service account", o.GetNamespace())
}

type patch func(ctx context.Context, name string, pt types.PatchType, data []byte, options metav1.PatchOptions, subresources ...string) (*unstructured.Unstructured, error)

func (p *placedCluster) writeStatus(ctx context.Context, to patch, name string, status any) error {
	data, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	_, err = to(ctx, name, types.MergePatchType, data, metav1.PatchOptions{FieldManager: "kubelet"}, "status")
	return err
}

// takeOut takes out of a document what is not for the API server as it is.
func (p *placedCluster) takeOut(o *unstructured.Unstructured) (by string, status any) {
	annotations := o.GetAnnotations()
	by = annotations[byManager]
	if by == "" {
		by = "kubectl-client-side-apply"
	}
	for _, a := range []string{byManager, eachOf, statusOf} {
		delete(annotations, a)
	}
	o.SetAnnotations(annotations)
	status = o.Object["status"]
	delete(o.Object, "status")
	return by, status
}

// writeEach writes a document for each object of the kinds that it asks for.
func (p *placedCluster) writeEach(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	kinds := strings.Split(o.GetAnnotations()[eachOf], ",")
	for _, kind := range kinds {
		at, _, err := p.named("", strings.TrimSpace(kind)+"/")
		if err != nil {
			t.Fatal(err)
		}
		list, err := at.List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, of := range list.Items {
			if of.GetNamespace() == metav1.NamespaceSystem {
				continue
			}
			containers, _, _ := unstructured.NestedSlice(of.Object, "spec", "template", "spec", "containers")
			container := ""
			if len(containers) > 0 {
				container, _, _ = unstructured.NestedString(containers[0].(map[string]any), "name")
			}
			text, err := o.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			filled := p.fill(t, string(text), map[string]string{
				"API": of.GetAPIVersion(), "TYPE": strings.ToLower(of.GetKind()), "KIND": of.GetKind(), "NAME": of.GetName(), "NAMESPACE": of.GetNamespace(), "UID": string(of.GetUID()), "CONTAINER": container,
			})
			for _, each := range p.decode(t, o.GetKind(), filled) {
				p.write(t, each)
			}
		}
	}
}

// writeStatusOf writes a status to the pods that have all labels of a document.
func (p *placedCluster) writeStatusOf(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	_, status := p.takeOut(o)
	pods, err := p.typed.CoreV1().Pods(o.GetNamespace()).List(t.Context(), metav1.ListOptions{LabelSelector: labels.FormatLabels(o.GetLabels())})
	if err != nil || len(pods.Items) == 0 {
		t.Fatalf("pods with %v: %d, %v", o.GetLabels(), len(pods.Items), err)
	}
	data, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		if _, err := p.typed.CoreV1().Pods(pod.Namespace).Patch(t.Context(), pod.Name, types.MergePatchType, data, metav1.PatchOptions{FieldManager: "kubelet"}, "status"); err != nil {
			t.Fatal(err)
		}
	}
}

// settle does what kubelets do, until every pod that has a node runs, and all pods that controllers want are there.
func (p *placedCluster) settle(t *testing.T) {
	t.Helper()
	p.Eventually(t, "all pods", 2*time.Minute, func(ctx context.Context) error {
		pods, err := p.typed.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		var waits []string
		for i := range pods.Items {
			pod := &pods.Items[i]
			switch {
			case pod.DeletionTimestamp != nil:
				waits = append(waits, pod.Name+" is going")
				now := int64(0)
				if err := p.typed.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil && !apierrors.IsNotFound(err) {
					return err
				}
			case pod.Status.Phase != corev1.PodPending || pod.Spec.NodeName != "" && len(pod.Status.ContainerStatuses) > 0:
			case pod.Spec.NodeName != "":
				waits = append(waits, pod.Name+" was started only now")
				if err := p.run(ctx, pod); err != nil {
					return err
				}
			case givenUp(pod):
				waits = append(waits, pod.Name+" is made anew")
				if err := p.typed.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
					return err
				}
			case !unschedulable(pod):
				waits = append(waits, pod.Name+" has no node")
			}
		}
		for _, kind := range []string{"deployments", "statefulsets", "daemonsets"} {
			at, _, err := p.named("", kind+"/")
			if err != nil {
				return err
			}
			list, err := at.List(ctx, metav1.ListOptions{})
			if err != nil {
				return err
			}
			for _, o := range list.Items {
				if text := missingPods(o.Object, kind); text != "" {
					waits = append(waits, fmt.Sprintf("%s %s: %s", kind, o.GetName(), text))
				}
			}
		}
		if len(waits) > 0 {
			return errors.New(strings.Join(waits, "; "))
		}
		return nil
	})
}

// givenUp tells a pod of a controller that the scheduler comes back to in minutes only: it lost a race for the claim with
// whoever wrote the claim's status here.
func givenUp(pod *corev1.Pod) bool {
	const patience = 10 * time.Second
	of := metav1.GetControllerOf(pod)
	return of != nil && (of.Kind == "StatefulSet" || of.Kind == "ReplicaSet") && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && time.Since(c.LastTransitionTime.Time) > patience
	})
}

func unschedulable(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
	})
}

// missingPods says what a controller has not made yet.
func missingPods(o map[string]any, kind string) string {
	number := func(path ...string) int64 {
		n, _, _ := unstructured.NestedInt64(o, path...)
		return n
	}
	if number("status", "observedGeneration") < number("metadata", "generation") {
		return "not seen yet"
	}
	want, have := number("spec", "replicas"), number("status", "readyReplicas")
	if kind == "deployments" && number("status", "updatedReplicas") != number("status", "replicas") {
		return "a rollout goes on"
	}
	if kind == "daemonsets" {
		want, have = number("status", "desiredNumberScheduled"), number("status", "numberReady")
	}
	if want != have {
		return fmt.Sprintf("%d of %d pods are ready", have, want)
	}
	return ""
}

// run lets a pod run as if its node had started it.
func (p *placedCluster) run(ctx context.Context, pod *corev1.Pod) error {
	now := metav1.Now()
	p.ips++
	ip := fmt.Sprintf("10.244.%d.%d", p.ips/250, 2+p.ips%250)
	for _, c := range pod.Spec.Containers {
		for _, port := range c.Ports {
			if pod.Spec.HostNetwork || strconv.Itoa(int(port.ContainerPort)) == p.values["METRICS_PORT"] {
				ip = p.values["HOST"]
			}
		}
	}
	yes := true
	status := corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}, HostIP: p.values["HOST"], StartTime: &now, QOSClass: pod.Status.QOSClass}
	for _, c := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: c, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	state := func(c corev1.Container, s corev1.ContainerState) corev1.ContainerStatus {
		image, _, _ := strings.Cut(c.Image, "@")
		digest := "sha256:" + strings.Repeat("5e", 32)
		if _, named, ok := strings.Cut(c.Image, "@"); ok {
			digest = named
		}
		return corev1.ContainerStatus{Name: c.Name, Image: c.Image, ImageID: image + "@" + digest, ContainerID: "containerd://" + c.Name, Ready: true, Started: &yes, State: s}
	}
	for _, c := range pod.Spec.InitContainers {
		s := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}}
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			s = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
		}
		status.InitContainerStatuses = append(status.InitContainerStatuses, state(c, s))
	}
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, state(c, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}))
	}
	data, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	_, err = p.typed.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, data, metav1.PatchOptions{FieldManager: "kubelet"}, "status")
	return err
}

// declarations is the maturity.yaml of the cluster with its days filled in, or none.
func (p *placedCluster) declarations(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("placed", p.name, "maturity.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		return "none"
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.Dir(), "maturity.yaml")
	if err := os.WriteFile(file, []byte(p.fill(t, string(data), nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// level places the cluster as the user of a kubeconfig.
func (p *placedCluster) level(t *testing.T, kubeconfig string) *report.Level {
	t.Helper()
	s := maturity(t, kubeconfig, "level", "-A", "--config", p.config, "--helm-releases", "-o", "json")
	if s.code != 0 {
		t.Fatalf("%v: exit %d\n%s", s.args, s.code, s.err)
	}
	l := &report.Level{}
	if err := json.Unmarshal([]byte(s.out), l); err != nil {
		t.Fatalf("%v: not JSON: %v\n%s", s.args, err, s.out)
	}
	return l
}

// still waits until controllers have written what they write, and returns what level says then.
func (p *placedCluster) still(t *testing.T) *report.Level {
	t.Helper()
	last, l := "", (*report.Level)(nil)
	since := time.Now()
	p.Eventually(t, "a cluster in which nothing moves", 2*time.Minute, func(context.Context) error {
		l = p.level(t, p.Kubeconfig)
		now := strings.Join(verdictLines(l), "\n")
		if now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) < 2*time.Second {
			return errors.New("it moves")
		}
		return nil
	})
	return l
}

// verdictLines are the lines of expect.txt: the whole, dimensions and gates.
func verdictLines(l *report.Level) []string {
	lines := []string{"whole " + l.Phase.String()}
	if l.Cap != nil {
		lines = append(lines, "cap "+l.Cap.Phase+" "+strings.Join(l.Cap.Rules, ","))
	}
	for _, d := range l.Dimensions {
		lines = append(lines, d.Name+" "+d.String())
		for _, g := range d.Gates {
			line := fmt.Sprintf("%s %s %d/%d", g.ID, g.Verdict, g.K, g.N)
			if g.Waived > 0 {
				line += fmt.Sprintf("+%d", g.Waived)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// expected reads the lines of an expect.txt by their first word, and the words behind "#" that say why.
func expected(t *testing.T, file string) (lines, why map[string]string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil && os.Getenv("UPDATE_GOLDEN") == "" {
		t.Fatal(err)
	}
	lines, why = map[string]string{}, map[string]string{}
	for line := range strings.SplitSeq(string(data), "\n") {
		text, because, _ := strings.Cut(line, "#")
		name, _, _ := strings.Cut(strings.TrimSpace(text), " ")
		if name == "" {
			continue
		}
		if lines[name] != "" {
			t.Errorf("%s has %s twice", file, name)
		}
		lines[name] = strings.TrimSpace(text)
		if because != "" {
			why[name] = strings.TrimSpace(because)
		}
	}
	return lines, why
}

// TestPlaced places three clusters, and holds that each gate says of them what it must. UPDATE_GOLDEN=1 writes anew what
// level says; what stands behind "#" stays.
func TestPlaced(t *testing.T) {
	m, err := model.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"young", "middling", "excellent"} {
		t.Run(name, func(t *testing.T) {
			p := placed(t, name)
			l := p.level(t, p.Kubeconfig)
			t.Logf("\n%s", maturity(t, p.Kubeconfig, "level", "-A", "--config", p.config).exits(t, 0).out)
			file := filepath.Join("placed", name, "expect.txt")
			lines, why := expected(t, file)
			if os.Getenv("UPDATE_GOLDEN") != "" {
				update(t, file, verdictLines(l), why)
				return
			}
			for _, g := range m.Gates {
				if lines[g.ID] == "" {
					t.Errorf("%s does not say what gate %s must be", file, g.ID)
				}
			}
			for _, got := range verdictLines(l) {
				id, _, _ := strings.Cut(got, " ")
				want := lines[id]
				delete(lines, id)
				if got != want {
					t.Errorf("want %s\n  got %s%s", want, got, evidence(l.Gate(id)))
				}
			}
			for _, left := range lines {
				t.Errorf("level does not say: %s", left)
			}
		})
	}
}

func update(t *testing.T, file string, lines []string, why map[string]string) {
	t.Helper()
	var b strings.Builder
	for i, line := range lines {
		name, rest, _ := strings.Cut(line, " ")
		if i > 0 && !strings.Contains(rest, "/") && name != "cap" {
			b.WriteString("\n") // a dimension begins
		}
		if because := why[name]; because != "" {
			line = fmt.Sprintf("%-48s # %s", line, because)
		}
		b.WriteString(line + "\n")
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// evidence is what a gate says of single objects.
func evidence(g *report.LevelGate) string {
	if g == nil {
		return ""
	}
	text := ""
	if g.Reason != "" {
		text += "\n      " + g.Reason
	}
	for _, e := range g.Evidence {
		text += fmt.Sprintf("\n      %s: %s/%s %s", e.Verdict, e.Object.Namespace, e.Object, e.Reason)
	}
	return text
}

// spoiled makes of what works what only looks like it.
type spoiled struct {
	kind, namespace string         // of what is changed; no namespace: all
	names           []string       // none: all of the kind
	patch           map[string]any // merged into it
	status          map[string]any // merged into the status of a kind of Kubernetes itself
	remove          bool
}

// merge is a patch that sets the value at a path.
func merge(value any, path ...string) map[string]any {
	for i := len(path) - 1; i >= 0; i-- {
		value = map[string]any{path[i]: value}
	}
	return value.(map[string]any)
}

// no is a condition that does not hold.
func no(kind, reason string) map[string]any {
	return merge([]any{map[string]any{"type": kind, "status": "False", "reason": reason, "lastTransitionTime": "2026-01-01T00:00:00Z"}}, "conditions")
}

// TestNominal holds that what is there and does nothing lets no gate pass.
func TestNominal(t *testing.T) {
	p := placed(t, "excellent")
	base := p.level(t, p.Kubeconfig)
	nothing := map[string]any{"matchLabels": map[string]any{"app.kubernetes.io/name": "there-is-none"}}
	old := time.Now().Add(-60 * 24 * time.Hour).UTC().Format(time.RFC3339)
	for _, tt := range []struct {
		name   string
		spoils []spoiled
		gates  []string
	}{
		{"budgets that select nothing", []spoiled{{kind: "poddisruptionbudgets", namespace: "shop", patch: merge(nothing, "spec", "selector")}}, []string{"survives-a-node", "budgets-let-go"}},
		{"policies without a binding", []spoiled{{kind: "validatingadmissionpolicybindings", remove: true}, {kind: "clusterpolicies.kyverno.io", remove: true}}, []string{"admission-enforced", "policy-engine", "no-violations"}},
		{"a binding that only audits", []spoiled{{kind: "validatingadmissionpolicybindings", patch: merge([]any{"Audit"}, "spec", "validationActions")}, {kind: "clusterpolicies.kyverno.io", remove: true}}, []string{"admission-enforced", "no-violations"}},
		{"an autoscaler that is not active", []spoiled{{kind: "horizontalpodautoscalers", namespace: "shop", names: []string{"catalog"}, status: no("ScalingActive", "FailedGetResourceMetric")}}, []string{"autoscalers-work"}},
		{"a metric of its own that is never there", []spoiled{{kind: "horizontalpodautoscalers", namespace: "shop", names: []string{"keda-hpa-checkout"}, status: no("ScalingActive", "FailedGetExternalMetric")}, {kind: "scaledobjects.keda.sh", patch: merge(no("Ready", "ScaledObjectCheckFailed"), "status")}}, []string{"autoscalers-work", "scales-by-meaning"}},
		{"schedules whose last backups failed", []spoiled{{kind: "backups.velero.io", names: []string{"daily-1"}, remove: true}, {kind: "backups.velero.io", names: []string{"daily-2", "weekly-1"}, patch: merge("Failed", "status", "phase")}}, []string{"backups-complete"}},
		{"schedules without backups", []spoiled{{kind: "backups.velero.io", remove: true}}, []string{"backups-complete"}},
		{"a second place that cannot be reached", []spoiled{{kind: "backupstoragelocations.velero.io", names: []string{"elsewhere"}, patch: merge("Unavailable", "status", "phase")}}, []string{"backups-elsewhere"}},
		{"a restore that failed", []spoiled{{kind: "restores.velero.io", patch: merge("Failed", "status", "phase")}}, []string{"restores-proven"}},
		{"monitors that match nothing", []spoiled{{kind: "servicemonitors.monitoring.coreos.com", patch: merge(nothing, "spec", "selector")}}, []string{"metrics-scraped", "monitors-match"}},
		{"monitors that no Prometheus selects", []spoiled{{kind: "prometheuses.monitoring.coreos.com", patch: merge(nothing, "spec", "serviceMonitorSelector")}}, []string{"metrics-scraped"}},
		{"rules that no Prometheus selects", []spoiled{{kind: "prometheuses.monitoring.coreos.com", patch: merge(nothing, "spec", "ruleSelector")}}, []string{"alerts-exist"}},
		{"applications out of sync", []spoiled{{kind: "applications.argoproj.io", names: []string{"shop"}, patch: merge("OutOfSync", "status", "sync", "status")}}, []string{"gitops-healthy"}},
		{"a default deny beside which all is allowed", []spoiled{{kind: "networkpolicies", names: []string{"allow-from", "allow-controller"}, patch: merge([]any{map[string]any{}}, "spec", "ingress")}, {kind: "networkpolicies", names: []string{"allow-from", "allow-controller"}, patch: merge(nil, "spec", "podSelector", "matchLabels")}}, []string{"default-deny"}},
		{"labels that enforce nothing", []spoiled{{kind: "namespaces", patch: merge("privileged", "metadata", "labels", "pod-security.kubernetes.io/enforce")}}, []string{"pod-security-enforced"}},
		{"reports of two months ago", []spoiled{{kind: "vulnerabilityreports.aquasecurity.github.io", patch: merge(old, "report", "updateTimestamp")}}, []string{"vulnerabilities-known"}},
		{"an experiment that hit nothing", []spoiled{{kind: "podchaos.chaos-mesh.org", patch: merge(map[string]any{"conditions": []any{map[string]any{"type": "Selected", "status": "False"}}, "experiment": map[string]any{"containerRecords": []any{}}}, "status")}}, []string{"failure-rehearsed"}},
		{"a certificate that is not renewed", []spoiled{{kind: "certificates.cert-manager.io", patch: merge(no("Ready", "Expired"), "status")}}, []string{"certificates-last"}},
		{"a canary without an analysis", []spoiled{{kind: "canaries.flagger.app", patch: merge(nil, "spec", "analysis")}}, []string{"releases-watched", "releases-automatic"}},
		{"a pool that makes no node", []spoiled{{kind: "nodepools.karpenter.sh", patch: merge(no("Ready", "NodeClassNotReady"), "status")}}, []string{"scales-by-meaning"}},
		{"quotas of nothing", []spoiled{{kind: "resourcequotas", patch: merge(nil, "spec", "hard")}, {kind: "limitranges", remove: true}}, []string{"namespaces-bounded"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.spoils {
				p.spoil(t, tt.spoils[i])
			}
			l := p.still(t)
			for _, id := range tt.gates {
				switch before, now := base.Gate(id), l.Gate(id); {
				case before.Verdict != report.VerdictPass:
					t.Errorf("%s does not hold where it works: %s%s", id, before.Verdict, evidence(before))
				case now.Verdict == report.VerdictPass || now.Verdict == report.VerdictNotApplicable:
					t.Errorf("%s: %s, %d of %d%s", id, now.Verdict, now.K, now.N, evidence(now))
				}
			}
		})
	}
	if was, is := strings.Join(verdictLines(base), "\n"), strings.Join(verdictLines(p.still(t)), "\n"); was != is {
		t.Errorf("the cluster is not what it was\nbefore:\n%s\nafter:\n%s", was, is)
	}
}

// spoil changes objects, and brings them back when the test ends.
func (p *placedCluster) spoil(t *testing.T, s spoiled) {
	t.Helper()
	ctx := context.Background()
	resource, err := p.mapper.ResourceFor(schema.ParseGroupResource(s.kind).WithVersion(""))
	if err != nil {
		t.Fatal(err)
	}
	list, err := p.dynamic.Resource(resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := range list.Items {
		o := &list.Items[i]
		if s.namespace != "" && o.GetNamespace() != s.namespace || s.names != nil && !slices.Contains(s.names, o.GetName()) {
			continue
		}
		found++
		var at dynamic.ResourceInterface = p.dynamic.Resource(resource)
		if o.GetNamespace() != "" {
			at = p.dynamic.Resource(resource).Namespace(o.GetNamespace())
		}
		t.Cleanup(func() {
			back := o.DeepCopy()
			if now, err := at.Get(ctx, o.GetName(), metav1.GetOptions{}); err == nil {
				back.SetResourceVersion(now.GetResourceVersion())
				back, err = at.Update(ctx, back, metav1.UpdateOptions{FieldManager: "argocd-controller"})
				if err == nil && s.status != nil {
					back.Object["status"] = o.Object["status"]
					_, err = at.UpdateStatus(ctx, back, metav1.UpdateOptions{FieldManager: "kubelet"})
				}
				if err != nil {
					t.Errorf("%s %s cannot be brought back: %v", s.kind, o.GetName(), err)
				}
				return
			}
			back.SetResourceVersion("")
			back.SetUID("")
			if _, err := at.Create(ctx, back, metav1.CreateOptions{FieldManager: "argocd-controller"}); err != nil {
				t.Errorf("%s %s cannot be brought back: %v", s.kind, o.GetName(), err)
			}
		})
		switch {
		case s.remove:
			err = at.Delete(ctx, o.GetName(), metav1.DeleteOptions{})
		case s.status != nil:
			err = p.writeStatus(ctx, at.Patch, o.GetName(), s.status)
		default:
			var data []byte
			if data, err = json.Marshal(s.patch); err == nil {
				_, err = at.Patch(ctx, o.GetName(), types.MergePatchType, data, metav1.PatchOptions{FieldManager: "argocd-controller"})
			}
		}
		if err != nil {
			t.Fatalf("%s %s: %v", s.kind, o.GetName(), err)
		}
	}
	if found == 0 {
		t.Fatalf("there is no %s %v", s.kind, s.names)
	}
}

// aboutTheUser are gates whose answer is another one for each who asks.
var aboutTheUser = []string{"certificates-last"}

// TestUnreadable holds that who may read less is told less, and nothing else.
func TestUnreadable(t *testing.T) {
	p := placed(t, "excellent")
	for _, tt := range []struct {
		name   string
		rights []byte
		parts  []string // dimensions of which less is known
		gates  []string // that cannot be answered
	}{
		{"viewer", binding("viewer", "view"), []string{"security", "maintenance", "state"}, []string{"survives-a-zone", "every-node-drains", "backups-complete", "metrics-scraped", "gitops-healthy", "vulnerabilities-known"}},
		{"clerk", p.allBut(t, "poddisruptionbudgets.policy", "servicemonitors.monitoring.coreos.com", "backups.velero.io"), []string{"reliability", "observability", "state"}, []string{"survives-a-node", "budgets-let-go", "every-node-drains", "monitors-match", "metrics-scraped", "backups-complete"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := p.still(t)
			for _, o := range p.decode(t, tt.name, string(tt.rights)) {
				p.write(t, o)
				t.Cleanup(func() {
					if err := p.remove(context.Background(), "", strings.ToLower(o.GetKind())+"/"+o.GetName()); err != nil {
						t.Error(err)
					}
				})
			}
			kubeconfig := p.User(t, tt.name)
			var l *report.Level
			p.Eventually(t, "the rights of "+tt.name, time.Minute, func(context.Context) error {
				s := maturity(t, kubeconfig, "level", "-A", "--config", p.config)
				if s.code != 0 {
					return errors.New(s.err)
				}
				return nil
			})
			l = p.level(t, kubeconfig)
			t.Logf("\n%s", maturity(t, kubeconfig, "level", "-A", "--config", p.config).out)
			m, err := model.Default()
			if err != nil {
				t.Fatal(err)
			}
			order := func(phase string) int {
				return slices.IndexFunc(m.Phases, func(ph model.Phase) bool { return ph.ID == phase })
			}
			own := slices.ContainsFunc(aboutTheUser, func(id string) bool { return l.Gate(id).Verdict != all.Gate(id).Verdict })
			for i, d := range l.Dimensions {
				of := all.Dimensions[i]
				if !(own && slices.ContainsFunc(of.Gates, func(g report.LevelGate) bool { return slices.Contains(aboutTheUser, g.ID) })) && (order(d.Lo) > order(of.Lo) || order(d.Hi) < order(of.Hi)) {
					t.Errorf("%s is %s, and who sees all says %s", d.Name, d.LevelSpan, of.LevelSpan)
				}
				if slices.Contains(tt.parts, d.Name) && d.Lo == d.Hi {
					t.Errorf("%s is said to be %s, as if all had been read", d.Name, d.LevelSpan)
				}
				for _, g := range d.Gates {
					was := all.Gate(g.ID)
					if g.Verdict != was.Verdict && g.Verdict != report.VerdictUnknown && !slices.Contains(aboutTheUser, g.ID) {
						t.Errorf("%s is %s %d/%d, and who sees all says %s %d/%d%s", g.ID, g.Verdict, g.K, g.N, was.Verdict, was.K, was.N, evidence(&g))
					}
					if slices.Contains(tt.gates, g.ID) && g.Verdict != report.VerdictUnknown {
						t.Errorf("%s is %s %d/%d, and cannot be known%s", g.ID, g.Verdict, g.K, g.N, evidence(&g))
					}
				}
			}
			if !own && (order(l.Phase.Lo) > order(all.Phase.Lo) || order(l.Phase.Hi) < order(all.Phase.Hi)) {
				t.Errorf("the whole is %s, and who sees all says %s", l.Phase, all.Phase)
			}
			dir := filepath.Join(t.TempDir(), "saved")
			maturity(t, kubeconfig, "snapshot", dir, "-A").exits(t, 0)
			var twice [2]said
			for i := range twice {
				twice[i] = maturity(t, kubeconfig, "level", "-A", "--config", p.config, "--from", dir, "-o", "json").exits(t, 0)
			}
			if twice[0].out != twice[1].out {
				t.Errorf("one snapshot gives two placements:\n%s\n%s", twice[0].out, twice[1].out)
			}
		})
	}
}

// binding gives a role of everywhere to a user of its name.
func binding(user, role string) []byte {
	return fmt.Appendf(nil, `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: %[1]s, annotations: {%[3]s: argocd-controller}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[2]s}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[1]s}]
`, user, role, byManager)
}

// allBut is the role of a user "clerk" who may do everything with all kinds but a few.
func (p *placedCluster) allBut(t *testing.T, but ...string) []byte {
	t.Helper()
	_, lists, err := p.typed.Discovery().ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	text := "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: clerk, annotations: {" + byManager + ": argocd-controller}}\nrules:\n- {nonResourceURLs: ['*'], verbs: ['*']}\n"
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, r := range list.APIResources {
			whole, _, _ := strings.Cut(r.Name, "/")
			if !slices.Contains(but, whole+"."+gv.Group) {
				names = append(names, "'"+r.Name+"'")
			}
		}
		if len(names) > 0 {
			text += fmt.Sprintf("- {apiGroups: ['%s'], resources: [%s], verbs: ['*']}\n", gv.Group, strings.Join(names, ", "))
		}
	}
	return append([]byte(text+"---"), binding("clerk", "clerk")...)
}
