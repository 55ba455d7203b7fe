package exits

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// TLSUntrusted finds programs that end because they do not trust a certificate, or because it is for another name.
var TLSUntrusted = logCause("tls-untrusted", "a certificate is not trusted, or is for another name", "tls_untrusted.md",
	func(p *rule.Pass, c snapshot.Container, _ *ended) []snapshot.Want {
		var wants []snapshot.Want
		for _, t := range trustFiles(p, c) {
			wants = append(wants, snapshot.WantGet(t.kind, p.Object.Namespace, t.name))
		}
		return wants
	}, reportUntrusted)

// What is wrong with a certificate, as the more of a reason.
const (
	noAuthority = "no authority" // it was signed by nobody whom the program trusts
	otherName   = "other name"   // it is for other names than the one that was called
	noRoots     = "no roots"     // the program trusts nobody at all: it has found no authorities
	turnedDown  = "turned down"  // the other side does not trust the program's own
)

var (
	otherNameWords = []*knowledge.Pattern{ // the name that was called, as far as the words have it
		knowledge.Regexp(`certificate is valid for [^\n]{1,300}, not (\S{1,253})`),
		knowledge.Regexp(`certificate is not valid for any names, but wanted to match (\S{1,253})`),
		knowledge.Regexp(`cannot validate certificate for (\S{1,253}) because it doesn't contain any IP SANs`),
		knowledge.Regexp(`certificate relies on legacy Common Name field`),
		knowledge.Regexp(`No subject alternative (?:DNS )?names?(?: matching (?:IP address )?(\S{1,253}))? (?:found|present)`),
		knowledge.Regexp(`No name matching (\S{1,253}) found`),
		knowledge.Regexp(`does not match certificate's altnames: (?:Host: |IP: )?(\S{1,253}?)\.? is`),
		knowledge.Regexp(`(?:Hostname|IP address) mismatch, certificate is not valid for '([^']{1,253})'`),
		knowledge.Regexp(`hostname '([^']{1,253})' doesn't match`),
		knowledge.Regexp(`no alternative certificate subject name matches target host ?name '([^']{1,253})'`),
		knowledge.Regexp(`server certificate for "[^"]{1,253}" does not match host name "([^"]{1,253})"`),
		knowledge.Regexp(`NotValidForName|RemoteCertificateNameMismatch|ERR_TLS_CERT_ALTNAME_INVALID`),
	}
	noRootsWords    = knowledge.Regexp(`(?i)failed to load system roots and no roots provided|trustAnchors parameter must be non-empty|root certificate file "[^"]{1,253}" does not exist`)
	turnedDownWords = knowledge.Regexp(`(?i)remote error: tls: (?:unknown certificate(?: authority)?|bad certificate|certificate required)|tlsv1\d? alert (?:unknown ca|bad certificate|certificate required)|Received fatal alert: (?:unknown_ca|bad_certificate|certificate_unknown|certificate_required)`)
	noTrustWords    = knowledge.Regexp(`(?i)signed by unknown authority|PKIX path (?:building|validation) failed|unable to find valid certification path|SELF_SIGNED_CERT|UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)|unable to get (?:local )?issuer certificate|self[- ]signed certificate|unable to verify the first certificate|invalid peer certificate: UnknownIssuer|UntrustedRoot|PartialChain|RemoteCertificateChainErrors`)
	// validFor are the names that the certificate is for, in Go's words.
	validFor = knowledge.Regexp(`certificate is valid for ([^\n]{1,300}), not `)
)

var untrustedReading = reading{
	words: knowledge.Regexp(`(?i)certificate|certification|x509|PKIX|_CERT|tls|ssl|trustAnchors|UnknownIssuer|NotValidForName|UntrustedRoot|PartialChain|subject alternative|No name matching|doesn't match`),
	read: func(lines []string, at int, _ int32) *reason {
		line := lines[at]
		if strings.Contains(line, "handshake error from") {
			return nil // a server about one of its callers, and it goes on
		}
		r := &reason{cause: "tls-untrusted"}
		for _, pattern := range otherNameWords {
			if m := pattern.FindStringSubmatch(line); m != nil {
				r.more = otherName
				if len(m) > 1 {
					r.what = strings.Trim(m[1], `."',`)
				}
				break
			}
		}
		switch {
		case r.more != "":
		case noRootsWords.MatchString(line):
			r.more = noRoots
		case turnedDownWords.MatchString(line):
			r.more = turnedDown
		case noTrustWords.MatchString(line):
			r.more = noAuthority
		default:
			return nil
		}
		if r.what == "" {
			r.what = calledIn(lines, at)
		}
		return r
	},
}

