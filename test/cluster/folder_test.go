package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/dynamic"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/cmd"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

// everywhere is broken in ways that take objects from outside of the namespace, or the names and values of
// entries, to tell.
const everywhere = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {mode: fast, db-password: ` + secretValue + `}
binaryData: {logo: aGVsbG8=}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: app
        image: localhost/misbehave:v1
        env:
        - {name: MODE, valueFrom: {configMapKeyRef: {name: settings, key: mood}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: pictures, labels: {app: pictures}}
spec:
  selector: {matchLabels: {app: pictures}}
  template:
    metadata: {labels: {app: pictures}}
    spec:
      containers:
      - name: app
        image: localhost/misbehave:v1
        volumeMounts: [{name: settings, mountPath: /settings}]
      volumes: [{name: settings, configMap: {name: settings, items: [{key: logo, path: logo.png}]}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: ngnix
  rules: [{host: shop.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: typo}
spec: {defaultBackend: {service: {name: wep, port: {number: 80}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: wep, port: 80}]}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: wep}
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: wep}}, policyTypes: [Ingress]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, labels: {app: db}}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: app, image: "localhost/misbehave:v1", volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: important, labels: {app: important}}
spec:
  selector: {matchLabels: {app: important}}
  template:
    metadata: {labels: {app: important}}
    spec:
      priorityClassName: higher
      containers: [{name: app, image: "localhost/misbehave:v1"}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: guarded, labels: {app: guarded}}
spec:
  selector: {matchLabels: {app: guarded}}
  template:
    metadata: {labels: {app: guarded, guarded: "yes"}}
    spec:
      containers: [{name: app, image: "localhost/misbehave:v1"}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 0 31 2 *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: "localhost/misbehave:v1"}]}}}}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: outer}
spec: {size: 1}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: owner}
spec: {size: 1}
`

// kindsOfOthers are served without a schema and without a controller.
const kindsOfOthers = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget}
  versions: [{name: v1, served: true, storage: true, subresources: {status: {}}, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: httproutes.gateway.networking.k8s.io
  annotations: {api-approved.kubernetes.io: "https://github.com/kubernetes-sigs/gateway-api"}
spec:
  group: gateway.networking.k8s.io
  scope: Namespaced
  names: {kind: HTTPRoute, plural: httproutes, singular: httproute}
  versions: [{name: v1, served: true, storage: true, subresources: {status: {}}, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`

