package collect

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// How Helm calls the Secrets in which it keeps one revision of a release each, and what it writes into them. Source:
// pkg/storage/driver of helm.sh/helm: secrets.go, util.go.
const (
	releaseType   = "helm.sh/release.v1"
	releasePrefix = "sh.helm.release.v1."
	releaseEntry  = "release"
	superseded    = "superseded" // a revision that a newer one has replaced
)

const (
	maxRelease     = 20 << 20 // bytes of one release, unpacked
	releasePage    = 50       // Secrets with their content, of 1 MB each at most
	revisionPage   = 500      // Secrets without it
	releaseLetters = 253      // of any text that is kept of one
)

// ReadReleases makes c read the releases that Helm keeps in Secrets. Without it no more than the metadata of a Secret is read.
func (c *Cluster) ReadReleases() { c.withReleases = true }

// keptRelease is a release while it is read.
type keptRelease struct {
	*snapshot.Release
	revisions map[int]bool
	secret    string // of its newest revision
	read      bool   // so is its content, or why not is known
}

type releases map[types.NamespacedName]*keptRelease

// releases reads the newest revision of each release. Which revisions there are is read from the metadata of their
// Secrets, so that of the content only as much is asked for as is used.
func (c *Cluster) releases(ctx context.Context, w snapshot.Want) answer {
	a := answer{want: w}
	found := releases{}
	err := c.revisions(ctx, w.Namespace, found)
	if err == nil {
		err = c.contents(ctx, w.Namespace, metav1.ListOptions{LabelSelector: "status!=" + superseded}, found)
	}
	if err == nil {
		err = c.leftOut(ctx, found)
	}
	a.err = c.plain(err)
	for _, r := range found {
		if r.Revisions = len(r.revisions); !r.read {
			r.Unread = "its Secret " + r.secret + " was not read"
		}
		a.object(r.GroupVersionKind(), r.Release)
	}
	return a
}

// revisions reads which revisions are kept.
func (c *Cluster) revisions(ctx context.Context, namespace string, found releases) error {
	client, err := c.metadataClient()
	if err != nil {
		return err
	}
	resource := client.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(namespace)
	return c.pages(metav1.ListOptions{FieldSelector: "type=" + releaseType, Limit: revisionPage}, func(options metav1.ListOptions) (string, error) {
		ctx, done := c.oneRead(ctx)
		list, err := resource.List(ctx, options)
		done(err)
		if err != nil {
			return "", err
		}
		if list.ResourceVersion == "" && len(list.Items) == 0 { // client-go takes any JSON for an empty list
			return "", errNoObject
		}
		for i := range list.Items {
			found.see(&list.Items[i])
		}
		return list.Continue, nil
	})
}

// contents reads the Secrets of a selection, and takes of those that hold the newest revision what is kept of it.
func (c *Cluster) contents(ctx context.Context, namespace string, options metav1.ListOptions, found releases) error {
	options.Limit = releasePage
	options.FieldSelector = strings.TrimSuffix("type="+releaseType+","+options.FieldSelector, ",")
	return c.pages(options, func(options metav1.ListOptions) (string, error) {
		type packed struct {
			*keptRelease
			revision int
			data     []byte
		}
		var page []packed
		ctx, done := c.oneRead(ctx)
		next, err := c.secrets(ctx, namespace, options, func(s *corev1.Secret) {
			if r, revision := found.see(s); s.Type == releaseType && r != nil && revision == r.Revision && !r.read {
				page = append(page, packed{r, revision, s.Data[releaseEntry]})
			}
		})
		done(err)
		for _, p := range page { // not while the server waits
			if p.read || p.revision != p.Revision {
				continue
			}
			p.read = true
			if err := p.unpack(p.data); err != nil {
				p.Unread = fmt.Sprintf("its Secret %s %s", p.secret, err)
			}
		}
		return next, err
	})
}

// leftOut reads the releases whose newest revision is not what it mostly is: one that another has replaced, which is
// gone. There are few.
func (c *Cluster) leftOut(ctx context.Context, found releases) error {
	asked := 0
	for key, r := range found {
		if r.read || asked == fewNames {
			continue
		}
		asked++
		if err := c.contents(ctx, key.Namespace, metav1.ListOptions{FieldSelector: "metadata.name=" + r.secret}, found); err != nil {
			return err
		}
	}
	return nil
}

