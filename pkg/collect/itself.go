package collect

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// itself reads what the server tells of itself. Only whoever wants the placement asks for more than one request.
func (c *Cluster) itself(ctx context.Context, w snapshot.Want, a *answer) error {
	self := snapshot.NewCluster()
	unread := func(part string, err error) {
		out := outcomeOf(w, c.plain(err), c.timeout)
		self.Unread = append(self.Unread, snapshot.UnreadPart{Part: part, Reason: out.Reason, Message: out.Message})
	}
	var info version.Info
	state, err := c.plainGet(ctx, "/version", func(body io.Reader) error { return json.NewDecoder(body).Decode(&info) })
	switch {
	case err != nil:
		unread(snapshot.PartVersion, err)
	case info.GitVersion == "":
		unread(snapshot.PartVersion, errNoObject)
	}
	self.Version = info.GitVersion
	self.Certificates = append(shown(state), c.trusted()...)
	if namespace := c.placing.Load(); namespace != nil {
		if self.Requested, err = c.requested(ctx); err != nil {
			unread(snapshot.PartRequested, err)
		}
		if self.Rights, err = c.rights(ctx, *namespace); err != nil {
			unread(snapshot.PartRights, err)
		}
	} else {
		for _, part := range []string{snapshot.PartRequested, snapshot.PartRights} {
			self.Unread = append(self.Unread, snapshot.UnreadPart{Part: part, Reason: snapshot.ReasonUnread})
		}
	}
	a.object(self.GroupVersionKind(), self)
	return nil
}

// plainGet reads a path that is no resource. It tells how the connection was protected.
func (c *Cluster) plainGet(ctx context.Context, path string, read func(io.Reader) error) (*tls.ConnectionState, error) {
	base, _, err := rest.DefaultServerUrlFor(c.config)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath(path).String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return resp.TLS, apierrors.NewGenericServerResponse(resp.StatusCode, http.MethodGet, metav1.SchemeGroupVersion.WithResource("").GroupResource(), path, "", 0, true)
	}
	return resp.TLS, read(resp.Body)
}

// shown are the certificates that a server showed: its own, and those between it and an authority.
func shown(state *tls.ConnectionState) []snapshot.Certificate {
	if state == nil {
		return nil
	}
	var list []snapshot.Certificate
	for i, cert := range state.PeerCertificates {
		of := "server"
		if i > 0 {
			of = "intermediate"
		}
		list = append(list, certificate(of, cert))
	}
	return list
}

// trusted are the certificates of the kubeconfig: the authorities that it trusts, and who it says one is.
func (c *Cluster) trusted() []snapshot.Certificate {
	var list []snapshot.Certificate
	for _, pair := range []struct {
		of   string
		data []byte
		file string
	}{{"authority", c.config.CAData, c.config.CAFile}, {"client", c.config.CertData, c.config.CertFile}} {
		data := pair.data
		if len(data) == 0 && pair.file != "" {
			data, _ = os.ReadFile(pair.file) // a file that cannot be read has failed the connection before
		}
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
				list = append(list, certificate(pair.of, cert))
				if pair.of == "client" {
					break // who signed it follows
				}
			}
		}
	}
	return list
}

func certificate(of string, cert *x509.Certificate) snapshot.Certificate {
	return snapshot.Certificate{Of: of, Name: cmp.Or(cert.Subject.CommonName, strings.Join(cert.DNSNames, ",")), NotBefore: metav1.NewTime(cert.NotBefore), NotAfter: metav1.NewTime(cert.NotAfter)}
}

// requestedAPI is a line of the metric apiserver_requested_deprecated_apis. Source: k8s.io/apiserver,
// pkg/endpoints/metrics.
var requestedAPI = regexp.MustCompile(`^apiserver_requested_deprecated_apis\{(.*)\} 1$`)

// label is one label of a metric; the values of those that are read hold no quotes.
var label = regexp.MustCompile(`(\w+)="([^"]*)"`)

// requested are the deprecated versions that the server was asked for since it started. Of several servers it is
// what one of them says.
func (c *Cluster) requested(ctx context.Context) ([]snapshot.RequestedAPI, error) {
	var list []snapshot.RequestedAPI
	_, err := c.plainGet(ctx, "/metrics", func(body io.Reader) error {
		lines := bufio.NewScanner(body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			match := requestedAPI.FindStringSubmatch(lines.Text())
			if match == nil {
				continue
			}
			var api snapshot.RequestedAPI
			for _, l := range label.FindAllStringSubmatch(match[1], -1) {
				switch l[1] {
				case "group":
					api.Group = l[2]
				case "version":
					api.Version = l[2]
				case "resource":
					api.Resource = l[2]
				case "removed_release":
					api.RemovedRelease = l[2]
				}
			}
			if !slices.Contains(list, api) { // subresources are counted apart
				list = append(list, api)
			}
		}
		return lines.Err()
	})
	slices.SortFunc(list, func(a, b snapshot.RequestedAPI) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list, err
}

// askedRights are those that whoever looks for the cause of a fault needs.
var askedRights = []authorizationv1.ResourceAttributes{
	{Verb: "get", Resource: "pods", Subresource: "log"},
	{Verb: "list", Resource: "events"},
}

// rights asks what whoever looks may do.
func (c *Cluster) rights(ctx context.Context, namespace string) ([]snapshot.Right, error) {
	client, err := c.client(authorizationv1.SchemeGroupVersion)
	if err != nil {
		return nil, err
	}
	var list []snapshot.Right
	for _, asked := range askedRights {
		asked.Namespace = namespace
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &asked}}
		if err := client.Post().Resource("selfsubjectaccessreviews").Body(review).Do(ctx).Into(review); err != nil {
			return nil, err
		}
		resource := asked.Resource
		if asked.Subresource != "" {
			resource += "/" + asked.Subresource
		}
		list = append(list, snapshot.Right{Verb: asked.Verb, Group: asked.Group, Resource: resource, Namespace: namespace, Allowed: review.Status.Allowed})
	}
	return list, nil
}

// Placement is Brief for whoever places a cluster on the model: who set which fields of what people write is kept,
// and the server is asked what it counts and whoever looks may do.
func (c *Cluster) Placement(ctx context.Context, s *snapshot.Snapshot, namespace string, kinds []schema.GroupKind) error {
	c.placing.Store(&namespace)
	defer c.placing.Store(nil)
	return c.Brief(ctx, s, namespace, kinds)
}
