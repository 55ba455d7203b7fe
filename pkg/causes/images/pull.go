package images

import (
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// trouble is why an image cannot be pulled. Each message has one, so no two causes claim it.
type trouble int

const (
	unclear    trouble = iota
	missing            // the registry says that it has no such image
	hidden             // it is missing or private: the registry does not say which
	refused            // the registry asks for credentials, or does not take those it got
	limited            // the registry has had enough of our pulls
	foreign            // the image is for other platforms
	unverified         // the runtime does not accept its signature
	outOfReach         // no answer from the registry, or none that counts as one
	shortName          // the runtime does not know which registry is meant
)

// What registries and runtimes say, the first that applies. Sources: the OCI distribution
// specification's error codes, containerd's resolver, CRI-O's image library, Docker's registry client,
// and the errors of Go's net, net/http and crypto/x509 packages, with which all of them are written.
var troubles = []struct {
	is    trouble
	words *knowledge.Pattern
}{
	{limited, knowledge.Regexp(`(?i)toomanyrequests|429 too many requests|pull rate limit|too many requests to registry`)},
	{foreign, knowledge.Regexp(`(?i)no match for platform in|no matching manifest for|no image found in (manifest list|image index) for architecture|does not match the specified platform`)},
	{unverified, knowledge.Regexp(`SignatureValidationFailed|Source image rejected:`)},
	{shortName, knowledge.Regexp(`short[- ]name (mode|resolution)`)},
	{outOfReach, knowledge.Regexp(`RegistryUnavailable|failed to do request|request canceled|dial tcp|proxyconnect tcp|no such host|i/o timeout|x509: |tls: |server gave HTTP response|TLS handshake timeout|connection refused|connection reset|context (deadline exceeded|canceled)|unexpected EOF|: 5\d\d [A-Z][a-z]+|http2?: `)},
	{hidden, knowledge.Regexp(`(?i)repository does not exist or may require|insufficient_scope|pull access denied`)},
	{refused, knowledge.Regexp(`(?i)401 unauthorized|403 forbidden|no basic auth credentials|unauthorized: |authentication required|access to the resource is denied|authorization failed|invalid username/password|incorrect username or password`)},
	{missing, knowledge.Regexp(`(?i)code = NotFound|: not found\s*$|manifest unknown|manifest for \S+ not found|name unknown|repository name not known`)},
}

// troubleOf reads why an image cannot be pulled.
func troubleOf(message string) trouble {
	for _, t := range troubles {
		if t.words.MatchString(message) {
			return t.is
		}
	}
	return unclear
}

// failure is a container whose image cannot be pulled.
type failure struct {
	snapshot.Container
	trouble  trouble
	message  string
	evidence rule.Evidence
}

// failures are the containers of the pod whose image cannot be pulled for one of the reasons.
func failures(p *rule.Pass, reasons ...trouble) []failure {
	var list []failure
	for _, c := range containers(p) {
		message, evidence, ok := pullError(p, c)
		if !ok {
			continue
		}
		if is := troubleOf(message); slices.Contains(reasons, is) {
			list = append(list, failure{c, is, message, evidence})
		}
	}
	return list
}

// pullReasons are why a container waits whose image is being asked for. The last two come from the
// runtime, for registries that do not answer and signatures that do not fit.
// Source: kubelet's pkg/kubelet/images/types.go and cri-api's pkg/errors.
var pullReasons = []string{"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed"}

// pullError is why the image of a container cannot be pulled: in the container's own words or, for
// kubelets that say no more than "Back-off pulling image", in those of the event.
func pullError(p *rule.Pass, c snapshot.Container) (message string, evidence rule.Evidence, ok bool) {
	w := waiting(p, c, pullReasons...)
	if w == nil {
		return "", rule.Evidence{}, false
	}
	evidence = rule.Evidence{Source: rule.FromStatus, Object: p.Object.In(c.Name), Field: "status", Text: w.Reason + ": " + shortened(w.Message)}
	switch {
	case w.Reason == "RegistryUnavailable" || w.Reason == "SignatureValidationFailed":
		return w.Reason + ": " + w.Message, evidence, true
	case w.Reason == "ErrImagePull", backOffCause.MatchString(w.Message):
		return w.Message, evidence, true
	}
	if e := p.ContainerEvent(c.Name, "Failed", "Failed to pull image"); e != nil {
		evidence = rule.EventEvidence(e)
		evidence.Text = e.Reason + ": " + shortened(e.Message)
		return e.Message, evidence, true
	}
	return w.Message, evidence, true
}

// backOffCause is what newer kubelets add to the words of a back-off: the error before it.
var backOffCause = knowledge.Regexp(`: (ErrImagePull|RegistryUnavailable|SignatureValidationFailed): `)

// shortened is the end of what a runtime says, where the registry's own answer stands.
func shortened(message string) string {
	for _, from := range []string{"failed to do request: ", "pulling from host ", "failed to resolve reference ", "failed to pull and unpack image "} {
		if at := strings.LastIndex(message, from); at >= 0 {
			return rule.Quote(message[at:])
		}
	}
	return rule.Quote(message)
}