// oneRead gives one page the time of a read: there may be many.
func (c *Cluster) oneRead(ctx context.Context) (context.Context, func(error)) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	return ctx, func(err error) {
		cancel()
		c.trouble.note(start, err != nil && isLate(err))
	}
}

// secrets hands over Secrets one by one, and tells where the next page starts. It takes the body itself: what client-go
// decodes it also logs, where somebody asks for that.
func (c *Cluster) secrets(ctx context.Context, namespace string, options metav1.ListOptions, each func(*corev1.Secret)) (next string, err error) {
	client, err := c.client(corev1.SchemeGroupVersion)
	if err != nil {
		return "", err
	}
	body, err := client.Get().NamespaceIfScoped(namespace, namespace != "").Resource("secrets").VersionedParams(&options, scheme.ParameterCodec).Stream(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = body.Close() }()
	r := bufio.NewReader(body)
	next, err = eachItem(r, "SecretList", func(data []byte) error {
		s := &corev1.Secret{}
		if err := s.Unmarshal(data); err != nil {
			return err
		}
		each(s)
		return nil
	})
	if !errors.Is(err, errNotProtobuf) {
		return next, err
	}
	var list corev1.SecretList
	if err := json.NewDecoder(r).Decode(&list); err != nil {
		return "", broken(err)
	}
	if list.Kind != "SecretList" {
		return "", errNoObject
	}
	for i := range list.Items {
		each(&list.Items[i])
	}
	return list.Continue, nil
}

// see takes in that a revision is there, and what the labels of its Secret say of it. It returns the release and the
// number of the revision; the release is nil where the Secret is not called as Helm does.
func (all releases) see(secret metav1.Object) (*keptRelease, int) {
	rest, ok := strings.CutPrefix(secret.GetName(), releasePrefix)
	at := strings.LastIndex(rest, ".v")
	if !ok || at <= 0 {
		return nil, 0
	}
	revision, err := strconv.Atoi(rest[at+len(".v"):])
	if err != nil || revision <= 0 {
		return nil, 0
	}
	key := types.NamespacedName{Namespace: secret.GetNamespace(), Name: rest[:at]}
	r := all[key]
	if r == nil {
		r = &keptRelease{revisions: map[int]bool{}}
		all[key] = r
	}
	r.revisions[revision] = true
	if r.Release == nil || revision > r.Revision {
		r.Release, r.read, r.secret = snapshot.NewRelease(key.Namespace, key.Name), false, secret.GetName()
		r.Revision, r.Status = revision, plainText(secret.GetLabels()["status"])
		r.Updated = secret.GetCreationTimestamp()
		for _, label := range []string{"createdAt", "modifiedAt"} {
			if seconds, err := strconv.ParseInt(secret.GetLabels()[label], 10, 64); err == nil && seconds > r.Updated.Unix() {
				r.Updated = metav1.Unix(seconds, 0)
			}
		}
	}
	return r, revision
}

// packedRelease is what is read of a release. There is more in it, which is not even decoded: values, notes, hooks,
// templates. Source: pkg/release of helm.sh/helm.
type packedRelease struct {
	Info *struct {
		Status       string `json:"status"`
		LastDeployed string `json:"last_deployed"` // "" where there is none
		Deleted      string `json:"deleted"`
	} `json:"info"`
	Chart *struct {
		Metadata *struct {
			Name        string `json:"name"`
			Version     string `json:"version"`
			AppVersion  string `json:"appVersion"`
			KubeVersion string `json:"kubeVersion"`
			Deprecated  bool   `json:"deprecated"`
		} `json:"metadata"`
	} `json:"chart"`
	Manifest string `json:"manifest"`
}

// What may be wrong with a release, in words that hold nothing of it.
var (
	errNotBase64  = errors.New("is not base64")
	errNotGzip    = errors.New("cannot be unpacked")
	errTooLarge   = fmt.Errorf("unpacks to more than %d MB", maxRelease>>20)
	errNotRelease = errors.New("holds no release of Helm")
)