// calledIn is the host that was called when TLS failed: of a URL or an address in the line, or near it.
func calledIn(lines []string, at int) string {
	if m := urlHost.FindStringSubmatch(lines[at]); m != nil {
		return m[1]
	}
	if host, port, ok := knowledge.CallAddress(lines[at]); ok && port != "" {
		return host
	}
	host, _ := addressNear(lines, at)
	return host
}

// truster is a way in which programs of one kind are told whom to trust.
type truster struct {
	words *knowledge.Pattern // of such programs, when they do not trust
	who   string
	env   []string // that they read
	set   string   // the one to set
	dir   bool     // to a folder, which comes on top of what the image has
	note  string   // what setting it does besides
}

// trusters are tried in turn. Sources: Go, crypto/x509 root_unix.go; Node, doc/api/cli.md; Python, ssl and requests' documents;
// OpenSSL, X509_get_default_cert_file; libpq's documents; Java, the JSSE reference guide.
var trusters = []truster{
	{knowledge.Regexp(`SELF_SIGNED_CERT|DEPTH_ZERO|UNABLE_TO_|ERR_TLS_CERT|verify the first certificate|node:_tls`), "Node", []string{"NODE_EXTRA_CA_CERTS"}, "NODE_EXTRA_CA_CERTS", false, "it comes on top of the authorities that Node has built in"},
	{knowledge.Regexp(`PKIX|SunCertPath|javax\.net\.ssl|java\.security|trustAnchors|certification path`), "Java", []string{"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "JAVA_OPTS"}, "", false, ""},
	{knowledge.Regexp(`x509: `), "Go", []string{"SSL_CERT_FILE", "SSL_CERT_DIR"}, "SSL_CERT_DIR", true, "it comes on top of the authorities of the image's bundle"},
	{knowledge.Regexp(`requests\.exceptions|urllib3|HTTPSConnectionPool`), "Python's requests", []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}, "REQUESTS_CA_BUNDLE", false, "it replaces the public authorities: the file must hold those too, where public names are called"},
	{knowledge.Regexp(`server certificate for|root certificate file|PSQLException|connection to server`), "libpq", []string{"PGSSLROOTCERT"}, "PGSSLROOTCERT", false, ""},
	{knowledge.Regexp(``), "OpenSSL", []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"}, "SSL_CERT_FILE", false, "it replaces the image's bundle: the file must hold those authorities too, where public names are called"},
}

func trusterOf(line string) truster {
	i := slices.IndexFunc(trusters, func(t truster) bool { return t.words.MatchString(line) })
	return trusters[i]
}

// trustStore is where Java's options name a file of authorities.
var trustStore = knowledge.Regexp(`-Djavax\.net\.ssl\.trustStore=(\S{1,300})`)

// trustFile is a file in a volume that looks like authorities.
type trustFile struct {
	mount *corev1.VolumeMount
	kind  schema.GroupKind
	name  string // of the ConfigMap or Secret
	items []corev1.KeyToPath
}

func (t trustFile) word() string { return strings.ToLower(t.kind.Kind) + "/" + t.name }

// accountMount is where the kubelet puts the token of the ServiceAccount and the cluster's own authority.
const accountMount = "/var/run/secrets/kubernetes.io/serviceaccount"

// trustFiles are the ConfigMaps and Secrets that the container mounts.
func trustFiles(p *rule.Pass, c snapshot.Container) []trustFile {
	var list []trustFile
	for i := range c.VolumeMounts {
		m := &c.VolumeMounts[i]
		v := volumeOf(p, m.Name)
		switch {
		case v == nil || m.MountPath == accountMount:
		case v.ConfigMap != nil:
			list = append(list, trustFile{m, snapshot.ConfigMapKind, v.ConfigMap.Name, v.ConfigMap.Items})
		case v.Secret != nil:
			list = append(list, trustFile{m, snapshot.SecretKind, v.Secret.SecretName, v.Secret.Items})
		}
	}
	return list[:min(len(list), mostConfigMaps)]
}

// files are the files that a mount has, by path, with the keys that they are made from; known is false where the
// object was not read.
func (t trustFile) files(p *rule.Pass) (files map[string]string, known bool) {
	o, _ := p.Lookup(t.kind, p.Object.Namespace, t.name)
	if o == nil || !o.KeysKnown && len(t.items) == 0 {
		return nil, false
	}
	names := map[string]string{}
	if len(t.items) > 0 {
		for _, item := range t.items {
			names[item.Path] = item.Key
		}
	} else {
		for _, k := range o.Keys {
			names[k] = k
		}
	}
	files = map[string]string{}
	for file, key := range names {
		switch t.mount.SubPath {
		case "":
			files[path.Join(t.mount.MountPath, file)] = key
		case file:
			files[t.mount.MountPath] = key
		}
	}
	return files, true
}

// caName are names of files that hold authorities.
var caName = knowledge.Regexp(`(?i)(?:^|[^a-z])ca(?:[^a-z]|$)|cacert|bundle|root|authorit|trust|chain|issuer`)

// authorities are the mounted files that are called like authorities, in order.
func authorities(p *rule.Pass, c snapshot.Container) (files []string, of map[string]trustFile) {
	of = map[string]trustFile{}
	for _, t := range trustFiles(p, c) {
		have, _ := t.files(p)
		for file, key := range have {
			if caName.MatchString(key) && !strings.Contains(key, ".key") {
				files, of[file] = append(files, file), t
			}
		}
	}
	slices.Sort(files)
	return files, of
}

func reportUntrusted(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	f.RuledOut = []string{"a certificate that has expired: TLS libraries have other words for that"}
	f.Fix = &rule.Fix{Applicability: rule.NeedsThought}
	whose := "the certificate that it is shown"
	if e.what != "" {
		whose = "the certificate of " + e.what
	}
	at, named := placeOf(p, c, e.host(), e.line)
	switch e.more {
	case otherName:
		reportOtherName(p, c, e, &f, at, named)
	case turnedDown:
		f.Message = "the other side does not accept its own certificate, and the program ends" + e.exit()
		f.NoField = "no setting of the container is known to hold the certificate that it shows"
		if e.what != "" {
			f.Message = fmt.Sprintf("%s does not accept the program's own certificate, and it ends%s", e.what, e.exit())
		}
		f.Fix.Title = "give it a certificate of an authority that the other side trusts, or tell the other side of this one's"
		if mounts := secretMounts(p, c); len(mounts) > 0 {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Text: "Secrets that the container mounts: " + few(mounts)})
			f.Fix.Lines = []string{p.Line("get", "secret", mounts[0], "-o", jsonpath("tls.crt")) + " | base64 -d | openssl x509 -noout -issuer -enddate"}
		}
	default:
		f.RuledOut = append(f.RuledOut, "a certificate for another name: that is told in other words")
		f.Message = fmt.Sprintf("%s was signed by nobody whom the program trusts, and it ends%s", whose, e.exit())
		if e.more == noRoots {
			f.Message = "the program finds no authorities to trust at all, and it ends" + e.exit()
		}
		reportTrust(p, c, e, &f)
		if named && f.Field != nil && f.Object.Same(at.setting.Object) && f.Field.String() != at.setting.Path.String() {
			f.Marks = append(f.Marks, rule.Mark{Field: at.setting.Path, Label: "where the program connects to"})
		}
	}
	p.Report(f)
}

