package collect

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
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

// parallel is how many reads are under way at once. One that has no answer after the patience'th part
// of its time does not count any more.
const (
	parallel = 8
	patience = 10
)

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
	brief   atomic.Pointer[brief]  // nil where objects are kept whole
	placing atomic.Pointer[string] // nil, or the namespace that is placed: who set which fields is kept then

	withReleases bool // what Helm keeps in Secrets was asked for

	mu       sync.Mutex
	trouble  trouble
	clients  map[schema.GroupVersion]rest.Interface
	metadata metadata.Interface
	dynamic  dynamic.Interface
}

// NewCluster connects to the cluster of flags with kubectl's own rules; userAgent names the command.
func NewCluster(flags *genericclioptions.ConfigFlags, userAgent string) (*Cluster, error) {
	clock, unknown := &serverClock{}, &atomic.Bool{}
	flags.WithWrapConfigFn(func(c *rest.Config) *rest.Config {
		c.QPS, c.Burst = 50, 100
		c.UserAgent = userAgent
		c.WarningHandler = rest.NoWarnings{}
		if onThisMachine(c.Host) { // both ends of the wire are paid for with the same CPUs
			c.DisableCompression = true
		}
		if c.Timeout == 0 {
			c.Timeout = readTimeout // discovery would wait longer, and what kubectl's builder reads for ever
		}
		timeout := c.Timeout
		c.Wrap(func(next http.RoundTripper) http.RoundTripper { return &sane{next, timeout, unknown} })
		return ReadOnly(c, clock)
	})
	config, err := flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	return &Cluster{getter: flags, config: config, http: client, clock: clock, timeout: config.Timeout, clients: map[schema.GroupVersion]rest.Interface{}}, nil
}

// onThisMachine tells whether a server answers on a loopback address, as those of kind, minikube and k3d do.
func onThisMachine(host string) bool {
	u, err := url.Parse(host)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
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
	late := c.trouble.begin()
	for _, w := range wants {
		go func() {
			slots <- struct{}{}
			release := sync.OnceFunc(func() { <-slots })
			defer release()
			// Who gets no answer makes room for the next: otherwise a server that hangs would be waited
			// for once per slot, one time-out after the other.
			slow := time.AfterFunc(c.timeout/patience, release)
			defer slow.Stop()
			if w.GroupKind() == snapshot.ReleaseKind && !c.withReleases {
				results <- answer{want: w, unread: true}
				return
			}
			if late[lateOf(w)] || c.trouble.silent() {
				results <- answer{want: w, err: c.plain(errSilent)}
				return
			}
			results <- c.read(ctx, w)
		}()
	}
	var last []answer
	for range wants {
		if a := <-results; a.want.GroupKind() == snapshot.EventKind {
			last = append(last, a) // by then it is known of which pods nobody asks for events
		} else {
			c.take(s, a)
		}
	}
	for _, a := range last {
		c.take(s, a)
	}
	if s.Now.Before(c.clock.now()) && c.clock.unix.Load() != 0 {
		s.Now = c.clock.now()
	}
	return ctx.Err()
}

// take puts what came of a read into a snapshot.
func (c *Cluster) take(s *snapshot.Snapshot, a answer) {
	for _, add := range a.add {
		if err := add(s); a.err == nil {
			a.err = err
		}
	}
	if a.unread {
		s.SetOutcome(a.want, snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonUnread})
		return
	}
	s.SetOutcome(a.want, outcomeOf(a.want, a.err, c.timeout))
	c.trouble.keep(a.want, a.err)
}

// answer is what came of one read; add is run by the one goroutine that may fill the snapshot.
type answer struct {
	want   snapshot.Want
	err    error
	unread bool // it was not asked for
	add    []func(*snapshot.Snapshot) error
}

func (a *answer) object(gvk schema.GroupVersionKind, obj runtime.Object) {
	a.add = append(a.add, func(s *snapshot.Snapshot) error {
		_, err := s.Add(gvk, obj, nil)
		return err
	})
}

