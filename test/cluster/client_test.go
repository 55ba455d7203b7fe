package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"
)

// client is what the runner needs of a cluster, apart from the plugin.
type client struct {
	typed   kubernetes.Interface
	dynamic dynamic.Interface
	mapper  meta.RESTMapper
}

func newClient(t testing.TB, config *rest.Config) *client {
	t.Helper()
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 100, 200
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	cached := memory.NewMemCacheClient(typed.Discovery())
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(cached)
	return &client{typed: typed, dynamic: dyn, mapper: restmapper.NewShortcutExpander(mapper, cached, nil)}
}

// resource is where objects of a kind are.
func (c *client) resource(mapping *meta.RESTMapping, ns string) dynamic.ResourceInterface {
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.dynamic.Resource(mapping.Resource).Namespace(ns)
	}
	return c.dynamic.Resource(mapping.Resource)
}

// named finds TYPE/NAME, with the short names that kubectl knows.
func (c *client) named(ns, target string) (dynamic.ResourceInterface, string, error) {
	kind, name, _ := strings.Cut(target, "/")
	resource, err := c.mapper.ResourceFor(schema.GroupVersionResource{Resource: kind})
	if err != nil {
		return nil, "", err
	}
	gvk, err := c.mapper.KindFor(resource)
	if err != nil {
		return nil, "", err
	}
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, "", err
	}
	return c.resource(mapping, ns), name, nil
}

func (c *client) get(ctx context.Context, ns, target string) (*unstructured.Unstructured, error) {
	at, name, err := c.named(ns, target)
	if err != nil {
		return nil, err
	}
	return at.Get(ctx, name, metav1.GetOptions{})
}

func (c *client) remove(ctx context.Context, ns, target string) error {
	at, name, err := c.named(ns, target)
	if err != nil {
		return err
	}
	return at.Delete(ctx, name, metav1.DeleteOptions{})
}

// apply creates an object, or merges it into the one that is there. What belongs to no namespace, and
// so does not go with it, is deleted when the test ends.
func (c *client) apply(ctx context.Context, t testing.TB, ns, doc string) error {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(doc), &o.Object); err != nil {
		return err
	}
	gvk := o.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return err
	}
	target := c.resource(mapping, ns)
	for range 20 {
		_, err = target.Create(ctx, o, metav1.CreateOptions{FieldManager: "kubectl-create"})
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "error looking up service account") || strings.Contains(doc, "serviceAccountName") {
			break // only the namespace's own account comes a moment later than the namespace
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
	if apierrors.IsAlreadyExists(err) {
		var data []byte
		if data, err = json.Marshal(o.Object); err == nil {
			_, err = target.Patch(ctx, o.GetName(), types.MergePatchType, data, metav1.PatchOptions{FieldManager: "kubectl-patch"})
		}
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		t.Cleanup(func() {
			if err := target.Delete(context.Background(), o.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				t.Errorf("cannot delete %s %s: %v", o.GetKind(), o.GetName(), err)
			}
		})
	}
	return nil
}

// wait waits until u has held without a break for as long as it says. It gives up after limit.
func (c *client) wait(ctx context.Context, ns string, u until, limit time.Duration) error {
	end, since := time.Now().Add(limit+u.For.Duration), time.Time{}
	for {
		text, err := u.missing(ctx, c, ns)
		now := time.Now()
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil || text != "":
			since = time.Time{}
			if err == nil {
				err = errors.New(text)
			}
			if now.After(end) {
				return fmt.Errorf("not reached within %s: %w", limit, err)
			}
		case since.IsZero():
			since = now
		}
		if !since.IsZero() && now.Sub(since) >= u.For.Duration {
			return nil
		}
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

// states is how the pods of a namespace are.
func (c *client) states(ctx context.Context, ns string) (string, error) {
	pods, err := c.typed.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	return strings.Join(states(pods.Items), "\n"), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// nodeName is the name of the only node.
func (c *client) nodeName(t testing.TB) string {
	t.Helper()
	nodes, err := c.typed.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) != 1 {
		t.Fatalf("want one node: %d, %v", len(nodes.Items), err)
	}
	return nodes.Items[0].Name
}

// changeNode does to the only node what a scenario asks for, and undoes it when the test ends.
func (c *client) changeNode(ctx context.Context, t testing.TB, change nodeChange) {
	t.Helper()
	before, err := c.typed.CoreV1().Nodes().Get(ctx, c.nodeName(t), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.updateNode(ctx, t, before.Name, func(n *corev1.Node) {
		n.Spec.Unschedulable = change.Cordon
		if change.Taint != "" {
			key, rest, _ := strings.Cut(change.Taint, "=")
			value, effect, _ := strings.Cut(rest, ":")
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Value: value, Effect: corev1.TaintEffect(effect)})
		}
		for k, v := range change.Labels {
			n.Labels[k] = v
		}
	})
	t.Cleanup(func() {
		c.updateNode(context.Background(), t, before.Name, func(n *corev1.Node) {
			n.Spec.Unschedulable, n.Spec.Taints, n.Labels = before.Spec.Unschedulable, slices.Clone(before.Spec.Taints), before.Labels
		})
	})
}

func (c *client) updateNode(ctx context.Context, t testing.TB, name string, change func(*corev1.Node)) {
	t.Helper()
	for range 10 { // the kubelet writes the same object
		node, err := c.typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		change(node)
		if _, err = c.typed.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{}); err == nil {
			return
		}
		if !apierrors.IsConflict(err) {
			t.Error(err)
			return
		}
	}
	t.Errorf("node %s changes all the time", name)
}

// release takes the finalizers from the pods of a namespace: nobody else would, and the namespace
// would stay.
func (c *client) release(t testing.TB, ns string) {
	t.Helper()
	ctx := context.Background()
	pods, err := c.typed.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Error(err)
		return
	}
	for _, p := range pods.Items {
		if len(p.Finalizers) == 0 {
			continue
		}
		if _, err := c.typed.CoreV1().Pods(ns).Patch(ctx, p.Name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	}
}
