package testcluster

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// metricsObjects make a program outside of the cluster one of its APIs: a Service without a selector,
// the address that it leads to, and the API.
const metricsObjects = `
apiVersion: v1
kind: Service
metadata: {name: metrics-server, namespace: kube-system}
spec: {ports: [{name: https, port: 443, targetPort: %[2]d}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: metrics-server, namespace: kube-system, labels: {kubernetes.io/service-name: metrics-server}}
addressType: IPv4
endpoints: [{addresses: [%[1]q], conditions: {ready: true}}]
ports: [{name: https, port: %[2]d}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec:
  group: metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  caBundle: %[3]s
  service: {name: metrics-server, namespace: kube-system, port: 443}
`

// startMetrics starts metrics-server, and returns. It must measure twice before it has an answer, which
// takes longer than all the rest of a node: until then there is no such API, rather than one that
// breaks discovery, and with it the deletion of namespaces, for as long.
func (c *Cluster) startMetrics() error {
	ports, err := freePorts(c.address, 1)
	if err != nil {
		return err
	}
	if err := c.ca.issueFile("metrics-server", "metrics-server", nil, c.address, "metrics-server.kube-system.svc"); err != nil {
		return err
	}
	config := c.kubeconfig("admin")
	if _, err := c.start("metrics-server", childAttr(), c.programs["metrics-server"],
		"--kubeconfig="+config, "--authentication-kubeconfig="+config, "--authorization-kubeconfig="+config,
		"--bind-address="+c.address, "--secure-port="+strconv.Itoa(ports[0]),
		"--tls-cert-file="+c.pki("metrics-server.crt"), "--tls-private-key-file="+c.pki("metrics-server.key"),
		"--kubelet-certificate-authority="+c.pki("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		// It panics unless it asks less often than it waits. Ten seconds is how often a kubelet measures.
		"--metric-resolution=10s", "--kubelet-request-timeout=5s"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.metrics = &task{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.metrics.done)
		c.metrics.err = c.publishMetrics(ctx, ports[0])
	}()
	return nil
}

// publishMetrics makes the API known once there is something behind it.
func (c *Cluster) publishMetrics(ctx context.Context, port int) error {
	address := net.JoinHostPort(c.address, strconv.Itoa(port))
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the API server verifies it
	}}
	if err := c.waitEvery(ctx, 500*time.Millisecond, "metrics-server", 3*time.Minute, func(ctx context.Context) error {
		return healthy(ctx, client, "https://"+address+"/readyz")
	}); err != nil {
		return err
	}
	objects := fmt.Sprintf(metricsObjects, c.address, port, base64.StdEncoding.EncodeToString(encodeCert(c.ca.cert.Raw)))
	if err := c.apply(ctx, "", []byte(objects)); err != nil {
		return err
	}
	return c.wait(ctx, "the metrics of the node", 2*time.Minute, func(ctx context.Context) error {
		return c.client.Discovery().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/nodes", nodeName).Do(ctx).Error()
	})
}
