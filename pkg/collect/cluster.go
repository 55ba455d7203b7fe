package collect

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// readTimeout is how long one optional read may take unless --request-timeout says otherwise.
const readTimeout = 10 * time.Second

// parallel is how many reads are under way at once.
const parallel = 8

// logTail is how much of a log is read: lines, and bytes.
const (
	logTailLines = 200
	logTailBytes = 256 << 10
)

// Cluster answers wants from a live cluster. It only reads.
type Cluster struct {
	getter  genericclioptions.RESTClientGetter
	config  *rest.Config
	http    *http.Client
	clock   *serverClock
	timeout time.Duration

	mu       sync.Mutex
	clients  map[schema.GroupVersion]rest.Interface
	metadata metadata.Interface
	dynamic  dynamic.Interface
}

// NewCluster connects to the cluster of flags with kubectl's own rules; userAgent names the command.
func NewCluster(flags *genericclioptions.ConfigFlags, userAgent string) (*Cluster, error) {
	clock := &serverClock{}
	flags.WithWrapConfigFn(func(c *rest.Config) *rest.Config {
		c.QPS, c.Burst = 50, 100
		c.UserAgent = userAgent
		c.WarningHandler = rest.NoWarnings{}
		return ReadOnly(c, clock)
	})
	config, err := flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	timeout := config.Timeout
	if timeout == 0 {
		timeout = readTimeout
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	return &Cluster{getter: flags, config: config, http: client, clock: clock, timeout: timeout, clients: map[schema.GroupVersion]rest.Interface{}}, nil
}

// NewSnapshot makes an empty snapshot with the cluster's clock, once it has answered, and context.
func (c *Cluster) NewSnapshot() *snapshot.Snapshot {
	s := snapshot.New(c.clock.now())
	raw, err := c.getter.ToRawKubeConfigLoader().RawConfig()
	if err == nil {
		s.Context = raw.CurrentContext
	}
	if flags, ok := c.getter.(*genericclioptions.ConfigFlags); ok && flags.Context != nil && *flags.Context != "" {
		s.Context = *flags.Context
	}
	return s
}

// Fetch implements Fetcher. Reads run side by side, each with a timeout of its own; what is refused
// or fails becomes a blind spot. The error is only ever that of ctx.
func (c *Cluster) Fetch(ctx context.Context, s *snapshot.Snapshot, wants []snapshot.Want) error {
	results := make(chan answer)
	slots := make(chan struct{}, parallel)
	for _, w := range wants {
		go func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results <- c.read(ctx, w)
		}()
	}
	for range wants {
		a := <-results
		for _, add := range a.add {
			add(s)
		}
		s.SetOutcome(a.want, a.outcome)
	}
	if s.Now.Before(c.clock.now()) && c.clock.unix.Load() != 0 {
		s.Now = c.clock.now()
	}
	return ctx.Err()
}

// answer is what came of one read; add is run by the one goroutine that may fill the snapshot.
type answer struct {
	want    snapshot.Want
	outcome snapshot.Outcome
	add     []func(*snapshot.Snapshot)
}

func (a *answer) object(gvk schema.GroupVersionKind, obj runtime.Object) {
	a.add = append(a.add, func(s *snapshot.Snapshot) {
		// What the server sends has metadata; Add can refuse nothing else.
		_, _ = s.Add(gvk, obj, nil)
	})
}

func (c *Cluster) read(ctx context.Context, w snapshot.Want) answer {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	a := answer{want: w}
	var err error
	switch w.Verb {
	case snapshot.Get:
		err = c.get(ctx, w, &a)
	case snapshot.List:
		err = c.list(ctx, w, &a)
	case snapshot.Events:
		err = c.events(ctx, w, &a)
	case snapshot.Log:
		err = c.log(ctx, w, &a)
	}
	a.outcome = outcomeOf(w, err)
	return a
}

