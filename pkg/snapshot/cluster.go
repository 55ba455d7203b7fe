package snapshot

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ClusterKind is the cluster itself: what a server tells of itself, and what is said of a cluster as a whole. A
// snapshot of a cluster holds one, one of manifests none.
var ClusterKind = schema.GroupKind{Group: "kubectl-maturity", Kind: "Cluster"}

// clusterName is the name of the one object of ClusterKind.
const clusterName = "cluster"

// Cluster is what of a cluster is no object of its API.
type Cluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Version      string         `json:"version,omitempty"`      // of the API server, as /version gives it: v1.37.1
	Certificates []Certificate  `json:"certificates,omitempty"` // that the connection showed
	Rights       []Right        `json:"rights,omitempty"`       // of whoever looks
	Requested    []RequestedAPI `json:"requested,omitempty"`    // deprecated versions that the server was asked for since its start
	Unread       []UnreadPart   `json:"unread,omitempty"`       // parts of this object that could not be read
}

// The parts of a Cluster that may not be readable.
const (
	PartVersion   = "version"
	PartRights    = "rights"
	PartRequested = "requested" // the server's own metrics, which need a right of their own
)

// Certificate is one of the certificates of a connection.
type Certificate struct {
	Of        string      `json:"of"` // server | intermediate | authority | client
	Name      string      `json:"name"`
	NotBefore metav1.Time `json:"notBefore"`
	NotAfter  metav1.Time `json:"notAfter"`
}

// Right is what whoever looks may do; a namespace of "" is all of them.
type Right struct {
	Verb      string `json:"verb"`
	Group     string `json:"group,omitempty"`
	Resource  string `json:"resource"` // with its subresource: pods/log
	Namespace string `json:"namespace,omitempty"`
	Allowed   bool   `json:"allowed"`
}

// RequestedAPI is a deprecated version that somebody has asked a server for. Source: the metric
// apiserver_requested_deprecated_apis.
type RequestedAPI struct {
	Group          string `json:"group,omitempty"`
	Version        string `json:"version"`
	Resource       string `json:"resource"`
	RemovedRelease string `json:"removedRelease,omitempty"` // "1.40"; "" where none is planned
}

// UnreadPart is a part of a Cluster that could not be read.
type UnreadPart struct {
	Part    string `json:"part"`
	Reason  string `json:"reason"` // one of the Reason constants
	Message string `json:"message,omitempty"`
}

// NewCluster makes the cluster of a snapshot, of which nothing is known yet.
func NewCluster() *Cluster {
	c := &Cluster{ObjectMeta: metav1.ObjectMeta{Name: clusterName}}
	c.SetGroupVersionKind(ClusterKind.WithVersion("v1alpha1"))
	return c
}

// WhyUnread is the reason why a part is not known; "" where it was read.
func (c *Cluster) WhyUnread(part string) string {
	i := slices.IndexFunc(c.Unread, func(u UnreadPart) bool { return u.Part == part })
	if i < 0 {
		return ""
	}
	return c.Unread[i].Reason
}

// DeepCopyObject implements runtime.Object.
func (c *Cluster) DeepCopyObject() runtime.Object {
	out := *c
	c.DeepCopyInto(&out.ObjectMeta)
	out.Certificates, out.Rights = slices.Clone(c.Certificates), slices.Clone(c.Rights)
	out.Requested, out.Unread = slices.Clone(c.Requested), slices.Clone(c.Unread)
	return &out
}

// Itself is what the snapshot's cluster tells of itself; nil where it holds no cluster.
func (s *Snapshot) Itself() *Cluster {
	for _, o := range s.List(ClusterKind, "") {
		if c, ok := o.Typed.(*Cluster); ok {
			return c
		}
	}
	return nil
}