// gzipped starts what is compressed; Helm once wrote releases without. Source: RFC 1952.
var gzipped = []byte{0x1f, 0x8b, 0x08}

// unpack takes from the entry of a Secret what is kept of a release.
func (r *keptRelease) unpack(data []byte) error {
	raw := make([]byte, base64.StdEncoding.DecodedLen(len(data)))
	n, err := base64.StdEncoding.Decode(raw, data)
	if err != nil {
		return errNotBase64
	}
	text := raw[:n]
	if bytes.HasPrefix(text, gzipped) {
		unzip, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			return errNotGzip
		}
		if text, err = io.ReadAll(io.LimitReader(unzip, maxRelease+1)); err != nil {
			return errNotGzip
		}
	}
	if len(text) > maxRelease {
		return errTooLarge
	}
	var p packedRelease
	if json.Unmarshal(text, &p) != nil || p.Info == nil || p.Chart == nil || p.Chart.Metadata == nil {
		return errNotRelease
	}
	r.Status = plainText(p.Info.Status)
	var latest time.Time
	for _, moment := range []string{p.Info.LastDeployed, p.Info.Deleted} {
		if at, err := time.Parse(time.RFC3339, moment); err == nil && at.After(latest) {
			latest = at
		}
	}
	if !latest.IsZero() {
		r.Updated = metav1.NewTime(latest.UTC().Truncate(time.Second))
	}
	m := p.Chart.Metadata
	r.Chart = snapshot.ReleaseChart{
		Name: plainText(m.Name), Version: plainText(m.Version), AppVersion: plainText(m.AppVersion), KubeVersion: plainText(m.KubeVersion), Deprecated: m.Deprecated,
	}
	r.Manifest, r.Unparsed = manifestObjects(p.Manifest)
	return nil
}

// plainText is a copy of text from outside that can be printed: no control characters, and no more than a name has.
func plainText(text string) string {
	clean := []rune(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, text))
	return strings.TrimSpace(string(clean[:min(len(clean), releaseLetters)]))
}

// manifestObjects are the kinds and names of what a manifest holds, and how many of its documents cannot be read.
func manifestObjects(manifest string) (objects []snapshot.ManifestObject, unparsed int) {
	docs, errs := source.Parse("", []byte(manifest))
	unparsed = len(errs)
	for _, doc := range docs {
		root := doc.Root()
		if root == nil {
			if _, err := doc.Decode(); err != nil {
				unparsed++
			}
			continue
		}
		if !identify(root, 0, &objects) {
			unparsed++
		}
	}
	return slices.Clip(objects), unparsed
}

// nested is how deep lists in lists are looked into.
const nested = 4

// identify adds what a node says that it is, and what it lists; it tells whether it says so. Lists by way of an alias
// are not looked into: one may hold itself.
func identify(n *yaml.Node, depth int, objects *[]snapshot.ManifestObject) bool {
	if n.Kind != yaml.MappingNode {
		return n.Kind == yaml.ScalarNode && n.Tag == "!!null" // a template that made nothing
	}
	o := snapshot.ManifestObject{APIVersion: scalarOf(entry(n, "apiVersion")), Kind: scalarOf(entry(n, "kind"))}
	if o.Kind == "" || o.APIVersion == "" {
		return false
	}
	if items := entry(n, "items"); items != nil && strings.HasSuffix(o.Kind, "List") {
		if depth == nested || items.Kind == yaml.AliasNode {
			return false
		}
		all := true
		for _, item := range items.Content {
			all = identify(item, depth+1, objects) && all
		}
		return all
	}
	meta := entry(n, "metadata")
	o.Namespace, o.Name = scalarOf(entry(meta, "namespace")), scalarOf(entry(meta, "name"))
	*objects = append(*objects, o)
	return true
}

// entry is the value of a key of a mapping, nil where it has none.
func entry(n *yaml.Node, key string) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// scalarOf is the text of a scalar, "" where it is none.
func scalarOf(n *yaml.Node) string {
	if n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return plainText(n.Value)
}
