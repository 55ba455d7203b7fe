package knowledge

import (
	"strconv"
	"strings"
)

// How says in which way a call got no answer.
type How string

// The ways.
const (
	TimedOut  How = "timed out"  // nobody answered at all
	NoRoute   How = "no route"   // somebody on the way, or the own machine, says that there is no such host
	NoNetwork How = "no network" // the own machine has no route of that kind at all
	CutOff    How = "cut off"    // somebody answered and then broke the connection off
)

// Call is a connection that a line of a log says got no answer, or was broken off.
type Call struct {
	Host, Port string // as the program names them; "" where the line does not
	IP         string // where the line has it beside a name
	How        How
}

var (
	// asks are lines about the name server: that did not answer, and not what was to be called.
	asks = Regexp(`(?i)\blookup \S|getaddrinfo|name resolution|EAI_AGAIN|resolving timed out|resolve (?:host|address|name)`)

	noNetworkWords = Regexp(`(?i)network is unreachable|\bENETUNREACH\b|\berrno:? ?101\b|os error 101\b`)
	noRouteWords   = Regexp(`(?i)no route to host|\bEHOSTUNREACH\b|NoRouteToHost|host is unreachable|\berrno:? ?113\b|os error 113\b`)
	cutOffWords    = Regexp(`(?i)connection reset|\bECONNRESET\b|\berrno:? ?104\b|os error 104\b`)
	// timedOutWords say that a connection timed out; slowWords mean that only beside an address.
	timedOutWords = Regexp(`(?i)connect(?:ion)?(?: attempt)? timed[ -]?out|connect(?:ion)? ?timeout\b|connectTimeout(?:error|exception)|SocketTimeoutException|\bETIMEDOUT\b|\berrno:? ?110\b|os error 110\b|socketexception \(110\)|connection timeout expired`)
	slowWords     = Regexp(`(?i)i/o timeout|timed[ -]?out|timeout expired|deadline exceeded|handshake timeout|execution expired|timeout during connection|did not properly respond|\((?:110|115)\)`)
)

const (
	callName = `[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?`
	callIP   = `[0-9]{1,3}(?:\.[0-9]{1,3}){3}`
)

// Where a line has the address, the more telling forms first.
var (
	nameAndIP  = Regexp(`(` + callName + `) ?[/(]+(` + callIP + `):([0-9]{1,5})\b`)
	serverAt   = Regexp(`(?i)\b(?:server at|host)[ =:'"]{1,4}(` + callName + `)['"]?(?: \((` + callIP + `)\))?[^\n]{0,80}?\bport[ =:'"]{1,4}([0-9]{1,5})\b`)
	wordPort   = Regexp(`(?i)(?:connect(?:ion)? to|connect\(2\) for|connecting to) ["']?(` + callName + `)["']?(?: \([^)]{0,60}\))?,? port ([0-9]{1,5})\b`)
	arrow      = Regexp(`->\[?([0-9A-Fa-f:.]{3,45}?)\]?:([0-9]{1,5})\b`)
	bracketed  = Regexp(`\[([0-9A-Fa-f:]{2,45})\]:([0-9]{1,5})\b`)
	errnoSix   = Regexp(`\b(?:ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ECONNRESET) ([0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,44}):([0-9]{1,5})\b`)
	nameColon  = Regexp(`(` + callName + `):([0-9]{1,5})\b`)
	urlOf      = Regexp(`\b([a-z][a-z0-9+.-]{1,20})://(?:[^@/\s"']{1,200}@)?(` + callName + `)(?::([0-9]{1,5}))?`)
	hostAlone  = Regexp(`(?i)(?:server on|remote host|connect(?:ion)? to|connecting to|host) ['"(]{0,2}(` + callName + `)`)
	noise      = Regexp(` - Local \([^)]{0,60}\)|\bnode:[\w/]{1,60}:\d+:\d+`) // Node's own end of the connection, and its source
	sourceName = Regexp(`\.(?:go|py|js|mjs|cjs|ts|java|kt|scala|rb|php|rs|c|cc|cpp|h|cs|ex|lua)$`)
)

// ephemeral is from which port on Linux gives ports to those who call. Source: ip_local_port_range.
const ephemeral = 32768