// outcomeOf tells refused, absent, late and broken apart.
func outcomeOf(w snapshot.Want, err error) snapshot.Outcome {
	var timeout net.Error
	switch {
	case err == nil:
		return snapshot.Outcome{State: snapshot.Present, Proven: true}
	case apierrors.IsNotFound(err) && w.Verb == snapshot.Get:
		return snapshot.Outcome{State: snapshot.Absent, Proven: true, Message: err.Error()}
	case apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err):
		return snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonForbidden, Message: err.Error()}
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() || apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err):
		return snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonTimeout, Message: err.Error()}
	case meta.IsNoMatchError(err):
		return snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonUnknownKind, Message: err.Error()}
	case w.Verb == snapshot.Log:
		return snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonUnavailable, Message: err.Error()}
	}
	return snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonFailed, Message: err.Error()}
}

// client is the REST client of a group version of Kubernetes' own.
func (c *Cluster) client(gv schema.GroupVersion) (rest.Interface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client, ok := c.clients[gv]; ok {
		return client, nil
	}
	config := rest.CopyConfig(c.config)
	config.GroupVersion = &gv
	config.APIPath = "/apis"
	if gv.Group == "" {
		config.APIPath = "/api"
	}
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	client, err := rest.RESTClientForConfigAndClient(config, c.http)
	if err == nil {
		c.clients[gv] = client
	}
	return client, err
}

func (c *Cluster) metadataClient() (metadata.Interface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.metadata == nil {
		client, err := metadata.NewForConfigAndClient(metadata.ConfigFor(c.config), c.http)
		if err != nil {
			return nil, err
		}
		c.metadata = client
	}
	return c.metadata, nil
}