// reportOtherName tells of a certificate that is for other names than the one that was called.
func reportOtherName(p *rule.Pass, c snapshot.Container, e *ended, f *rule.Finding, at place, named bool) {
	f.RuledOut = append(f.RuledOut, "an authority that is not trusted: that is told in other words")
	f.NoField = unnamed(p, c, e.what)
	f.Message = "the certificate that it is shown is for another name than the one that it calls, and the program ends" + e.exit()
	f.Fix.Title = "call it by a name that its certificate is for, or have the certificate issued for this name too"
	if e.what == "" {
		f.NoField = "the log does not say which name was called"
		return
	}
	f.Message = fmt.Sprintf("the certificate that it is shown is not for %s, the name that it calls, and the program ends%s", e.what, e.exit())
	if m := validFor.FindStringSubmatch(e.line); m != nil {
		f.Message = fmt.Sprintf("calls %s, and the certificate that it is shown is for %s only; the program ends%s", e.what, strings.Trim(rule.Quote(m[1]), `"`), e.exit())
	}
	if strings.Trim(e.what, "0123456789.") == "" || strings.Contains(e.what, ":") {
		f.Fix.Title = "call it by a name that its certificate is for: an address is seldom in one"
	}
	if ns, name, ok := e.host().service(p.Object.Namespace); ok {
		f.Fix.Title += fmt.Sprintf("; a Service has the names %s, %s.%s and %s.%s.svc", name, name, ns, name, ns)
	}
	if named {
		at.pointAt(f, e.host())
		f.Value, f.Label = e.what, "the certificate is not for this name"
		if at.by != "" {
			f.Label += ": " + at.by
		}
	}
}

