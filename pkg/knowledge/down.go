package knowledge

import (
	"strings"
)

// Down is something that a program calls and that is not well, as a line of its log says.
type Down struct {
	Host, Port string // as the program names it; the port is "" where the line has none
	How        string // in words: "refuses the connection"
}

var (
	refusedCall = Regexp(`(?i)connection refused|\bECONNREFUSED\b|actively refused|connection to \S{1,200} refused|\berrno:? ?111\b|os error 111\b`)
	unknownName = Regexp(`(?i)no such host|\bENOTFOUND\b|\bEAI_AGAIN\b|name or service not known|nodename nor servname|name resolution|translate host name|UnknownHostException|could not resolve host|server misbehaving`)
	// silentServer are lines about a name that could not be asked for.
	silentServer = Regexp(`\blookup (` + callName + `)(?: on \S{1,100})?: .{0,200}(?:timeout|timed out|unreachable|refused|try again|no route)`)
	// whichName is where such a line has the name.
	whichName = Regexp(`(?i)(?:\blookup |\b(?:ENOTFOUND|EAI_AGAIN) |translate host name "|UnknownHostException: |resolve host:? '?|resolve '|getaddrinfo for )(` + callName + `)`)
	// wellAgain are lines after which it is no longer down.
	wellAgain = Regexp(`(?i)\b(?:re-?)?connected (?:to|with)\b|connection (?:is )?(?:established|restored)|\brecovered\b|\bis (?:back|up again|reachable)\b`)
)

// Address is host and port as people write it.
func (d Down) Address() string {
	switch {
	case d.Port == "":
		return d.Host
	case strings.Contains(d.Host, ":"):
		return "[" + d.Host + "]:" + d.Port
	}
	return d.Host + ":" + d.Port
}

// DownIn reads in the last lines of a log that something which the program calls is down, by its address, and
// which line says so; at is -1 where none does, or where a later one says that it is well again.
func DownIn(lines []string) (d Down, at int) {
	for at = len(lines) - 1; at >= 0; at-- {
		line := lines[at]
		if wellAgain.MatchString(line) {
			return Down{}, -1
		}
		if d, ok := down(line); ok {
			return d, at
		}
	}
	return Down{}, -1
}

func down(line string) (Down, bool) {
	if m := silentServer.FindStringSubmatch(line); m != nil && !isIP(m[1]) {
		return Down{Host: strings.TrimSuffix(m[1], "."), How: "cannot be looked up: the name server does not answer"}, true
	}
	if unknownName.MatchString(line) {
		if m := whichName.FindStringSubmatch(line); m != nil && !isIP(m[1]) {
			return Down{Host: strings.TrimSuffix(m[1], "."), How: "has no address: the name does not resolve"}, true
		}
		return Down{}, false
	}
	if refusedCall.MatchString(line) {
		host, port, ok := CallAddress(line)
		return Down{Host: host, Port: port, How: "refuses the connection"}, ok && port != ""
	}
	if c, ok := Unanswered(line); ok && c.Host != "" {
		switch c.How {
		case CutOff:
			return Down{c.Host, c.Port, "breaks the connection off"}, true
		case NoRoute, NoNetwork:
			return Down{c.Host, c.Port, "cannot be reached: no network leads there"}, true
		default:
			return Down{c.Host, c.Port, "does not answer"}, true
		}
	}
	return Down{}, false
}