// foreign finds how a kind that is not Kubernetes' own is served.
func (c *Cluster) foreign(gk schema.GroupKind) (dynamic.NamespaceableResourceInterface, *meta.RESTMapping, error) {
	mapper, err := c.getter.ToRESTMapper()
	if err != nil {
		return nil, nil, err
	}
	mapping, err := mapper.RESTMapping(gk)
	if err != nil {
		return nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dynamic == nil {
		c.dynamic, err = dynamic.NewForConfigAndClient(c.config, c.http)
		if err != nil {
			return nil, nil, err
		}
	}
	return c.dynamic.Resource(mapping.Resource), mapping, nil
}

// metadataOnly are kinds whose content holds what must not, or need not, be read.
func metadataOnly(w snapshot.Want) bool {
	return w.GroupKind() == snapshot.SecretKind || w.GroupKind() == snapshot.ConfigMapKind && w.Verb == snapshot.List
}

func (c *Cluster) get(ctx context.Context, w snapshot.Want, a *answer) error {
	gvk, known := versionOf(w.GroupKind())
	known = known && scheme.Scheme.Recognizes(gvk) // a CustomResourceDefinition has no type here
	switch {
	case !known:
		resource, mapping, err := c.foreign(w.GroupKind())
		if err != nil {
			return err
		}
		var one dynamic.ResourceInterface = resource
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			one = resource.Namespace(w.Namespace)
		}
		obj, err := one.Get(ctx, w.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		a.object(obj.GroupVersionKind(), obj)
		return nil
	case metadataOnly(w):
		client, err := c.metadataClient()
		if err != nil {
			return err
		}
		obj, err := client.Resource(resourceOf(gvk)).Namespace(w.Namespace).Get(ctx, w.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		a.add = append(a.add, func(s *snapshot.Snapshot) { s.AddMetadata(gvk, obj) })
		return nil
	}
	client, err := c.client(gvk.GroupVersion())
	if err != nil {
		return err
	}
	obj, err := scheme.Scheme.New(gvk)
	if err != nil {
		return err
	}
	err = client.Get().NamespaceIfScoped(w.Namespace, !clusterScoped(w.GroupKind())).Resource(resourceOf(gvk).Resource).Name(w.Name).Do(ctx).Into(obj)
	if err != nil {
		return err
	}
	a.object(gvk, obj)
	return nil
}

func (c *Cluster) list(ctx context.Context, w snapshot.Want, a *answer) error {
	gvk, known := versionOf(w.GroupKind())
	known = known && scheme.Scheme.Recognizes(gvk) // a CustomResourceDefinition has no type here
	// The watch cache answers without asking etcd; what it lacks is younger than a moment.
	options := metav1.ListOptions{LabelSelector: w.Selector, FieldSelector: w.Fields, ResourceVersion: "0"}
	switch {
	case !known:
		resource, _, err := c.foreign(w.GroupKind())
		if err != nil {
			return err
		}
		list, err := resource.Namespace(w.Namespace).List(ctx, options)
		if err != nil {
			return err
		}
		for i := range list.Items {
			a.object(list.Items[i].GroupVersionKind(), &list.Items[i])
		}
		return nil
	case metadataOnly(w):
		client, err := c.metadataClient()
		if err != nil {
			return err
		}
		list, err := client.Resource(resourceOf(gvk)).Namespace(w.Namespace).List(ctx, options)
		if err != nil {
			return err
		}
		for i := range list.Items {
			obj := &list.Items[i]
			a.add = append(a.add, func(s *snapshot.Snapshot) { s.AddMetadata(gvk, obj) })
		}
		return nil
	}
	return c.stream(ctx, gvk, w.Namespace, options, a)
}

func (c *Cluster) events(ctx context.Context, w snapshot.Want, a *answer) error {
	gvk, _ := versionOf(snapshot.EventKind)
	namespace := w.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault // where events of objects without a namespace are kept
	}
	fields := "involvedObject.name=" + w.Name + ",involvedObject.kind=" + w.Kind
	return c.stream(ctx, gvk, namespace, metav1.ListOptions{FieldSelector: fields, ResourceVersion: "0"}, a)
}

// stream reads a list item by item.
func (c *Cluster) stream(ctx context.Context, gvk schema.GroupVersionKind, namespace string, options metav1.ListOptions, a *answer) error {
	client, err := c.client(gvk.GroupVersion())
	if err != nil {
		return err
	}
	body, err := client.Get().
		NamespaceIfScoped(namespace, namespace != "" && !clusterScoped(gvk.GroupKind())).
		Resource(resourceOf(gvk).Resource).
		VersionedParams(&options, scheme.ParameterCodec).
		Stream(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	const chunk = 64 << 10
	r := bufio.NewReaderSize(body, chunk)
	err = eachItem(r, func(data []byte) error {
		obj, err := scheme.Scheme.New(gvk)
		if err != nil {
			return err
		}
		message, ok := obj.(interface{ Unmarshal([]byte) error })
		if !ok {
			return fmt.Errorf("%s has no protobuf form", gvk.Kind)
		}
		if err := message.Unmarshal(data); err != nil {
			return err
		}
		a.object(gvk, obj)
		return nil
	})
	if errors.Is(err, errNotProtobuf) {
		return jsonList(r, gvk, a)
	}
	return err
}

// jsonList reads a list from a server that answers in JSON whatever it was asked for.
func jsonList(r io.Reader, gvk schema.GroupVersionKind, a *answer) error {
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.NewDecoder(r).Decode(&list); err != nil {
		return err
	}
	for _, item := range list.Items {
		obj, err := scheme.Scheme.New(gvk)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(item, obj); err != nil {
			return err
		}
		a.object(gvk, obj)
	}
	return nil
}

func (c *Cluster) log(ctx context.Context, w snapshot.Want, a *answer) error {
	client, err := c.client(corev1.SchemeGroupVersion)
	if err != nil {
		return err
	}
	lines, limit := int64(logTailLines), int64(logTailBytes)
	options := &corev1.PodLogOptions{Container: w.Container, Previous: w.Previous, TailLines: &lines, LimitBytes: &limit}
	body, err := client.Get().Namespace(w.Namespace).Resource("pods").Name(w.Name).SubResource("log").VersionedParams(options, scheme.ParameterCodec).Stream(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(io.LimitReader(body, logTailBytes))
	if err != nil {
		return err
	}
	for _, p := range notALog {
		if strings.HasPrefix(string(text), p) { // the kubelet words a log that it has dropped as text of the log
			return errors.New(strings.TrimSpace(string(text)))
		}
	}
	a.add = append(a.add, func(s *snapshot.Snapshot) { s.SetLog(w.Namespace, w.Name, w.Container, w.Previous, string(text)) })
	return nil
}
