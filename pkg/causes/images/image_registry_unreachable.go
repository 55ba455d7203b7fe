package images

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ImageRegistryUnreachable finds containers whose registry does not answer, or not as a registry that the
// node may trust.
var ImageRegistryUnreachable = rule.Cause{
	ID: "image-registry-unreachable", Title: "the registry cannot be reached from the node", Doc: rule.ReadDoc(docs, "image_registry_unreachable.md"),
	Peers: map[string][]string{"popeye": {"POP-202"}},
	Stage: rule.StageImage, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if len(failures(p, outOfReach)) == 0 {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.PodKind, p.Object.Namespace, "")}
	},
	Run: func(p *rule.Pass) {
		for _, f := range failures(p, outOfReach) {
			reportUnreachable(p, f)
		}
	},
}

// obstacle is one way in which a registry cannot be reached.
type obstacle struct {
	words   *knowledge.Pattern
	says    string // of the address that was asked
	label   string
	fix     string // a verb phrase
	caution string
	nameOK  bool // the name led to an address
}

// obstacles are the errors of Go's net, net/http and crypto/x509, in which all runtimes pass them on; the
// first that applies.
var obstacles = []obstacle{
	{
		words: knowledge.Regexp(`proxyconnect tcp`), says: "is asked for through a proxy of the node that does not answer",
		label: "the node's proxy stands between", fix: "mend the proxy that the container runtime of the node is given, or except this registry from it (NO_PROXY)",
	},
	{
		words: knowledge.Regexp(`no such host`), says: "does not exist: the DNS of the node knows no such host",
		label: "no such host", fix: "correct the registry's name",
		caution: "a name that exists elsewhere alone needs a DNS server that the node, not the pod, asks",
	},
	{
		words: knowledge.Regexp(`lookup [^:]*(:\d+)?: .*(i/o timeout|connection refused)|Temporary failure in name resolution|server misbehaving`), says: "cannot be looked up: the DNS server of the node gives no answer",
		label: "the node cannot look this name up", fix: "mend the node's DNS (/etc/resolv.conf of the node, not the cluster's), or correct the registry's name if it is none",
		caution: "a name that does not exist can look like this as well, where the DNS server passes questions on",
	},
	{
		words: knowledge.Regexp(`server gave HTTP response to HTTPS client`), says: "speaks plain HTTP, and the node asks by HTTPS",
		label: "answers without TLS", fix: "give the registry a certificate; or name it in the runtime's list of registries without TLS, on every node (containerd: certs.d/HOST/hosts.toml)", nameOK: true,
		caution: "without TLS anybody on the way can change the image",
	},
	{
		words: knowledge.Regexp(`malformed HTTP response|HTTP request to an HTTPS server`), says: "speaks HTTPS, and the node asks by plain HTTP",
		label: "answers with TLS", fix: "take the registry off the runtime's list of registries without TLS, on the node", nameOK: true,
	},
	{
		words: knowledge.Regexp(`x509: certificate signed by unknown authority|x509: “[^”]*” certificate is not trusted`), says: "has a certificate of an authority that the node does not know",
		label: "signed by an authority that the node does not trust", fix: "install the authority's certificate on every node (containerd: certs.d/HOST/hosts.toml, ca = ...), or give the registry one of a known authority", nameOK: true,
		caution: "a proxy that opens TLS looks like this as well: compare who signed the certificate",
	},
	{
		words: knowledge.Regexp(`x509: certificate has expired or is not yet valid`), says: "has a certificate that has expired, or the node's clock is wrong",
		label: "its certificate has expired", fix: "renew the registry's certificate; look at the node's clock if it has not expired", nameOK: true,
	},
	{
		words: knowledge.Regexp(`x509: (certificate is (not )?valid for|cannot validate certificate for)|doesn't contain any IP SANs`), says: "has a certificate for another name",
		label: "not a name in its certificate", fix: "name the registry as its certificate does", nameOK: true,
	},
	{
		words: knowledge.Regexp(`x509: |tls: `), says: "and the node cannot agree on TLS",
		label: "TLS fails", fix: "mend the registry's TLS", nameOK: true,
	},
	{
		words: knowledge.Regexp(`connection refused`), says: "refuses the connection: nothing listens on that port",
		label: "nothing listens here", fix: "start the registry, or correct its address and port", nameOK: true,
	},
	{
		words: knowledge.Regexp(`no route to host|network is unreachable|host is unreachable|host is down`), says: "cannot be reached: the node has no route to it",
		label: "no route from the node", fix: "mend the node's way to the registry: routes, VPN, firewall; or correct its address", nameOK: true,
	},
	{
		words: knowledge.Regexp(`connection reset|: EOF\b|unexpected EOF|broken pipe`), says: "ends the connection without an answer",
		label: "hangs up", fix: "look at the registry and at what stands before it (load balancer, proxy, firewall); or correct its address", nameOK: true,
	},
	{
		words: knowledge.Regexp(`: 5\d\d [A-Z][a-z]+`), says: "answers with an error of its own",
		label: "the registry itself is ill", fix: "look at the registry: it answers, and cannot serve", nameOK: true,
	},
	{
		words: knowledge.Regexp(`(?i)timeout|deadline exceeded|context canceled|awaiting headers|request canceled`), says: "does not answer in time",
		label: "no answer", fix: "mend the node's way to the registry: firewall, proxy, route; or correct its address",
	},
}

// anyObstacle is for words that nobody foresaw.
var anyObstacle = obstacle{says: "cannot be reached", label: "no usable answer", fix: "mend the node's way to the registry, or correct its address"}

func obstacleOf(message string) obstacle {
	for _, o := range obstacles {
		if o.words.MatchString(message) {
			return o
		}
	}
	return anyObstacle
}

