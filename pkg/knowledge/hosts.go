package knowledge

import (
	"net/netip"
	"strings"
)

// Host is another host that a setting names.
type Host struct {
	Name string // in lower case, without a dot at its end; or an address
	Port string // "" where none is named
}

// String is NAME:PORT.
func (h Host) String() string {
	switch {
	case h.Port == "":
		return h.Name
	case strings.Contains(h.Name, ":"):
		return "[" + h.Name + "]:" + h.Port
	}
	return h.Name + ":" + h.Port
}

// connecting are the schemes of URLs behind which a program connects to a host; what only names an image, a bucket or a
// file has others.
var connecting = map[string]bool{
	"http": true, "https": true, "ws": true, "wss": true, "grpc": true, "grpcs": true, "tcp": true, "udp": true, "tls": true, "ssl": true,
	"postgres": true, "postgresql": true, "mysql": true, "mariadb": true, "sqlserver": true, "mssql": true, "mongodb": true, "mongodb+srv": true,
	"redis": true, "rediss": true, "amqp": true, "amqps": true, "kafka": true, "nats": true, "mqtt": true, "mqtts": true, "stomp": true,
	"ldap": true, "ldaps": true, "smtp": true, "smtps": true, "imap": true, "imaps": true, "ftp": true, "ftps": true, "sftp": true, "ssh": true,
	"clickhouse": true, "cassandra": true, "elasticsearch": true, "memcached": true, "syslog": true, "git": true, "influxdb": true,
}

var (
	urlParts   = Regexp(`([a-zA-Z][a-zA-Z0-9+.-]*)://([^\s"'<>|]+)`)
	dialled    = Regexp(`@(?:tcp|udp)\(([^()\s]+)\)`)                         // as Go's MySQL driver takes it
	settingOf  = Regexp(`(?i)(?:^|[\s;])(?:host|server)=([A-Za-z0-9.:,_-]+)`) // of libpq and of .NET
	hostLabel  = Regexp(`^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$`)
	portNumber = Regexp(`^[1-9][0-9]{0,4}$`)
)

// HostsIn are the hosts that the value of a setting names: in URLs, in what drivers of databases take, as NAME:PORT, and
// alone where bare says that the setting is one of a host. Nothing of a login is among them: where it is not clear what of
// a URL is one, there is no host.
func HostsIn(value string, bare bool) []Host {
	var list []Host
	add := func(text string) {
		for one := range strings.SplitSeq(text, ",") {
			if h, ok := hostOf(strings.TrimSpace(one)); ok {
				list = append(list, h)
			}
		}
	}
	if strings.Contains(value, "://") {
		for _, m := range urlParts.FindAllStringSubmatch(value, -1) {
			if authority, ok := authorityOf(m[2]); ok && connecting[strings.ToLower(m[1])] {
				add(authority)
			}
		}
		return list
	}
	for _, driver := range []struct {
		sign    byte
		pattern *Pattern
	}{{'(', dialled}, {'=', settingOf}} {
		if strings.IndexByte(value, driver.sign) < 0 {
			continue
		}
		if m := driver.pattern.FindStringSubmatch(value); m != nil {
			add(m[1])
			return list
		}
	}
	if strings.ContainsAny(value, " /@$=") {
		return nil
	}
	for one := range strings.SplitSeq(value, ",") {
		h, ok := hostOf(one)
		if !ok || h.Port == "" && !bare {
			return nil // all of a list are hosts, or none
		}
		list = append(list, h)
	}
	return list
}

// authorityOf is the part of a URL that names the host, without the login; not ok where a login may hold what ends it.
func authorityOf(rest string) (string, bool) {
	authority := rest
	if i := strings.IndexAny(rest, "/?#;\\"); i >= 0 {
		authority = rest[:i]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		return authority[i+1:], true
	}
	return authority, !strings.Contains(rest[len(authority):], "@")
}