// reportTrust finds what decides whom the program trusts.
func reportTrust(p *rule.Pass, c snapshot.Container, e *ended, f *rule.Finding) {
	t := trusterOf(e.line)
	f.NoField = fmt.Sprintf("no setting of the container names authorities for %s, so it trusts those of its image", t.who)
	f.Fix.Title = "give it the authority that signed the certificate: a ConfigMap with it, mounted, and named to the program"
	if e.more == noRoots {
		f.Fix.Title = "put a bundle of authorities into the image (ca-certificates), or mount one and name it to the program"
	}
	if t.set != "" {
		f.Fix.Title += " in " + t.set
	}
	if reportTold(p, c, t, f) || reportHidden(p, c, f) {
		return
	}
	files, of := authorities(p, c)
	own, ignored := withoutTrustEnv(c)
	for _, file := range files { // a program may have a flag of its own
		if at, ok := placeWhere(p, own, func(value string) bool { return hostIn(value, file) && !strings.Contains(value, e.line) }); ok {
			point(f, at.setting, file, "its authorities come from "+of[file].word())
			f.Message += fmt.Sprintf("; it is told of %s, from %s", file, of[file].word())
			f.Fix.Title = fmt.Sprintf("add the authority that signed the certificate to %s", of[file].word())
			return
		}
	}
	if len(files) == 0 {
		f.Fix.Lines = []string{p.Line("create", "configmap", "<CA>", "--from-file=ca.crt=<FILE>")}
		if t.set != "" {
			value := "/etc/authorities/ca.crt"
			if t.dir {
				value = "/etc/authorities"
			}
			f.Fix.YAML = fmt.Sprintf("containers:\n- name: %s\n  env:\n  - {name: %s, value: %s}\n  volumeMounts:\n  - {name: authorities, mountPath: /etc/authorities}\nvolumes:\n- {name: authorities, configMap: {name: <CA>}}\n", c.Name, t.set, value)
		}
		if ns, name, ok := e.host().service(p.Object.Namespace); ok && ns == "default" && name == "kubernetes" {
			f.Fix.Title = "give it the cluster's own authority: every pod with a token has it, at " + accountMount + "/ca.crt"
			f.Fix.Lines, f.Fix.YAML = nil, ""
		}
		return
	}
	file := files[0]
	have := of[file]
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: "volumeMounts", Text: fmt.Sprintf("%s is mounted: %s", have.word(), few(files))})
	pointAtMount(p, c, have.mount, f, fmt.Sprintf("%s has %s, and nothing tells %s of it", have.word(), path.Base(file), t.who))
	f.Message += fmt.Sprintf("; %s is mounted, and nothing tells %s to trust %s", have.word(), t.who, file)
	if len(ignored) > 0 {
		f.Message += fmt.Sprintf(": it does not read %s", few(ignored))
	}
	if t.set == "" {
		f.Fix.Title = fmt.Sprintf("import %s into the truststore that the program uses (-Djavax.net.ssl.trustStore)", file)
		return
	}
	value := file
	if t.dir {
		value = path.Dir(file)
	}
	container := p.ContainerSetting(c)
	f.Fix.Object = container.Object
	f.Fix.Title = fmt.Sprintf("name it to the program: %s=%s", t.set, value)
	f.Fix.Command = []string{"set", "env", container.Object.String(), "-c", c.Name, t.set + "=" + value}
	f.Fix.Caution = "that this authority signed the certificate, only you know"
	if t.note != "" {
		f.Fix.Caution += "; " + t.note
	}
}

// withoutTrustEnv is the container without the variables that name authorities to programs of some kind, and which
// of them are set.
func withoutTrustEnv(c snapshot.Container) (snapshot.Container, []string) {
	plain := *c.Container
	plain.Env = slices.Clone(c.Env)
	c.Container = &plain
	var names []string
	for i, v := range plain.Env {
		if v.Value != "" && slices.ContainsFunc(trusters, func(t truster) bool { return t.who != "Java" && slices.Contains(t.env, v.Name) }) {
			plain.Env[i].Value = ""
			names = append(names, v.Name)
		}
	}
	return c, names
}