// guard is a webhook that nobody answers, of the pods of one namespace.
const guard = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks:
- name: guard.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 1
  objectSelector: {matchLabels: {guarded: "yes"}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  clientConfig: {service: {name: guard, namespace: guards}}
`

// TestFolderSaysTheSame holds that explain says of a snapshot folder what it says of the cluster that the
// folder was made of: of each object by name, and of the namespace.
func TestFolderSaysTheSame(t *testing.T) {
	c := testcluster.Another(t, testcluster.ControlKind) // where kinds of others may be added
	c.MadeUpNode(t, "small", "4", "8Gi")
	ns := c.Namespace(t, "folder")
	c.Apply(t, ns, []byte(kindsOfOthers))
	c.Eventually(t, "kinds of others", time.Minute, func(context.Context) error {
		for _, gv := range []string{"example.com/v1", "gateway.networking.k8s.io/v1"} {
			if _, err := c.Client().Discovery().ServerResourcesForGroupVersion(gv); err != nil {
				return err
			}
		}
		return nil
	})
	c.Apply(t, ns, []byte(guard))
	c.Apply(t, ns, []byte(everywhere))
	own(t, c, ns)
	waits := corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
		Reason: "CreateContainerConfigError", Message: fmt.Sprintf("couldn't find key mood in ConfigMap %s/settings", ns),
	}}}
	runs(t, c, ns, "web", waits)
	runs(t, c, ns, "pictures", corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}})
	runs(t, c, ns, "inner", corev1.ContainerStatus{RestartCount: 3, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137, FinishedAt: metav1.Now()}}})
	c.Eventually(t, "the controllers to say what they cannot do", time.Minute, func(ctx context.Context) error {
		events, err := c.Client().CoreV1().Events(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, of := range []string{"HorizontalPodAutoscaler web", "ReplicaSet important", "ReplicaSet guarded", "Pod db-0", "PersistentVolumeClaim data"} {
			kind, name, _ := strings.Cut(of, " ")
			if !slices.ContainsFunc(events.Items, func(e corev1.Event) bool {
				return e.InvolvedObject.Kind == kind && strings.HasPrefix(e.InvolvedObject.Name, name)
			}) {
				return fmt.Errorf("no event of %s", of)
			}
		}
		return nil
	})
	time.Sleep(2 * time.Second) // what they write last

	dir := filepath.Join(t.TempDir(), "saved")
	maturity(t, c.Kubeconfig, "snapshot", dir, "-n", ns).exits(t, 0)
	for target, want := range map[string]string{
		"deploy/web": "cm-key-missing", "deploy/pictures": "", "svc/web": "cm-key-missing", "ing/web": "cm-key-missing", "ing/typo": "ing-backend-missing",
		"httproute.gateway.networking.k8s.io/web": "route-not-served", "hpa/web": "hpa-target-missing", "pdb/web": "", "netpol/web": "netpol-no-match",
		"sts/db": "pvc-class-missing", "pvc/data": "pvc-class-missing", "deploy/important": "priorityclass-missing", "deploy/guarded": "webhook-down",
		"cronjob/nightly": "cron-bad-schedule", "widget.example.com/owner": "oom-own-limit", "widget.example.com/outer": "oom-own-limit", "ns/" + ns: "", "": "",
	} {
		t.Run(target, func(t *testing.T) {
			args := []string{"explain", "-n", ns, "-o", "json"}
			if target != "" {
				args = append(args, target)
			}
			live, folder := maturity(t, c.Kubeconfig, args...).report(t), saved(t, append(args, "--from", dir)...)
			if live, folder := gist(live), gist(folder); live != folder {
				t.Errorf("the cluster:\n%s\nthe folder:\n%s", live, folder)
			}
			if want != "" && (len(live.Findings) == 0 || live.Findings[live.Explained[0].Findings[0]].Rule != want) {
				t.Errorf("want %s:\n%s", want, gist(live))
			}
		})
	}
	// What a cause may ask for that is not one of today's is there as well.
	index, err := os.ReadFile(filepath.Join(dir, "snapshot.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"IngressClass", "PriorityClass", "StorageClass", "APIService", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicyBinding", "RuntimeClass", "CSIDriver", "HTTPRoute"} {
		if !strings.Contains(string(index), "kind: "+kind+"\n") {
			t.Errorf("%s was not read", kind)
		}
	}
	// Values that look like secrets stay behind, and so do binary ones.
	text, err := os.ReadFile(filepath.Join(dir, "configmaps.yaml"))
	if err != nil || bytes.Contains(text, []byte(secretValue)) || bytes.Contains(text, []byte("aGVsbG8")) || !bytes.Contains(text, []byte("mode: fast")) {
		t.Errorf("%v\n%s", err, text)
	}
}

// own makes a StatefulSet that an object of an operator owns, which another one owns.
func own(t *testing.T, c *testcluster.Cluster, ns string) {
	t.Helper()
	ctx := context.Background()
	client, err := dynamic.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	widgets := client.Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "widgets"}).Namespace(ns)
	outer, err := widgets.Get(ctx, "outer", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	widget, err := widgets.Get(ctx, "owner", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	controller := true
	widget.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "example.com/v1", Kind: "Widget", Name: "outer", UID: outer.GetUID(), Controller: &controller}})
	if widget, err = widgets.Update(ctx, widget, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.Apply(t, ns, []byte(fmt.Sprintf(`
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: inner
  labels: {app: inner}
  ownerReferences: [{apiVersion: example.com/v1, kind: Widget, name: owner, uid: %s, controller: true}]
spec:
  serviceName: inner
  selector: {matchLabels: {app: inner}}
  template:
    metadata: {labels: {app: inner}}
    spec: {containers: [{name: app, image: "localhost/misbehave:v1", resources: {limits: {memory: 32Mi}}}]}
`, widget.GetUID())))
	status := map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "False", "reason": "PodsNotReady", "message": "no pod is ready", "lastTransitionTime": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)}}}
	for _, w := range []*unstructured.Unstructured{outer, widget} {
		if err := unstructured.SetNestedMap(w.Object, status, "status"); err != nil {
			t.Fatal(err)
		}
		if _, err := widgets.UpdateStatus(ctx, w, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// saved runs the plugin without a cluster.
func saved(t *testing.T, args ...string) *report.Report {
	t.Helper()
	var out, errOut bytes.Buffer
	argv := append([]string{"kubectl-maturity", "--color", "never"}, args...)
	if code := cmd.Main(t.Context(), argv, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}); code != 0 {
		t.Fatalf("%v: exit %d\n%s%s", argv, code, out.String(), errOut.String())
	}
	r := &report.Report{}
	if err := json.Unmarshal(out.Bytes(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// gist is what a report says, but for how long things have been so.
func gist(r *report.Report) string {
	var b strings.Builder
	for _, e := range r.Explained {
		fmt.Fprintf(&b, "%s %s\n", e.Object, e.State)
		for _, i := range e.Findings {
			f := r.Findings[i]
			by := ""
			if f.SetBy != nil {
				by = f.SetBy.Manager
			}
			fmt.Fprintf(&b, "  %s %s %s %s %s %s set by %s, %d pieces of evidence\n", f.Rule, f.Certainty, f.Object, f.Seen, f.Field, f.Value, by, len(f.Evidence))
		}
	}
	return b.String()
}
