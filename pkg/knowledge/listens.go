package knowledge

import (
	"strconv"
)

// How servers say where they listen: "listening on :8080", "Tomcat started on port(s): 8080 (http)",
// "Uvicorn running on http://127.0.0.1:8000", "Listening at: http://0.0.0.0:8000", "Serving HTTP on 0.0.0.0
// port 8000", "Now listening on: http://[::]:5000", "Started ServerConnector@1{HTTP/1.1}{0.0.0.0:8080}".
var (
	listenWords   = Regexp(`(?i)\b(?:listen(?:ing|s)|serving|running|started|bound|bind(?:ing)?|exposed|available)\b`)
	listenAddress = Regexp(`(?:\b(\d{1,3}(?:\.\d{1,3}){3}|localhost)|\[([0-9a-fA-F:]*)\]|\*|^|[\s/@('"{])[:](\d{2,5})\b`)
	listenPort    = Regexp(`(?i)\bports?(?:\(s\))?[\s:=]{1,3}(\d{2,5})\b`)
	notListening  = Regexp(`(?i)fail|refus|error|cannot|can't|unable|in use|denied|waiting`)
)

// listenLetters is how much of a line is looked at.
const listenLetters = 400

// Listens reads in one line of a log where a program says that it listens; ok is false for a line that
// says no such thing. The host is "" where it names none.
func Listens(line string) (host string, port int, ok bool) {
	line = line[:min(len(line), listenLetters)]
	at := listenWords.FindStringIndex(line)
	if at == nil || notListening.MatchString(line) {
		return "", 0, false
	}
	rest := line[at[1]:]
	number := ""
	if m := listenAddress.FindStringSubmatch(rest); m != nil {
		host, number = m[1]+m[2], m[3]
	} else if m := listenPort.FindStringSubmatch(rest); m != nil {
		number = m[1]
	}
	port, err := strconv.Atoi(number)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, false
	}
	return host, port, true
}

// Loopback tells whether a host is reached from inside of its pod only.
func Loopback(host string) bool {
	return host == "localhost" || host == "::1" || len(host) > 4 && host[:4] == "127."
}