// reportTold judges what tells the program whom to trust; false where nothing does.
func reportTold(p *rule.Pass, c snapshot.Container, t truster, f *rule.Finding) bool {
	for i, v := range c.Env {
		if !slices.Contains(t.env, v.Name) || v.ValueFrom != nil {
			continue
		}
		file := v.Value
		if t.who == "Java" {
			m := trustStore.FindStringSubmatch(v.Value)
			if m == nil {
				continue
			}
			file = m[1]
		}
		if file == "" {
			continue
		}
		setting := envSetting(p, c, i).Child("value")
		point(f, setting, v.Value, "whom the program trusts stands here")
		f.Message += fmt.Sprintf("; %s names %s", v.Name, file)
		have, key, known := fileIn(p, c, file, v.Name == "SSL_CERT_DIR")
		switch {
		case have == nil:
			f.Label = "this file is in no volume: it is the image's own"
			f.Fix.Title = fmt.Sprintf("put the authority that signed the certificate into %s, or name a file that has it", file)
		case known && key == "":
			files, _ := have.files(p)
			names := slices.Sorted(maps.Keys(files))
			f.Label = fmt.Sprintf("there is no such file: %s gives %s", have.word(), few(names))
			f.Message += fmt.Sprintf(", which is not there: %s gives %s", have.word(), few(names))
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Text: fmt.Sprintf("files of %s below %s: %s", have.word(), have.mount.MountPath, few(names))})
			f.Fix.Title = "name a file that is there"
			if len(names) == 1 && t.who != "Java" {
				f.Fix.Title = fmt.Sprintf("name the file that is there, %s", names[0])
				f.Fix.Patch = setting.ReplaceValue(v.Value, names[0])
				f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
				f.Fix.Object = setting.Object
				f.Fix.Caution = "that this is the authority that signed the certificate, only you know"
			}
		default:
			f.Label = "its authorities come from " + have.word()
			f.Message += fmt.Sprintf(", from %s", have.word())
			f.Fix.Title = fmt.Sprintf("add the authority that signed the certificate to %s", have.word())
			if key != "" {
				f.Fix.Title = fmt.Sprintf("add the authority that signed the certificate to key %s of %s", key, have.word())
				line := p.Line("get", strings.ToLower(have.kind.Kind), have.name, "-o", jsonpath(key))
				if have.kind == snapshot.SecretKind {
					line += " | base64 -d"
				}
				f.Fix.Lines = []string{"# which authorities it has now:", line + " | openssl storeutl -noout -text -certs /dev/stdin | grep -E 'Subject:|Not After'"}
			}
		}
		return true
	}
	return false
}

// fileIn is the mount in which a file lies, and the key that it is made from; known is false where the keys are
// not. For a folder the key stays empty, and only one without any file is known to lack it.
func fileIn(p *rule.Pass, c snapshot.Container, file string, dir bool) (have *trustFile, key string, known bool) {
	m := mountAt(c, file)
	if m == nil {
		return nil, "", false
	}
	for _, t := range trustFiles(p, c) {
		if t.mount.Name != m.Name || t.mount.MountPath != m.MountPath {
			continue
		}
		files, read := t.files(p)
		if dir {
			return &t, "", false
		}
		return &t, files[path.Clean(file)], read
	}
	return nil, "", false
}

// systemTrust are the folders in which images keep the authorities that programs trust.
var systemTrust = []string{"/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/ssl", "/etc/pki/ca-trust/extracted/pem"}

// reportHidden tells of a volume that hides the authorities of the image; false where none does.
func reportHidden(p *rule.Pass, c snapshot.Container, f *rule.Finding) bool {
	for i := range c.VolumeMounts {
		m := &c.VolumeMounts[i]
		if m.SubPath != "" || m.SubPathExpr != "" || !slices.Contains(systemTrust, path.Clean(m.MountPath)) {
			continue
		}
		pointAtMount(p, c, m, f, "hides all authorities that the image has there")
		f.Message += fmt.Sprintf("; volume %s is mounted over %s and hides the authorities of the image", m.Name, m.MountPath)
		f.Fix.Title = fmt.Sprintf("mount volume %s elsewhere, and name its file to the program; or mount one file, with subPath, beside the others", m.Name)
		return true
	}
	return false
}