// event decodes an event when it is known of which pods nobody asks for events: most are of those.
func (a *answer) event(b *brief, data []byte) {
	a.add = append(a.add, func(s *snapshot.Snapshot) error {
		if b.asksNothing(data) {
			return nil
		}
		e := &corev1.Event{}
		if err := e.Unmarshal(data); err != nil {
			return err
		}
		_, err := s.Add(corev1.SchemeGroupVersion.WithKind("Event"), e, nil)
		return err
	})
}

func (a *answer) metadata(gvk schema.GroupVersionKind, m *metav1.PartialObjectMetadata) {
	a.add = append(a.add, func(s *snapshot.Snapshot) error {
		s.AddMetadata(gvk, m)
		return nil
	})
}

func (c *Cluster) read(ctx context.Context, w snapshot.Want) answer {
	if w.GroupKind() == snapshot.ReleaseKind {
		return c.releases(ctx, w)
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	a := answer{want: w}
	switch w.Verb {
	case snapshot.Get:
		a.err = c.get(ctx, w, &a)
	case snapshot.List:
		a.err = c.list(ctx, w, &a)
	case snapshot.Events:
		a.err = c.events(ctx, w, &a)
	case snapshot.Log:
		a.err = c.log(ctx, w, &a)
	}
	a.err = c.plain(a.err)
	if w.Verb != snapshot.Log { // which the kubelet answers, or does not
		c.trouble.note(start, isLate(a.err))
	}
	return a
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
		if obj.GetKind() != w.Kind || obj.GetName() != w.Name {
			return errNoObject
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
		if obj.Name != w.Name {
			return errNoObject
		}
		a.metadata(gvk, obj)
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
	// An answer of another kind leaves obj as it was, and is no error to client-go.
	if m, ok := metaOf(obj); !ok || m.GetName() != w.Name {
		return errNoObject
	}
	a.object(gvk, obj)
	return nil
}

// list reads a list to its end, page by page where the server makes pages of it by itself.
func (c *Cluster) list(ctx context.Context, w snapshot.Want, a *answer) error {
	if w.GroupKind() == snapshot.ClusterKind {
		return c.itself(ctx, w, a)
	}
	// The watch cache answers without asking etcd; what it lacks is younger than a moment.
	return c.pages(metav1.ListOptions{LabelSelector: w.Selector, FieldSelector: w.Fields, ResourceVersion: "0"}, func(options metav1.ListOptions) (string, error) {
		return c.page(ctx, w, options, a)
	})
}

// pages reads on while there is more. A list that has expired, which a server may say of the first page
// as of the last, is read once more from its start, past the watch cache; what was read of it is
// replaced by then.
func (c *Cluster) pages(options metav1.ListOptions, page func(metav1.ListOptions) (next string, err error)) error {
	again := true
	for {
		next, err := page(options)
		switch {
		case again && (apierrors.IsResourceExpired(err) || apierrors.IsGone(err)):
			again = false
			options.Continue, options.ResourceVersion = "", ""
		case err != nil || next == "":
			return err
		default:
			options.Continue, options.ResourceVersion = next, "" // the token says which version
		}
	}
}

// page reads one answer to a list, and tells where the next one starts.
func (c *Cluster) page(ctx context.Context, w snapshot.Want, options metav1.ListOptions, a *answer) (next string, err error) {
	gvk, known := versionOf(w.GroupKind())
	known = known && scheme.Scheme.Recognizes(gvk) // a CustomResourceDefinition has no type here
	switch {
	case !known:
		resource, _, err := c.foreign(w.GroupKind())
		if err != nil {
			return "", err
		}
		list, err := resource.Namespace(w.Namespace).List(ctx, options)
		if err != nil {
			return "", err
		}
		if !strings.HasSuffix(list.GetKind(), "List") {
			return "", errNoObject
		}
		for i := range list.Items {
			a.object(list.Items[i].GroupVersionKind(), &list.Items[i])
		}
		return list.GetContinue(), nil
	case metadataOnly(w):
		client, err := c.metadataClient()
		if err != nil {
			return "", err
		}
		list, err := client.Resource(resourceOf(gvk)).Namespace(w.Namespace).List(ctx, options)
		if err != nil {
			return "", err
		}
		if list.ResourceVersion == "" && len(list.Items) == 0 { // client-go takes any JSON for an empty list
			return "", errNoObject
		}
		for i := range list.Items {
			obj := &list.Items[i]
			a.metadata(gvk, obj)
		}
		return list.Continue, nil
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
	return c.pages(metav1.ListOptions{FieldSelector: fields, ResourceVersion: "0"}, func(options metav1.ListOptions) (string, error) {
		return c.stream(ctx, gvk, namespace, options, a)
	})
}

// stream reads a list item by item, and tells where the next page starts. What came before an error is
// in a.
func (c *Cluster) stream(ctx context.Context, gvk schema.GroupVersionKind, namespace string, options metav1.ListOptions, a *answer) (next string, err error) {
	client, err := c.client(gvk.GroupVersion())
	if err != nil {
		return "", err
	}
	body, err := client.Get().
		NamespaceIfScoped(namespace, namespace != "" && !clusterScoped(gvk.GroupKind())).
		Resource(resourceOf(gvk).Resource).
		VersionedParams(&options, scheme.ParameterCodec).
		Stream(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = body.Close() }()
	const chunk = 64 << 10
	r := bufio.NewReaderSize(body, chunk)
	next, err = eachItem(r, gvk.Kind+"List", func(data []byte) error {
		b := c.brief.Load()
		if nobodyEdits[gvk.GroupKind()] && (b == nil || gvk.GroupKind() == snapshot.EventKind) {
			data = withoutManagers(data)
		}
		if b != nil && gvk.GroupKind() == snapshot.EventKind {
			a.event(b, bytes.Clone(data))
			return nil
		}
		obj, err := scheme.Scheme.New(gvk)
		if err != nil {
			return err
		}
		typed, ok := obj.(message)
		if !ok {
			return fmt.Errorf("%s has no protobuf form", gvk.Kind)
		}
		decode := b.decode
		if c.placing.Load() != nil && !nobodyEdits[gvk.GroupKind()] {
			decode = (*brief)(nil).decode
		}
		if err := decode(data, typed); err != nil {
			return err
		}
		b.reduce(obj)
		a.object(gvk, obj)
		return nil
	})
	if errors.Is(err, errNotProtobuf) {
		return jsonList(r, gvk, a)
	}
	return next, err
}

// jsonList reads a list from a server that answers in JSON whatever it was asked for. JSON that does not
// call itself the list is none, and not an empty one.
func jsonList(r io.Reader, gvk schema.GroupVersionKind, a *answer) (next string, err error) {
	var list struct {
		metav1.TypeMeta `json:",inline"`
		metav1.ListMeta `json:"metadata"`
		Items           []json.RawMessage `json:"items"`
	}
	var wrong *json.SyntaxError
	var unfit *json.UnmarshalTypeError
	switch err := json.NewDecoder(r).Decode(&list); {
	case errors.As(err, &wrong), errors.As(err, &unfit), errors.Is(err, io.EOF):
		return "", errNoObject
	case err != nil:
		return "", err
	case list.Kind != gvk.Kind+"List":
		return "", errNoObject
	}
	for _, item := range list.Items {
		obj, err := scheme.Scheme.New(gvk)
		if err != nil {
			return "", err
		}
		if err := json.Unmarshal(item, obj); err != nil {
			return "", err
		}
		a.object(gvk, obj)
	}
	return list.Continue, nil
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
	if strings.HasPrefix(string(text), droppedLog) {
		return errors.New(strings.TrimSpace(string(text)))
	}
	a.add = append(a.add, func(s *snapshot.Snapshot) error {
		s.SetLog(w.Namespace, w.Name, w.Container, w.Previous, string(text))
		return nil
	})
	return nil
}