// asked is the address that the runtime asked: of a registry, its mirror, or its login server.
var asked = knowledge.Regexp(`(?:Head|Get|Post) \\?"?https?://([A-Za-z0-9.:_\[\]-]+)`)

// hubHosts are the addresses behind docker.io.
var hubHosts = []string{"registry-1.docker.io", "auth.docker.io", "index.docker.io", "production.cloudflare.docker.com", "mirror.gcr.io"}

func reportUnreachable(p *rule.Pass, f failure) {
	setting := imageSetting(p, f.Container)
	registry, repository, tag := parts(f.Image)
	why := obstacleOf(f.message)
	host, by := registry, ""
	if m := asked.FindStringSubmatch(f.message); m != nil && m[1] != registry && (registry != dockerHub || !slices.Contains(hubHosts, m[1])) {
		host, by = m[1], fmt.Sprintf(", which the node asks for images of %s,", registry)
	}
	answer := ""
	if code := serverError.FindString(f.message); code != "" {
		answer = ": " + code
	}
	out := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(f.Name), Field: setting.Path, Value: f.Image,
		Message:   fmt.Sprintf("%s%s %s%s", host, by, why.says, answer),
		Label:     fmt.Sprintf("%s: %s", host, why.label),
		Evidence:  []rule.Evidence{f.evidence},
		RuledOut:  []string{"the tag and the credentials: the registry was never asked for the image"},
		Certainty: rule.Certain,
	}
	if answer != "" {
		out.RuledOut = nil
	}
	if why.nameOK && !isAddress(host) {
		out.RuledOut = append(out.RuledOut, "the registry's name: it led to an address")
	}
	out.Evidence = append(out.Evidence, neighbours(p, registry)...)
	fix := &rule.Fix{Title: why.fix, Caution: why.caution, Applicability: rule.Placeholders}
	image := "<REGISTRY>/" + short(repository, registry)
	if near := nearRegistry(p, registry); near != "" && !why.nameOK {
		out.Message += fmt.Sprintf("; there is a registry %s", near)
		out.Label = fmt.Sprintf("%s: %s; there is %s", host, why.label, near)
		fix.Title, fix.Applicability = fmt.Sprintf("name the registry %s, the nearest that is known", near), rule.NeedsThought
		fix.Caution = "the name is alike; that the image is there, only you know"
		image = near + "/" + short(repository, registry)
	}
	if _, digest, ok := strings.Cut(f.Image, "@"); ok {
		image += "@" + digest
	} else if tag != "" {
		image += ":" + tag
	}
	fix.Command, fix.Patch = setImage(p, f.Container, image)
	if fix.Applicability == rule.Placeholders {
		fix.Lines = []string{"the command is for the case that the name is wrong; otherwise nothing is to be changed in the workload: the kubelet asks again within five minutes"}
	}
	out.Fix = fix
	p.Report(out)
}

// address is an IP address, with or without a port: no name to look up, and none to misspell.
var address = knowledge.Regexp(`^(\d{1,3}(\.\d{1,3}){3}(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?)$`)

func isAddress(host string) bool { return address.MatchString(host) }

var serverError = knowledge.Regexp(`\b5\d\d [A-Z][a-z]+( [A-Z][a-z]+){0,3}`)

// neighbours says how other pods fare with images of the same registry.
func neighbours(p *rule.Pass, registry string) []rule.Evidence {
	stuck, run := 0, 0
	for _, o := range p.List(snapshot.PodKind, p.Object.Namespace) {
		if o == p.Object || o.Pod() == nil {
			continue
		}
		fails, runs := false, false
		for _, c := range o.PodContainers() {
			if r, _, _ := parts(c.Image); r != registry || c.Status == nil {
				continue
			}
			if w := c.Status.State.Waiting; w != nil {
				fails = fails || slices.Contains(pullReasons, w.Reason)
			} else {
				runs = true
			}
		}
		switch {
		case fails:
			stuck++
		case runs:
			run++
		}
	}
	var list []rule.Evidence
	say := func(text string) {
		list = append(list, rule.Evidence{Source: rule.FromStatus, Object: p.Object.Ref, Text: text})
	}
	if stuck > 0 {
		say(fmt.Sprintf("%s of the namespace cannot pull from %s either", rule.Count(stuck, "other pod"), registry))
	}
	if run > 0 {
		say(fmt.Sprintf("%s of the namespace has run an image of %s: the name is right, or was", rule.Count(run, "other pod"), registry))
	}
	return list
}

// publicRegistries are those that anybody may mean.
var publicRegistries = []string{"docker.io", "gcr.io", "ghcr.io", "mcr.microsoft.com", "public.ecr.aws", "quay.io", "registry.gitlab.com", "registry.k8s.io"}

// nearRegistry is the registry that a misspelt one is likely to be: of the other images of the namespace
// and the node, or a public one.
func nearRegistry(p *rule.Pass, registry string) string {
	var hosts []string
	add := func(image string) {
		if r, _, _ := parts(image); r != registry && !slices.Contains(hosts, r) {
			hosts = append(hosts, r)
		}
	}
	for _, o := range p.List(snapshot.PodKind, p.Object.Namespace) {
		for _, c := range o.PodContainers() {
			if c.Status != nil && c.Status.State.Waiting == nil {
				add(c.Image)
			}
		}
	}
	_, have := imagesOfNode(p)
	for _, image := range have {
		add(image)
	}
	for _, host := range publicRegistries {
		if host != registry && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	if slices.Contains(publicRegistries, registry) || isAddress(registry) {
		return ""
	}
	near := knowledge.Nearest(registry, hosts)
	if near == "" || strings.Contains(registry, near) || strings.Contains(near, registry) { // a part of a name is not a slip
		return ""
	}
	return near
}
