package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

const measured = `
apiVersion: v1
kind: Pod
metadata: {name: measured}
spec:
  containers:
  - name: app
    image: localhost/misbehave:v1
    args: [sleep]
    resources: {limits: {memory: 64Mi}}
`

// TestMetrics reads what kubectl top reads.
func TestMetrics(t *testing.T) {
	c := testcluster.Node(t)
	ns := c.Namespace(t, "metrics")
	c.Apply(t, ns, []byte(measured))
	c.WaitMetrics(t)
	c.Eventually(t, "the metrics of a pod", 2*time.Minute, func(ctx context.Context) error {
		data, err := c.Client().Discovery().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/namespaces", ns, "pods/measured").DoRaw(ctx)
		if err != nil {
			return err
		}
		var m struct {
			Containers []struct {
				Name  string
				Usage map[string]resource.Quantity
			}
		}
		if err := json.Unmarshal(data, &m); err != nil {
			return err
		}
		if len(m.Containers) != 1 || m.Containers[0].Name != "app" {
			return fmt.Errorf("want the metrics of container app: %s", data)
		}
		if memory := m.Containers[0].Usage["memory"]; memory.Value() == 0 {
			return fmt.Errorf("no memory: %s", data)
		}
		return nil
	})
}