// Unanswered reads a line of a log that says that a call got no answer; ok is false where it says nothing
// of that. A line about the name server is none, nor is a wait for something that has no address, unless its
// words are those of a connection.
func Unanswered(line string) (c Call, ok bool) {
	if asks.MatchString(line) {
		return Call{}, false
	}
	strong := false
	var words []int
	for _, kind := range []struct {
		how    How
		words  *Pattern
		strong bool
	}{{NoNetwork, noNetworkWords, true}, {NoRoute, noRouteWords, true}, {CutOff, cutOffWords, false}, {TimedOut, timedOutWords, true}, {TimedOut, slowWords, false}} {
		if words = kind.words.FindStringIndex(line); words != nil {
			c.How, strong = kind.how, kind.strong
			break
		}
	}
	if words == nil {
		return Call{}, false
	}
	found := c.address(line, words[0])
	if c.How == CutOff { // who answers others is cut off by them, and that is no call of its own
		if n, err := strconv.Atoi(c.Port); !found || c.Port != "" && (err != nil || n >= ephemeral) {
			return Call{}, false
		}
	}
	return c, found || strong
}

// CallAddress is the address that a line names, whatever it says of it.
func CallAddress(line string) (host, port string, ok bool) {
	var c Call
	if asks.MatchString(line) || !c.address(line, len(line)) {
		return "", "", false
	}
	return c.Host, c.Port, true
}

// address finds what the line calls; the words of the failure start at.
func (c *Call) address(line string, at int) bool {
	if gone := noise.FindStringIndex(line); gone != nil {
		line = line[:gone[0]] + strings.Repeat(" ", gone[1]-gone[0]) + line[gone[1]:]
	}
	if m := serverAt.FindStringSubmatch(line); m != nil && c.set(m[1], m[3]) {
		c.IP = m[2]
		return true
	}
	if m := nameAndIP.FindStringSubmatch(line); m != nil && !isIP(m[1]) && c.set(m[1], m[3]) {
		c.IP = m[2]
		return true
	}
	for _, pattern := range []*Pattern{wordPort, arrow, bracketed, errnoSix} {
		if m := pattern.FindStringSubmatch(line); m != nil && c.set(m[1], m[2]) {
			return c.of(line)
		}
	}
	var before, after []string
	for _, m := range nameColon.FindAllStringSubmatchIndex(line, -1) {
		one := []string{line[m[2]:m[3]], line[m[4]:m[5]]}
		switch {
		case !isCalled(one[0], one[1]):
		case m[0] < at:
			before = one
		case after == nil:
			after = one
		}
	}
	if before == nil {
		before = after
	}
	if before != nil && c.set(before[0], before[1]) {
		return c.of(line)
	}
	if m := urlOf.FindStringSubmatch(line); m != nil && c.set(m[2], schemePorts[m[1]]) {
		return true
	}
	for _, m := range hostAlone.FindAllStringSubmatch(line, 4) {
		if strings.ContainsAny(m[1], "0123456789.-") && c.set(m[1], "") { // a plain word may be any word
			return true
		}
	}
	return false
}

// schemePorts are the ports that a URL without one means. Source: the service names of IANA.
var schemePorts = map[string]string{
	"http": "80", "https": "443", "ws": "80", "wss": "443", "postgres": "5432", "postgresql": "5432", "mysql": "3306", "redis": "6379",
	"rediss": "6379", "amqp": "5672", "amqps": "5671", "mongodb": "27017", "nats": "4222", "ldap": "389", "ldaps": "636",
}

// of takes the name of a URL in the line for the host of an address that is only a number.
func (c *Call) of(line string) bool {
	if !isIP(c.Host) {
		return true
	}
	if m := urlOf.FindStringSubmatch(line); m != nil && !isIP(m[2]) && isCalled(m[2], c.Port) {
		c.IP, c.Host = c.Host, m[2]
	}
	return true
}

func (c *Call) set(host, port string) bool {
	if !isCalled(host, port) {
		return false
	}
	c.Host, c.Port = strings.TrimSuffix(host, "."), port
	return true
}

func isIP(host string) bool { return strings.Trim(host, "0123456789.") == "" }

// isCalled tells names and addresses from what else stands before a colon and a number: a clock time, a
// source file, an errno.
func isCalled(host, port string) bool {
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
		return false
	}
	switch {
	case strings.Contains(host, ":"):
		return true
	case strings.Trim(host, "0123456789.-T") == "":
		return strings.Count(host, ".") == 3
	case sourceName.MatchString(host):
		return false
	}
	switch strings.ToLower(host) {
	case "errno", "error", "code", "line", "pid", "timeout", "after", "exception", "the", "a":
		return false
	}
	return true
}