// hostOf reads NAME, NAME:PORT or an address.
func hostOf(text string) (Host, bool) {
	name, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && (strings.Count(text, ":") == 1 || text[i-1] == ']') {
		name, port = text[:i], text[i+1:]
		if !portNumber.MatchString(port) {
			return Host{}, false
		}
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if ip, err := netip.ParseAddr(name); err == nil {
		return Host{ip.Unmap().String(), port}, true
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if name == "" || strings.Trim(last, "0123456789") == "" { // a version, a time
		return Host{}, false
	}
	for label := range strings.SplitSeq(name, ".") {
		if !hostLabel.MatchString(label) {
			return Host{}, false
		}
	}
	return Host{name, port}, true
}

// hostEnds are ends of names of settings whose value is a host.
var hostEnds = []string{"_HOST", "_HOSTS", "_HOSTNAME", "_SERVER", "_SERVERS", "_ADDR", "_ADDRESS", "_ENDPOINT", "_ENDPOINTS", "_BROKER", "_BROKERS"}

// ownNames are words in the names of settings that say how a program itself is reached, or whom it lets in, and not to
// whom it connects.
var ownNames = []string{
	"PUBLIC", "EXTERNAL_URL", "ROOT_URL", "SITE_URL", "ALLOWED", "CORS", "ORIGIN", "REDIRECT", "CALLBACK", "NO_PROXY", "VIRTUAL_HOST", "LETSENCRYPT_HOST",
	"DOCS", "HELP", "SUPPORT", "HOMEPAGE", "SCHEMA", "LICENSE", "LISTEN", "BIND", "ADVERTISE", "REACT_APP_", "VITE_",
}

// HostSetting tells whether the value of a setting of that name may be a host alone.
func HostSetting(name string) bool {
	upper := UpperName(name)
	for _, end := range hostEnds {
		if strings.HasSuffix(upper, end) {
			return true
		}
	}
	return false
}

// OwnAddress tells whether a setting of that name says how a program itself is reached, or whom it lets in.
func OwnAddress(name string) bool {
	upper := UpperName(name)
	for _, word := range ownNames {
		if strings.Contains(upper, word) {
			return true
		}
	}
	return false
}

// knownEnds are ends of names that organizations give to hosts of their own, and what is most common of the public ones.
// Source: RFC 6762 appendix G, ICANN's .internal, and the registries of top-level domains by size.
var knownEnds = map[string]bool{
	"internal": true, "intranet": true, "private": true, "corp": true, "home": true, "lan": true, "local": true, "localdomain": true,
	"com": true, "net": true, "org": true, "edu": true, "gov": true, "mil": true, "int": true, "info": true, "biz": true, "eu": true, "io": true, "dev": true,
	"app": true, "cloud": true, "ai": true, "co": true, "tech": true, "online": true, "site": true, "xyz": true, "me": true, "tv": true, "sh": true,
	"de": true, "uk": true, "fr": true, "nl": true, "it": true, "es": true, "pl": true, "ch": true, "at": true, "be": true, "se": true, "no": true,
	"dk": true, "fi": true, "cz": true, "pt": true, "ie": true, "ru": true, "ua": true, "tr": true, "us": true, "ca": true, "mx": true, "br": true,
	"ar": true, "cn": true, "jp": true, "kr": true, "in": true, "id": true, "sg": true, "hk": true, "tw": true, "au": true, "nz": true, "za": true,
	"example": true, "test": true,
}

// KnownDomain tells whether the end of a name is one that hosts outside of clusters commonly have: db.example.com, and
// not db.shop, which may be a Service.
func KnownDomain(name string) bool {
	end := name[strings.LastIndexByte(name, '.')+1:]
	return strings.Contains(name, ".") && knownEnds[end] && !ClusterDomain(name)
}

// ClusterDomain tells names that a cluster itself gives: of Services, of pods, and of the servers of metadata that nodes
// have.
func ClusterDomain(name string) bool {
	if strings.HasSuffix(name, ".cluster.local") || name == "metadata.google.internal" || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	labels := strings.Split(name, ".")
	for i, label := range labels {
		if i > 1 && (label == "svc" || label == "pod" && i == len(labels)-1) {
			return true
		}
	}
	return false
}

// NodeAddress tells addresses that mean the own machine, or something right beside it.
func NodeAddress(ip netip.Addr) bool {
	return ip.IsUnspecified() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast()
}
